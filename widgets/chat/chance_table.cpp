#include "widgets/chat/chance_table.h"

#include <algorithm>
#include <cmath>

#include <QHeaderView>

#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr qsizetype kShown = 8; // of each model
constexpr int kRows = 6;

TableValue percent(const std::optional<double>& logProbability) {
    return numberValue(logProbability ? 100 * std::exp(*logProbability) : std::nan(""), 3);
}

void addMissing(const QList<ScoredToken::Chance>& chances, QList<ScoredToken::Chance>& named) {
    for (const ScoredToken::Chance& chance :
         chances.first(std::min<qsizetype>(kShown, chances.size()))) {
        const bool isNamed = std::any_of(named.begin(), named.end(), [&chance](const auto& other) {
            return other.id == chance.id;
        });
        if (!isNamed)
            named.append(chance);
    }
}

} // namespace

QString visibleToken(const QString& text) {
    QString shown = text;
    return shown.replace(u'\n', u'↵').replace(u' ', u'␣').replace(u'\t', u'⇥');
}

ChanceTable::ChanceTable(QWidget* parent) : Table(tr("Likeliest tokens"), parent) {
    setAccessibleName(tr("Likeliest tokens of both models at the chosen place"));
    setModel(&model_);
    horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
    setFixedHeight(kControlHeight * kRows);
}

void ChanceTable::setNames(const QString& place, const QString& first, const QString& second) {
    columns_ = {{place, {}, false}, {tr("%1, %").arg(first), {}}, {tr("%1, %").arg(second), {}}};
}

void ChanceTable::setPlace(const ScoredToken& first, const ScoredToken& second) {
    QList<ScoredToken::Chance> named;
    addMissing(first.likeliest, named);
    addMissing(second.likeliest, named);
    if (first.id >= 0)
        addMissing({{first.id, first.text, first.logProbability}}, named);
    std::vector<QList<TableValue>> rows;
    for (const ScoredToken::Chance& chance : named) {
        QList<TableValue> row = {textValue(visibleToken(chance.text)),
                                 percent(first.logProbabilityOf(chance.id)),
                                 percent(second.logProbabilityOf(chance.id))};
        for (TableValue& value : row)
            value.isBold = chance.id == first.id;
        rows.push_back(std::move(row));
    }
    model_.setTable(columns_, std::move(rows));
}

} // namespace caldera::studio
