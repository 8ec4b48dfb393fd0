// The context menu of the heatmap and what it exports.
#include <QBuffer>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QMenu>

#include "widgets/heatmap/heatmap_view.h"
#include "widgets/support/save_file.h"
#include "widgets/theme/icons.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

void HeatmapView::contextMenuEvent(QContextMenuEvent* event) {
    const auto cell = cellAt(event->pos());
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addActions(menuActions_);
    menu->addSeparator();
    if (cell) {
        menu->addAction(icon(u"pin"_s), pinned_ == cell ? tr("Unpin cell") : tr("Pin cell"), this,
                        [this, cell] { pin(pinned_ == cell ? std::nullopt : cell); });
        menu->addAction(
            icon(u"copy"_s), tr("Copy figures of the cell"), this, [index = grid_.indexOf(*cell)] {
                QGuiApplication::clipboard()->setText(index.data(Qt::ToolTipRole).toString());
            });
    }
    menu->addAction(tr("Copy all values"), this,
                    [this] { QGuiApplication::clipboard()->setText(grid_.csv()); });
    menu->addSeparator();
    menu->addAction(icon(u"export"_s), tr("Export as CSV…"), this, &HeatmapView::exportCsv);
    menu->addAction(tr("Export as PNG…"), this, &HeatmapView::exportPicture);
    menu->addSeparator();
    menu->addAction(icon(u"refresh"_s), tr("Reset zoom"), this, &HeatmapView::resetZoom)
        ->setEnabled(zoom_ > 1);
    menu->popup(event->globalPos());
}

void HeatmapView::exportCsv() {
    saveFile(this, {tr("Export the heatmap"),
                    u"heatmap.csv"_s,
                    {tr("Comma-separated values (*.csv)")},
                    [this](const QString&) { return grid_.csv().toUtf8(); }});
}

void HeatmapView::exportPicture() {
    saveFile(this, {tr("Export the heatmap"),
                    u"heatmap.png"_s,
                    {tr("PNG image (*.png)")},
                    [this](const QString&) {
                        QByteArray bytes;
                        QBuffer buffer(&bytes);
                        buffer.open(QIODevice::WriteOnly);
                        grab().save(&buffer, "PNG");
                        return bytes;
                    }});
}

} // namespace caldera::studio
