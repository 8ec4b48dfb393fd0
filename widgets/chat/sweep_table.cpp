#include "widgets/chat/sweep_table.h"

#include <QHeaderView>

#include <cmath>

#include "core/base/text.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kShownColumns = 9; ///< those after them are for files

QList<TableColumn> columnsOfPoints() {
    return {{SweepTable::tr("Prompt"), SweepTable::tr("Tokens of the prompt")},
            {SweepTable::tr("Chats"), SweepTable::tr("Answered at once")},
            {SweepTable::tr("First, ms"), SweepTable::tr("From asking to the first token")},
            {SweepTable::tr("Prompt tok/s"), SweepTable::tr("Tokens of the prompt read a second")},
            {SweepTable::tr("tok/s of all"), SweepTable::tr("All chats together")},
            {SweepTable::tr("p50, ms"), SweepTable::tr("Half of the tokens came faster")},
            {SweepTable::tr("p95, ms"), SweepTable::tr("One of twenty tokens took longer")},
            {SweepTable::tr("p99, ms"), SweepTable::tr("One of a hundred tokens took longer")},
            {SweepTable::tr("Change, %"),
             SweepTable::tr("Of the speed of all chats, to the measurement compared with")},
            {SweepTable::tr("Of what memory allows, %"), {}},
            {SweepTable::tr("Model"), {}, false},
            {SweepTable::tr("Artifact"), {}, false},
            {SweepTable::tr("Device"), {}, false},
            {SweepTable::tr("Measured"), {}, false},
            {SweepTable::tr("Compared with"), {}, false}};
}

TableValue changeValue(const std::optional<double>& change) {
    TableValue value = numberValue(change ? 100 * *change : std::nan(""), 3);
    if (!change)
        return value;
    value.text = (*change >= 0 ? u"+"_s : u"−"_s) + figureText(100 * std::abs(*change));
    if (*change < -kSpeedNoise) {
        value.tone = Token::Bad;
        value.toolTip = SweepTable::tr("Slower than before");
    }
    return value;
}

TableValue speedValue(const SweepPoint& point) {
    TableValue value = numberValue(point.speed, 3);
    if (point.rooflineShare >= 0 && point.chats == 1)
        value.toolTip = SweepTable::tr("%1 % of what the memory allows")
                            .arg(figureText(100 * point.rooflineShare));
    return value;
}

QList<TableValue> rowOf(const SweepPoint& point, const SweepRun& run, const SweepRun* before) {
    const auto milliseconds = [](double seconds) { return numberValue(1e3 * seconds, 3); };
    const auto moment = [](const SweepRun& of) { return of.time.toString(Qt::ISODate); };
    return {countValue(point.promptTokens),
            countValue(point.chats),
            milliseconds(point.firstToken),
            numberValue(point.promptSpeed, 3),
            speedValue(point),
            milliseconds(point.p50),
            milliseconds(point.p95),
            milliseconds(point.p99),
            changeValue(before ? speedChange(point, *before) : std::nullopt),
            numberValue(point.rooflineShare >= 0 ? 100 * point.rooflineShare : std::nan(""), 3),
            textValue(run.model),
            textValue(run.artifact),
            textValue(run.device),
            textValue(moment(run)),
            textValue(before ? before->artifact + u' ' + moment(*before) : QString())};
}

} // namespace

SweepTable::SweepTable(QWidget* parent) : Table(tr("Measured speeds"), parent) {
    setModel(&model_);
    setSortingEnabled(true);
    horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
    showRun(nullptr, nullptr);
    horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
}

void SweepTable::showRun(const SweepRun* run, const SweepRun* before) {
    std::vector<QList<TableValue>> rows;
    for (const SweepPoint& point : run ? run->points : QList<SweepPoint>())
        rows.push_back(rowOf(point, *run, before));
    model_.setTable(columnsOfPoints(), std::move(rows));
    for (int column = kShownColumns; column < model_.columnCount(); ++column)
        setColumnHidden(column, true);
}

} // namespace caldera::studio
