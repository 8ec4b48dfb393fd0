#include "widgets/support/table.h"

#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QHeaderView>
#include <QMenu>

#include "widgets/support/csv_field.h"
#include "widgets/support/save_file.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

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

Table::Table(const QString& name, QWidget* parent) : QTableView(parent), name_(name) {
    setAccessibleName(name);
    makeQuietTable(*this);
}

QString Table::csv() const {
    QString text;
    const auto line = [&](auto textOf) {
        QStringList fields;
        for (int column = 0; column < model()->columnCount(); ++column) {
            fields.append(csvField(textOf(column)));
        }
        text += fields.join(u',') + u'\n';
    };
    line([this](int column) { return model()->headerData(column, Qt::Horizontal).toString(); });
    for (int row = 0; row < model()->rowCount(); ++row) {
        line([this, row](int column) {
            return model()->index(row, column).data(kExportRole).toString();
        });
    }
    return text;
}

void Table::exportCsv() {
    saveFile(this, {tr("Export the table"),
                    name_ + u".csv"_s,
                    {tr("Comma-separated values (*.csv)")},
                    [this](const QString&) { return csv().toUtf8(); }});
}

void Table::contextMenuEvent(QContextMenuEvent* event) {
    if (model() == nullptr) {
        return;
    }
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(icon(u"copy"_s), tr("Copy table"), this,
                    [this] { QGuiApplication::clipboard()->setText(csv()); });
    menu->addAction(icon(u"export"_s), tr("Export as CSV…"), this, &Table::exportCsv);
    menu->popup(event->globalPos());
}

} // namespace caldera::studio
