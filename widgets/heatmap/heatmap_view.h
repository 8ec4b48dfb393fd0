// The heatmap: modules by layers, every cell coloured by a metric.
#pragma once

#include <QList>
#include <QString>
#include <QTableView>

#include <optional>
#include <vector>

#include "core/model/module.h"
#include "widgets/models/cell_grid_model.h"

namespace caldera::studio {

class HeatmapDelegate;
class HeatmapHeader;

/// Keyboard: arrows move, Enter pins, Esc unpins. Mouse: hover shows, click pins, wheel zooms about
/// the cursor. The context menu copies and exports. Enter or a click on embeddings or head asks for
/// their bits.
class HeatmapView : public QTableView {
    Q_OBJECT
public:
    explicit HeatmapView(CellGridModel& model, QWidget* parent = nullptr);

    /// The pinned cell, else the hovered one, else the one the keyboard is at.
    std::optional<Cell> shownCell() const;
    const std::optional<Cell>& pinnedCell() const { return pinned_; }
    void pin(std::optional<Cell> cell);
    /// In the order of cells; none where the selection mode allows none.
    std::vector<Cell> selectedCells() const;
    /// What the keyboard edits: the selected cells, else the hovered one, else the current one.
    std::vector<Cell> targets() const;
    /// The cell at a point of the viewport.
    std::optional<Cell> cellAt(const QPoint& position) const;
    /// The same, or for a point outside of all cells the nearest one. The grid is not empty.
    Cell nearestCell(const QPoint& position) const;
    /// Follows the cursor where somebody else takes the mouse.
    void hover(std::optional<Cell> cell);
    /// Outlines what a tool would change.
    void setPreview(std::vector<Cell> cells);
    const std::vector<Cell>& preview() const { return preview_; }
    /// First in the context menu.
    void setMenuActions(const QList<QAction*>& actions);
    /// Where the first layer begins, from the left edge.
    int cellsLeft() const;
    double zoom() const { return zoom_; }
    void resetZoom();

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

Q_SIGNALS:
    /// shownCell() changed.
    void cellShown(const std::optional<caldera::Cell>& cell);
    void cellPinned(const std::optional<caldera::Cell>& cell);
    /// Of embeddings or head: the place among the model's wide cells.
    void wideCellActivated(int wide);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void currentChanged(const QModelIndex& current, const QModelIndex& previous) override;

private:
    void startAnew();
    void layOutCells();
    void layOutWideCells();
    int wideHeight() const;
    int heightOf(int cellHeight) const;
    /// Below the last module, in the viewport.
    int modulesBottom() const;
    void tellShown();
    QRect frameOf(const QModelIndex& index) const;
    void repaintCrosshair();
    void paintCrosshair(QPainter& painter, Cell cell) const;
    static void paintFrame(QPainter& painter, const QRect& area, const QColor& color);
    void paintOutline(QPainter& painter, const std::vector<Cell>& cells, const QPen& pen) const;
    void exportCsv();
    void exportPicture();

    CellGridModel& grid_;
    HeatmapDelegate* delegate_;
    HeatmapHeader* layers_;
    HeatmapHeader* modules_;
    std::optional<Cell> hovered_;
    std::optional<Cell> pinned_;
    std::optional<Cell> shown_;
    std::optional<Cell> pressed_;
    std::vector<Cell> preview_;
    QList<QAction*> menuActions_;
    double zoom_ = 1;
};

} // namespace caldera::studio
