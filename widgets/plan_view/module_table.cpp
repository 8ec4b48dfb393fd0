#include "widgets/plan_view/module_table.h"

#include <QHeaderView>
#include <QPainter>
#include <QStyledItemDelegate>

#include <array>

#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kBarWidth = 72;

/// The share as a bar, and the figure beside it.
class ShareDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        QStyledItemDelegate::paint(painter, option, index);
        const double share = index.data(ModuleTableModel::kShareRole).toDouble();
        const Theme& theme = Theme::current();
        const QRect groove(option.rect.left() + kSpaceSmall, option.rect.center().y() - 2,
                           kBarWidth, 4);
        painter->fillRect(groove, theme.color(Token::Line));
        painter->fillRect(QRect(groove.topLeft(), QSize(qRound(groove.width() * share), 4)),
                          index.data(ModuleTableModel::kColorRole).value<QColor>());
    }

    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override {
        return QStyledItemDelegate::sizeHint(option, index) + QSize(kBarWidth + 2 * kSpaceSmall, 0);
    }
};

} // namespace

ModuleTable::ModuleTable(ModuleTableModel& model, QWidget* parent)
    : Table(tr("Where the bytes go"), parent) {
    setObjectName(u"moduleTable"_s);
    setModel(&model);
    setItemDelegateForColumn(ModuleTableModel::Share, new ShareDelegate(this));
    horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    horizontalHeader()->setSectionResizeMode(ModuleTableModel::Name, QHeaderView::Stretch);
    horizontalHeader()->setMinimumSectionSize(64);
    connect(&Theme::current(), &Theme::themeChanged, viewport(), qOverload<>(&QWidget::update));
    // Every edit resets the rows, which does not make them wider; another model's may be.
    connect(&model, &QAbstractItemModel::modelReset, this, [this, &model] {
        if (model.rowCount() != fittedRows_) {
            fitColumns();
        }
    });
    connect(&model, &QAbstractItemModel::headerDataChanged, this, &ModuleTable::fitColumns);
}

QSize ModuleTable::sizeHint() const {
    const int rows = model() == nullptr ? 0 : model()->rowCount();
    return {640, kControlHeight + rows * verticalHeader()->defaultSectionSize() + 2};
}

void ModuleTable::resizeEvent(QResizeEvent* event) {
    fitColumns();
    QTableView::resizeEvent(event);
}

int ModuleTable::neededWidth(int column) const {
    return qMax(sizeHintForColumn(column), horizontalHeader()->sectionSizeHint(column));
}

/// What stands elsewhere too (the shape in the cell panel) gives way before a scroll bar comes.
void ModuleTable::fitColumns() {
    fittedRows_ = model()->rowCount();
    constexpr std::array kFirstToGo = {ModuleTableModel::Shape, ModuleTableModel::Mean};
    for (const int column : kFirstToGo) { // hidden ones have no hint
        setColumnHidden(column, false);
    }
    int needed = 0;
    for (int column = 0; column < ModuleTableModel::kColumnCount; ++column) {
        needed += neededWidth(column);
    }
    for (const int column : kFirstToGo) {
        const bool tooWide = needed > viewport()->width();
        needed -= tooWide ? neededWidth(column) : 0;
        setColumnHidden(column, tooWide);
    }
}

} // namespace caldera::studio
