#include "widgets/inspect_view/blame_page.h"

#include <QHBoxLayout>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSpinBox>

#include <algorithm>
#include <cmath>

#include "core/base/find_value.h"
#include "core/model/codec_facts.h"
#include "core/report/kept_reports.h"
#include "widgets/inspect_view/cells_page.h"
#include "widgets/models/session.h"
#include "widgets/support/cell_text.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/table.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kTextHeight = 76;
constexpr int kTokenWidth = 148;
constexpr int kMostTokens = 1 << 20;
constexpr int kOffered = 3; ///< cells at first

double numberOf(const FidelityMetric& metric, const char* name) {
    return findValue(metric.numbers, name).value_or(0);
}

/// What the measurement says of the token, as sentences.
QString verdictOf(const Report& report) {
    const FidelityMetric& metric = report.fidelity.front();
    const double original = numberOf(metric, "original_log_probability");
    const double here = numberOf(metric, "log_probability");
    double gains = 0;
    for (const auto& [cell, gain] : metric.values) {
        gains += gain;
    }
    const QString token = QString::fromStdString(metric.description).section(u'"', 1, -2);
    const auto before = report.run.find("before");
    const QString after =
        before == report.run.end()
            ? QString()
            : BlamePage::tr("After “%1”. ").arg(QString::fromStdString(before->second));
    const int number =
        static_cast<int>(findValue(metric.numbers, "number").value_or(numberOf(metric, "place")));
    const auto candidates = static_cast<int>(numberOf(metric, "candidates"));
    const QString which =
        candidates > 0 ? BlamePage::tr("Token %1, which lost most of the %2 that were looked at")
                             .arg(number)
                             .arg(candidates)
                       : BlamePage::tr("Token %1").arg(number);
    return after +
           BlamePage::tr("%1, “%2”: log-probability %3 in the original, %4 here. Putting "
                         "cells back one at a time gains %5 in all (embeddings %6, head %7).")
               .arg(which, token, figureText(original), figureText(here), figureText(gains),
                    figureText(numberOf(metric, "embedding_gain")),
                    figureText(numberOf(metric, "head_gain")));
}

std::vector<Cell> byGain(const FidelityMetric& metric) {
    std::vector<std::pair<double, Cell>> order;
    for (const auto& [cell, gain] : metric.values) {
        order.emplace_back(gain, cell);
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<Cell> cells;
    for (const auto& [gain, cell] : order) {
        cells.push_back(cell);
    }
    return cells;
}

} // namespace

BlamePage::BlamePage(Session& session, QWidget* parent) : InspectPage(parent), session_(session) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, kSpaceSmall, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(makeQuestion());
    expected_ = new ToneLabel(QString(), Token::Text, this);
    expected_->setWordWrap(true);
    expected_->hide();
    layout->addWidget(expected_);
    layout->addWidget(makeAnswer(), 1);
    layout->addStretch(0);
    connect(&session_, &Session::reportChanged, this, &BlamePage::showBlame);
    connect(&session_.plan(), &PlanDocument::changed, this, &BlamePage::showOffer);
    showBlame();
}

void BlamePage::expect(const QString& word) {
    expected_->setText(tr("Looking for the cells that moved “%1” in the answer: each gets its "
                          "original weights back once. They are listed and coloured when all are "
                          "done; the status line shows how far it is.")
                           .arg(word));
    expected_->setVisible(!word.isEmpty());
}

QWidget* BlamePage::makeQuestion() {
    auto* question = new QWidget(this);
    text_ = new QPlainTextEdit(question);
    text_->setAccessibleName(tr("Text whose token is explained"));
    text_->setPlaceholderText(tr("A text in which the compressed model says something odd. Empty: "
                                 "the held-out text. The token that lost most is looked for in its "
                                 "first %1 tokens.")
                                  .arg(kBlamedTokens));
    text_->setFixedHeight(kTextHeight);
    text_->setTabChangesFocus(true);
    token_ = new QSpinBox(question);
    token_->setRange(0, kMostTokens);
    token_->setMinimumWidth(kTokenWidth);
    token_->setSpecialValueText(tr("that lost most"));
    token_->setAccessibleName(tr("Token that is explained"));
    token_->setToolTip(tr("Counted from 1, which has nothing before it and is not explained; 0: "
                          "the one whose probability fell most among the first %1")
                           .arg(kBlamedTokens));
    find_ = new QPushButton(icon(u"search"_s), tr("Find the cells"), question);
    find_->setToolTip(tr("Puts the original weights of each cell back, one cell at a time"));
    connect(find_, &QPushButton::clicked, this,
            [this] { Q_EMIT blameRequested(text_->toPlainText(), token_->value()); });
    auto* caption = new ToneLabel(tr("Token"), Token::Secondary, question);
    caption->setBuddy(token_);
    auto* choices = new QHBoxLayout;
    choices->setSpacing(kSpaceSmall);
    choices->addWidget(caption);
    choices->addWidget(token_, 1);
    auto* side = new QVBoxLayout;
    side->setSpacing(kSpaceSmall);
    side->addLayout(choices);
    side->addWidget(find_);
    side->addStretch(1);
    auto* layout = new QHBoxLayout(question);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceMedium);
    layout->addWidget(text_, 1);
    layout->addLayout(side);
    return question;
}

/// What may be done with the first of the cells.
QLayout* BlamePage::makeOffer() {
    count_ = new QSpinBox(answer_);
    count_->setRange(1, 1);
    count_->setAccessibleName(tr("How many cells get more bits"));
    give_ = new QPushButton(icon(u"plus"_s), QString(), answer_);
    putBack_ = new QPushButton(icon(u"chat"_s), tr("Chat with their originals"), answer_);
    putBack_->setToolTip(tr("Gives these cells their original weights in the chat's engine, at "
                            "once and until you undo it: hear whether they are to blame before "
                            "you spend bits on them. An engine on a GPU has to go on on the "
                            "processor for it; you are asked first."));
    connect(count_, &QSpinBox::valueChanged, this, &BlamePage::showOffer);
    connect(give_, &QPushButton::clicked, this, &BlamePage::giveBits);
    connect(putBack_, &QPushButton::clicked, this, &BlamePage::putBack);
    auto* caption = new ToneLabel(tr("The first"), Token::Secondary, answer_);
    caption->setBuddy(count_);
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceSmall);
    line->addWidget(caption);
    line->addWidget(count_);
    line->addWidget(give_);
    line->addWidget(putBack_);
    line->addStretch(1);
    return line;
}

QWidget* BlamePage::makeAnswer() {
    answer_ = new QWidget(this);
    verdict_ = new ToneLabel(QString(), Token::Secondary, answer_);
    verdict_->setWordWrap(true);
    QLayout* offer = makeOffer();
    cells_ = new CellTable(tr("Blame"), answer_);
    connect(cells_, &CellTable::cellChosen, this, &BlamePage::cellChosen);
    auto* layout = new QVBoxLayout(answer_);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(verdict_);
    layout->addLayout(offer);
    layout->addWidget(cells_, 1);
    return answer_;
}

void BlamePage::putBack() {
    QStringList names;
    for (int at = 0; at < std::min(count_->value(), static_cast<int>(ranked_.size())); ++at) {
        names.append(QString::fromStdString(cellName(ranked_[static_cast<size_t>(at)])));
    }
    Q_EMIT putBackRequested(names);
}

void BlamePage::look(const InspectFocus& focus) {
    cells_->select(focus.cell);
}

void BlamePage::showBlame() {
    const bool artifact = session_.facts() && session_.facts()->kind == OpenKind::Artifact;
    find_->setEnabled(artifact);
    putBack_->setEnabled(artifact);
    const FidelityMetric* metric = session_.blame() ? &session_.blame()->fidelity.front() : nullptr;
    answer_->setVisible(metric != nullptr);
    ranked_ = metric != nullptr ? byGain(*metric) : std::vector<Cell>();
    if (metric == nullptr) {
        return;
    }
    verdict_->setText(verdictOf(*session_.blame()));
    const double lost =
        numberOf(*metric, "original_log_probability") - numberOf(*metric, "log_probability");
    std::vector<QList<TableValue>> rows;
    for (const Cell cell : ranked_) {
        const double gain = metric->values.at(cell);
        rows.push_back({countValue(cell.layer), textValue(moduleText(cell.module)),
                        numberValue(gain, 4),
                        numberValue(lost > 0 ? 100 * gain / lost : std::nan(""), 3),
                        textValue(QString::fromStdString(cellName(cell)))});
    }
    cells_->setTable(
        {{tr("Layer"), {}, true},
         {tr("Module"), {}, false},
         {tr("Gain, nats"),
          tr("Of the token's log-probability, when this cell alone "
             "has its original weights"),
          true},
         {tr("Of the loss, %"), tr("Gains of single cells do not add up exactly"), true},
         {tr("Name"), {}, false}},
        std::move(rows), ranked_);
    count_->setRange(1, std::max(1, static_cast<int>(ranked_.size())));
    count_->setValue(std::min(kOffered, count_->maximum()));
    showOffer();
}

BitOffer BlamePage::offer() const {
    BitOffer offer;
    const PlanDocument& plan = session_.plan();
    if (plan.empty()) {
        return offer;
    }
    const size_t count = std::min(ranked_.size(), static_cast<size_t>(count_->value()));
    for (size_t at = 0; at < count; ++at) {
        const Cell cell = ranked_[at];
        if (cell.layer >= plan.config().layerCount) {
            continue;
        }
        CellSettings settings = plan.settingsOf(cell);
        const double bits = nearestBits(settings.codec, settings.bits + 1);
        if (settings.skip || settings.locked || bits <= settings.bits) {
            continue;
        }
        const MatrixShape shape = plan.config().shapeOf(cell.module);
        const int64_t before = cellBytes(settings, shape);
        settings.bits = bits;
        offer.bytes += cellBytes(settings, shape) - before;
        offer.bits.emplace_back(cell, bits);
    }
    return offer;
}

void BlamePage::showOffer() {
    const BitOffer now = offer();
    const int cells = static_cast<int>(now.bits.size());
    give_->setText(
        tr("Give %n cell(s) one more bit (+%1)", nullptr, cells).arg(sizeText(now.bytes)));
    give_->setToolTip(tr("A step of the plan that can be undone; compress again to see its effect. "
                         "Cells that are locked, stay at 16 bits or have all bits of their codec "
                         "are left alone."));
    give_->setEnabled(cells > 0);
}

void BlamePage::giveBits() {
    const BitOffer now = offer();
    CellEdits edits;
    for (const auto& [cell, bits] : now.bits) {
        CellEdit edit;
        edit.bits = bits;
        edits.emplace_back(cell, edit);
    }
    session_.plan().editCells(
        tr("Give %n cell(s) one more bit", nullptr, static_cast<int>(now.bits.size())), edits);
}

} // namespace caldera::studio
