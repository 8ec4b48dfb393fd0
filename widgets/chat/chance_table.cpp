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

QString percent(const std::optional<double>& logProbability) {
    return logProbability ? figureText(100 * std::exp(*logProbability)) + u" %"_s : u"–"_s;
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

ChanceTable::ChanceTable(QWidget* parent) : QTableWidget(0, 3, parent) {
    setAccessibleName(tr("Likeliest tokens of both models at the chosen place"));
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setSelectionMode(QAbstractItemView::NoSelection);
    setFocusPolicy(Qt::NoFocus);
    verticalHeader()->hide();
    horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
    setFixedHeight(kControlHeight * kRows);
}

void ChanceTable::setNames(const QString& place, const QString& first, const QString& second) {
    setHorizontalHeaderLabels({place, first, second});
}

void ChanceTable::setPlace(const ScoredToken& first, const ScoredToken& second) {
    QList<ScoredToken::Chance> named;
    addMissing(first.likeliest, named);
    addMissing(second.likeliest, named);
    if (first.id >= 0)
        addMissing({{first.id, first.text, first.logProbability}}, named);
    setRowCount(static_cast<int>(named.size()));
    for (int row = 0; row < named.size(); ++row) {
        const int id = named[row].id;
        const QStringList cells = {visibleToken(named[row].text),
                                   percent(first.logProbabilityOf(id)),
                                   percent(second.logProbabilityOf(id))};
        for (int column = 0; column < cells.size(); ++column) {
            auto* item = new QTableWidgetItem(cells[column]);
            QFont font = item->font();
            font.setBold(id == first.id);
            item->setFont(font);
            item->setTextAlignment((column > 0 ? Qt::AlignRight : Qt::AlignLeft) |
                                   Qt::AlignVCenter);
            setItem(row, column, item);
        }
    }
}

} // namespace caldera::studio
