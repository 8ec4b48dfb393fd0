// The heatmap's item model: seven modules by N layers and a row of tables below, fed by values.
#pragma once

#include <QAbstractTableModel>
#include <QList>
#include <QString>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/model/module.h"
#include "widgets/models/cell_surprise.h"
#include "widgets/models/color_scale.h"
#include "widgets/models/value_standing.h"

namespace caldera::studio {

/// What one cell of the heatmap shows.
struct GridCell {
    std::optional<double> value; ///< metric; absent when unmeasured, never drawn as zero
    QString kind;                ///< how it came about; empty: as the metric's others
    ValueStanding standing = ValueStanding::Measured;
    double bits = 0;
    int rank = 0;
    bool locked = false;
    bool skipped = false;    ///< stays at 16 bit
    std::string codec;       ///< family; empty: unknown
    bool otherCodec = false; ///< than the plan's own
    /// What another plan has here, where that is something else.
    struct Other {
        QString text;      ///< "3/64"
        int direction = 0; ///< of its bytes: 1 more there, -1 fewer
        bool operator==(const Other&) const = default;
    };
    std::optional<Other> other;
    QString planned;                      ///< what the plan has now, where that is something else
    std::optional<CellSurprise> surprise; ///< of a job at work
    bool operator==(const GridCell&) const = default;
};

enum class CellState { Unmeasured, Measured, Skipped };

/// A matrix beside the layers (embeddings, head), one cell below all or half of them.
struct WideCell {
    QString text;
    QString toolTip;
    bool operator==(const WideCell&) const = default;
};

class CellGridModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Role {
        ValueRole = Qt::UserRole + 1, ///< double, or invalid when unmeasured
        PositionRole,                 ///< 0 calm .. 1 fragile; -1 when unmeasured
        DivergingRole, ///< bool: of positions 0.5 means neither, 0 better and 1 worse
        BitsRole,
        RankRole,
        RankShareRole, ///< rank over the largest rank in the grid
        StateRole,     ///< CellState as int
        LockedRole,
        OtherCodecRole,     ///< bool
        OtherTextRole,      ///< what another plan has here; empty: the same, or there is none
        OtherDirectionRole, ///< int: 1 it costs more there, -1 less
        SurpriseRole        ///< int: 1 a larger error than expected, -1 a smaller one, else 0
    };

    explicit CellGridModel(QObject* parent = nullptr);

    /// Cells module by module: cells[module * layers + layer].
    void setCells(int layers, std::vector<GridCell> cells);
    /// `metric`, `kind` and `unit` (empty: plain numbers) name the values in tooltips and exports.
    /// Colours reach over `range`; where it is empty, over the cells' own values.
    void setMetric(const QString& metric, const QString& kind, const QString& unit = {},
                   std::vector<double> range = {});
    /// The row below the modules, at most one for each layer; empty: there is none.
    void setWideCells(const QList<WideCell>& cells);
    const QList<WideCell>& wideCells() const { return wide_; }
    /// One value of a job at work.
    void setValue(Cell cell, double value, const std::optional<CellSurprise>& surprise = {});

    int layerCount() const { return layers_; }
    const GridCell& cellAt(Cell cell) const;
    /// What gives values their colours; empty when nothing is measured.
    const ColorScale& scale() const { return scale_; }
    void setScale(ColorScale::Kind kind);
    const QString& metric() const { return metric_; }
    const QString& kind() const { return kind_; }
    bool anyUnmeasured() const;
    bool anySurprise() const;
    /// Cells whose value stands so to their settings.
    int countOf(ValueStanding standing) const;
    /// How all of these came about; empty where they differ.
    QString kindOfAll(ValueStanding standing) const;
    /// Cells that the plan has otherwise than they are shown.
    int countOfReplanned() const;
    /// Share of cells in `bins` equal steps of the ramp, scaled to the fullest bin.
    std::vector<double> histogram(int bins) const;
    /// One byte per cell for RecentItem::picture.
    QByteArray picture() const;
    /// Comma-separated values of all cells, one line each, with a header line. Metric, unit and
    /// kind stand beside each value, so that the file tells what it holds.
    QString csv() const;

    QModelIndex indexOf(Cell cell) const;
    /// No cell: below the modules, or nowhere.
    static std::optional<Cell> cellOf(const QModelIndex& index);
    /// Where a wide cell begins; it ends before the next one.
    QModelIndex wideIndexOf(int wide) const;
    /// Of wideCells(); -1: a cell of a module, or nowhere.
    int wideCellOf(const QModelIndex& index) const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;
    QVariant headerData(int section, Qt::Orientation orientation,
                        int role = Qt::DisplayRole) const override;

private:
    size_t slot(Cell cell) const;
    QVariant cellData(Cell cell, int role) const;
    double position(const GridCell& cell) const;
    QString describe(Cell cell) const;
    /// How the cell's value came about; empty without one.
    QString kindOf(const GridCell& cell) const;
    ColorScale measuredScale() const;
    void tellAllChanged();

    int layers_ = 0;
    int largestRank_ = 0;
    std::vector<GridCell> cells_;
    QList<WideCell> wide_;
    ColorScale::Kind scaleKind_ = ColorScale::Kind::Linear;
    ColorScale scale_;
    QString metric_;
    QString kind_;
    QString unit_;
    std::vector<double> range_;
};

/// "2/64", "16" for a skipped cell.
QString settingsText(const GridCell& cell);

} // namespace caldera::studio
