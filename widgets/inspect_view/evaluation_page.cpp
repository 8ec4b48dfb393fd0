#include "widgets/inspect_view/evaluation_page.h"

#include <QDateTime>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>

#include <cmath>

#include "core/base/find_value.h"
#include "core/report/value_interval.h"
#include "widgets/models/session.h"
#include "widgets/models/session_background.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/save_file.h"
#include "widgets/support/table.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr double kMostWhole = 9e18; ///< that a whole number holds

/// "0.0412 ±0.0041": half the interval's width beside the figure.
TableValue cellOf(const BoardNumber& number, const EvaluationRecord& record) {
    const auto estimate = estimateOf(record, number.key);
    if (!estimate) {
        return numberValue(std::nan(""));
    }
    TableValue value = numberValue(estimate->value);
    value.text = estimateText(number, *estimate);
    if (estimate->low && estimate->high) {
        const double half = (*estimate->high - *estimate->low) / 2;
        value.text += u" \u00b1"_s + figureText(number.isShare ? 100 * half : half, 2);
        value.toolTip += u'\n' + EvaluationPage::tr("95 % interval: %1 to %2")
                                     .arg(estimateText(number, {*estimate->low, {}, {}}),
                                          estimateText(number, {*estimate->high, {}, {}}));
    } else if (record.facts.contains(kNoInterval)) {
        value.toolTip += u'\n' + (record.numbers.contains("questions")
                                      ? EvaluationPage::tr("No interval from one question")
                                      : EvaluationPage::tr("No interval from one block of 128 "
                                                           "tokens"));
    }
    return value;
}

/// A dash for what cannot be a count.
TableValue wholeValue(double count) {
    return count >= 0 && count < kMostWhole ? countValue(static_cast<int64_t>(count))
                                            : numberValue(std::nan(""));
}

TableValue sizeValue(double bytes) {
    TableValue value = wholeValue(bytes);
    if (value.order.isValid()) {
        value.toolTip = value.text;
        value.text = sizeText(static_cast<int64_t>(bytes));
    }
    return value;
}

TableValue countOf(const EvaluationRecord& record, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (const auto found = record.numbers.find(name); found != record.numbers.end()) {
            return wholeValue(found->second);
        }
    }
    return numberValue(std::nan(""));
}

/// Everything that the evaluation has to say, for those whose columns are not there.
QString detailsOf(const BoardEntry& entry) {
    QStringList lines{entry.model, EvaluationPage::tr("artifact %1").arg(entry.hash)};
    for (const auto& [name, value] : entry.record.numbers) {
        lines.append(QString::fromStdString(name) + u": "_s + figureText(value, 6));
    }
    for (const auto& [name, text] : entry.record.facts) {
        if (!text.empty()) {
            lines.append(QString::fromStdString(name) + u": "_s + QString::fromStdString(text));
        }
    }
    return lines.join(u'\n');
}

/// The value with its interval as a line of its own height.
Curve barOf(const BoardEntry& entry, const Estimate& estimate, int row, bool open) {
    Curve curve;
    curve.name = entry.title();
    curve.color = [open] {
        return Theme::current().color(open ? Token::Accent : Token::Secondary);
    };
    curve.points = true;
    curve.width = 2;
    for (const double x : {estimate.low.value_or(estimate.value), estimate.value,
                           estimate.high.value_or(estimate.value)}) {
        curve.x.append(x);
        curve.y.append(row);
    }
    return curve;
}

/// "2026-11-27T21:22:40Z" -> "2026-11-27 21:22", of this place.
QString minuteOf(const QString& date) {
    const QDateTime time = QDateTime::fromString(date, Qt::ISODate);
    return time.isValid() ? time.toLocalTime().toString(u"yyyy-MM-dd HH:mm") : date;
}

} // namespace

EvaluationPage::EvaluationPage(Session& session, QWidget* parent)
    : InspectPage(parent), session_(session), stack_(new QStackedWidget(this)),
      note_(new ToneLabel(QString(), Token::Secondary, this)),
      export_(new QPushButton(icon(u"export"_s), tr("Export…"), this)),
      evaluate_(new QPushButton(icon(u"measure"_s), tr("Evaluate"), this)) {
    export_->setToolTip(tr("Every number of every evaluation as comma-separated values"));
    connect(export_, &QPushButton::clicked, this, [this] {
        saveFile(this, {tr("Export the scoreboard"),
                        tr("scoreboard") + u".csv"_s,
                        {tr("Comma-separated values (*.csv)")},
                        [this](const QString&) { return boardCsv(entries_).toUtf8(); }});
    });
    evaluate_->setToolTip(tr("Perplexity, KL divergence from the original and agreement of what is "
                             "open, on the held-out text"));
    connect(evaluate_, &QPushButton::clicked, this, &EvaluationPage::evaluateRequested);
    connect(&session_, &Session::reportChanged, this, [this] {
        if (isVisible()) {
            refresh();
        }
    });
    note_->setWordWrap(true);
    stack_->addWidget(new QWidget(this));
    stack_->addWidget(makeBoard());
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceMedium);
    line->addWidget(note_, 1);
    line->addWidget(export_, 0, Qt::AlignTop);
    line->addWidget(evaluate_, 0, Qt::AlignTop);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, kSpaceSmall, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addLayout(line);
    layout->addWidget(stack_, 1);
    showTable();
}

QWidget* EvaluationPage::makeBoard() {
    auto* split = new QSplitter(Qt::Vertical, this);
    split->setChildrenCollapsible(false);
    table_ = new Table(tr("Evaluations"), split);
    table_->setModel(&model_);
    table_->setSelectionMode(QAbstractItemView::ExtendedSelection);
    table_->setSortingEnabled(true);
    table_->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
    table_->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    table_->horizontalHeader()->setStretchLastSection(false); // it would cut the date
    connect(table_->selectionModel(), &QItemSelectionModel::selectionChanged, this,
            &EvaluationPage::showComparison);

    auto* below = new QWidget(split);
    comparison_ = new ToneLabel(QString(), Token::Secondary, below);
    comparison_->setWordWrap(true);
    number_ = new QComboBox(below);
    number_->setAccessibleName(tr("Number that is compared"));
    for (const BoardNumber& one : boardNumbers()) {
        number_->addItem(one.title);
        number_->setItemData(number_->count() - 1, one.toolTip, Qt::ToolTipRole);
    }
    connect(number_, &QComboBox::currentIndexChanged, this, &EvaluationPage::showComparison);
    plot_ = new Plot(tr("Comparison of evaluations"), below);
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceMedium);
    line->addWidget(comparison_, 1);
    line->addWidget(number_, 0, Qt::AlignTop);
    auto* layout = new QVBoxLayout(below);
    layout->setContentsMargins(0, kSpaceSmall, 0, 0);
    layout->setSpacing(kSpaceTiny);
    layout->addLayout(line);
    layout->addWidget(plot_, 1);
    return split;
}

const BoardNumber& EvaluationPage::number() const {
    return boardNumbers()[static_cast<size_t>(std::max(0, number_->currentIndex()))];
}

bool EvaluationPage::isOpen(const BoardEntry& entry) const {
    return session_.facts() && !entry.hash.isEmpty() &&
           entry.hash == session_.facts()->artifactHash;
}

void EvaluationPage::look(const InspectFocus&) {
    evaluate_->setEnabled(session_.facts() && session_.facts()->kind == OpenKind::Artifact);
}

/// Evaluations may have been made elsewhere meanwhile.
void EvaluationPage::showEvent(QShowEvent* event) {
    InspectPage::showEvent(event);
    refresh();
}

void EvaluationPage::refresh() {
    const int generation = ++generation_;
    session_.inBackground([] { return readBoard(); },
                          [this, generation](const Board& board) {
                              if (generation == generation_) {
                                  take(board);
                              }
                          });
}

void EvaluationPage::take(const Board& board) {
    entries_ = board.entries;
    // What came with the artifact, or with a report that was opened, is kept nowhere else.
    for (const EvaluationRecord& record : session_.evaluations()) {
        const bool known =
            std::any_of(entries_.begin(), entries_.end(), [&](const BoardEntry& entry) {
                return isOpen(entry) && entry.record.name == record.name;
            });
        if (!known) {
            const OpenFacts* facts = session_.facts().get();
            entries_.append({facts != nullptr ? facts->name : tr("opened report"),
                             facts != nullptr ? facts->artifactHash : QString(), QString(),
                             record});
        }
    }
    note_->setToolTip(board.problems.join(u'\n'));
    showTable();
    if (!board.problems.isEmpty()) {
        note_->setText(
            note_->text() + u' ' +
            tr("%n file(s) could not be read.", nullptr, static_cast<int>(board.problems.size())));
    }
}

void EvaluationPage::showTable() {
    stack_->setCurrentIndex(entries_.isEmpty() ? 0 : 1);
    export_->setVisible(!entries_.isEmpty());
    note_->setText(entries_.isEmpty()
                       ? tr("Nothing is evaluated yet. Perplexity, KL divergence from the original "
                            "and agreement are measured on a held-out text.")
                       : tr("Results of every compressed model on this machine; the open one is "
                            "marked. Select one to compare it with the best, or two."));
    QList<TableColumn> columns{{tr("Model"), {}, false},
                               {tr("Bits"), tr("Per weight of the compressed matrices"), true},
                               {tr("Size"), tr("Of all its files but the report"), true},
                               {tr("Text or task"), {}, false},
                               {tr("Tokens"), tr("Predicted tokens, or questions"), true},
                               {tr("Context"), {}, true}};
    for (const BoardNumber& one : boardNumbers()) {
        columns.append({one.title, one.toolTip, true});
    }
    columns.append({tr("Date"), {}, false});
    std::vector<QList<TableValue>> rows;
    for (const BoardEntry& entry : std::as_const(entries_)) {
        const QString mark = isOpen(entry) ? u"● "_s : QString();
        QList<TableValue> row{
            textValue(mark + entry.title(), detailsOf(entry)),
            numberValue(findValue(entry.record.numbers, "bits_per_weight").value_or(std::nan("")),
                        3),
            sizeValue(findValue(entry.record.numbers, "bytes").value_or(std::nan(""))),
            textValue(QString::fromStdString(entry.record.name), detailsOf(entry)),
            countOf(entry.record, {"tokens", "questions"}),
            countOf(entry.record, {"context"})};
        for (const BoardNumber& one : boardNumbers()) {
            row.append(cellOf(one, entry.record));
        }
        row.append({minuteOf(entry.date), entry.date, entry.date, {}});
        rows.push_back(row);
    }
    model_.setTable(columns, std::move(rows));
    showComparison();
}

QList<int> EvaluationPage::selected() const {
    QList<int> rows;
    for (const QModelIndex& index : table_->selectionModel()->selectedRows()) {
        rows.append(model_.sourceRow(index.row()));
    }
    return rows;
}

void EvaluationPage::showComparison() {
    const QList<int> chosen = selected();
    EvaluationRecord like;
    if (!entries_.isEmpty())
        like = entries_[chosen.isEmpty() ? 0 : chosen.first()].record;
    QList<Curve> bars;
    auto names = QSharedPointer<QCPAxisTickerText>::create();
    for (const BoardEntry& entry : std::as_const(entries_)) {
        const auto estimate = estimateOf(entry.record, number().key);
        if (compares(number(), entry.record, like) && estimate) {
            const int row = static_cast<int>(bars.size());
            names->addTick(row, entry.title());
            bars.append(barOf(entry, *estimate, row, isOpen(entry)));
        }
    }
    plot_->setCurves(
        {tr("%1 on %2").arg(number().title, QString::fromStdString(like.name)), QString()}, bars);
    plot_->yAxis->setTicker(names);
    plot_->yAxis->setRange(-0.6, static_cast<double>(bars.size()) - 0.4);
    if (chosen.size() == 2) {
        const BoardEntry& first = entries_[chosen[0]];
        const BoardEntry& second = entries_[chosen[1]];
        comparison_->setText(compares(number(), first.record, second.record)
                                 ? comparisonText(number(), first, second)
                                 : tr("Results on different texts or tasks, at different "
                                      "contexts, or beside different originals do not compare."));
    } else {
        comparison_->setText(chosen.size() == 1 ? besideTheBest(entries_[chosen.first()])
                                                : number().toolTip);
    }
}

QString EvaluationPage::besideTheBest(const BoardEntry& entry) const {
    const BoardEntry* best = bestOf(entries_, number(), entry.record);
    if (best == nullptr || !estimateOf(entry.record, number().key)) {
        return number().toolTip;
    }
    const QString text = QString::fromStdString(entry.record.name);
    if (best == &entry) {
        return tr("%1: %2 is the best on %3.").arg(number().title, entry.title(), text);
    }
    return comparisonText(number(), entry, *best) + u' ' +
           tr("%1 is the best on %2.").arg(best->title(), text);
}

} // namespace caldera::studio
