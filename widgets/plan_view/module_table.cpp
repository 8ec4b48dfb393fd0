#include "widgets/plan_view/module_table.h"

#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QHeaderView>
#include <QMenu>
#include <QPainter>
#include <QStyledItemDelegate>

#include "widgets/support/save_file.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kBarWidth = 72;
constexpr int kAllColumnsWidth = 760;

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

void makeQuietTable(QTableView& table) {
    table.setFrameShape(QFrame::NoFrame);
    table.setShowGrid(false);
    table.setSelectionBehavior(QAbstractItemView::SelectRows);
    table.setSelectionMode(QAbstractItemView::SingleSelection);
    table.setEditTriggers(QAbstractItemView::NoEditTriggers);
    table.setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    table.setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    table.setTextElideMode(Qt::ElideMiddle);
    table.setTabKeyNavigation(false);
    table.setWordWrap(false);
    table.setCornerButtonEnabled(false);
    table.verticalHeader()->hide();
    table.verticalHeader()->setMinimumSectionSize(kControlHeight - 2);
    table.verticalHeader()->setDefaultSectionSize(kControlHeight - 2);
    table.horizontalHeader()->setHighlightSections(false);
    table.horizontalHeader()->setFixedHeight(kControlHeight);
}

ModuleTable::ModuleTable(ModuleTableModel& model, QWidget* parent) : QTableView(parent) {
    setObjectName(u"moduleTable"_s);
    setAccessibleName(tr("Where the bytes go"));
    setModel(&model);
    makeQuietTable(*this);
    setItemDelegateForColumn(ModuleTableModel::Share, new ShareDelegate(this));
    horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    horizontalHeader()->setSectionResizeMode(ModuleTableModel::Name, QHeaderView::Stretch);
    horizontalHeader()->setMinimumSectionSize(64);
    connect(&Theme::current(), &Theme::themeChanged, viewport(), qOverload<>(&QWidget::update));
}

QSize ModuleTable::sizeHint() const {
    const int rows = model() == nullptr ? 0 : model()->rowCount();
    return {640, kControlHeight + rows * verticalHeader()->defaultSectionSize() + 2};
}

// What stands elsewhere too (the shape in the cell panel) gives way before a scroll bar comes.
void ModuleTable::resizeEvent(QResizeEvent* event) {
    const bool narrow = event->size().width() < kAllColumnsWidth;
    setColumnHidden(ModuleTableModel::Shape, narrow);
    setColumnHidden(ModuleTableModel::Mean, narrow);
    QTableView::resizeEvent(event);
}

QString ModuleTable::csv() const {
    QString text;
    for (int column = 0; column < model()->columnCount(); ++column) {
        text += (column > 0 ? u","_s : QString()) + u'"' +
                model()->headerData(column, Qt::Horizontal).toString() + u'"';
    }
    text += u'\n';
    for (int row = 0; row < model()->rowCount(); ++row) {
        for (int column = 0; column < model()->columnCount(); ++column) {
            text += (column > 0 ? u","_s : QString()) + u'"' +
                    model()->index(row, column).data().toString() + u'"';
        }
        text += u'\n';
    }
    return text;
}

void ModuleTable::contextMenuEvent(QContextMenuEvent* event) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(icon(u"copy"_s), tr("Copy table"), this,
                    [this] { QGuiApplication::clipboard()->setText(csv()); });
    menu->addAction(icon(u"export"_s), tr("Export as CSV…"), this, [this] {
        saveFile(this, {tr("Export the table"),
                        u"modules.csv"_s,
                        {tr("Comma-separated values (*.csv)")},
                        [this](const QString&) { return csv().toUtf8(); }});
    });
    menu->popup(event->globalPos());
}

} // namespace caldera::studio
