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
    if (!logProbability) {
        return {u"–"_s, {}, ChanceTable::tr("not among the likeliest that are known"), {}};
    }
    return numberValue(100 * std::exp(*logProbability), 3);
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

void ChanceTable::setPlace(const ChancePlace& place) {
    if (place == shown_) {
        return;
    }
    shown_ = place;
    QList<ScoredToken::Chance> named;
    addMissing(place.first.likeliest, named);
    addMissing(place.second.likeliest, named);
    if (place.first.id >= 0)
        addMissing({{place.first.id, place.first.text, place.first.logProbability}}, named);
    std::vector<QList<TableValue>> rows;
    for (const ScoredToken::Chance& chance : named) {
        QList<TableValue> row = {textValue(visibleToken(chance.text)),
                                 percent(place.first.logProbabilityOf(chance.id)),
                                 percent(place.second.logProbabilityOf(chance.id))};
        for (TableValue& value : row)
            value.isBold = chance.id == place.first.id;
        rows.push_back(std::move(row));
    }
    model_.setTable({{place.title, {}, false},
                     {tr("%1, %").arg(place.firstName), {}},
                     {tr("%1, %").arg(place.secondName), {}}},
                    std::move(rows));
}

} // namespace caldera::studio
