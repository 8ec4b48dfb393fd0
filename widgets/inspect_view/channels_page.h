// The page of Inspect about single rows and columns of a cell: which outputs are worst, which
// inputs are loudest.
#pragma once

#include "widgets/inspect_view/inspect_page.h"
#include "widgets/models/value_table_model.h"

namespace caldera::studio {

class Table;
class ToneLabel;

/// A channel of a cell with its value, largest first.
struct RankedChannel {
    int channel = 0;
    double value = 0;
};
/// The `most` largest values by number.
std::vector<RankedChannel> largestChannels(const std::vector<float>& values, int most);
/// How often the median an input's mean square must be to count as an outlier.
inline constexpr double kOutlierFactor = 10;
/// Inputs whose mean square is more than kOutlierFactor times the median, largest first.
std::vector<RankedChannel> outlierChannels(const std::vector<float>& hessianDiagonal);

class ChannelsPage : public InspectPage {
    Q_OBJECT
public:
    explicit ChannelsPage(QWidget* parent = nullptr);
    void look(const InspectFocus& focus) override;
    bool hasDataOf(const InspectFocus& focus) const override {
        return focus.has(&CellReport::rowError) || focus.has(&CellReport::hessianDiagonal);
    }

    Plot* rows() const { return rows_; }
    Plot* rowOverLayers() const { return rowOverLayers_; }
    Plot* columns() const { return columns_; }
    Plot* hessian() const { return hessian_; }
    Table* worstRows() const { return worstRows_; }
    Table* outliers() const { return outliers_; }
    ToneLabel* readout() const { return readout_; }

private:
    QWidget* makePlots();
    QWidget* makeTables();
    void fillTables(const CellReport& cell);
    /// Marks a row and shows it in all layers.
    void drillRow(int row);
    void markChannel(int channel);
    void readChannel(std::optional<double> x);

    InspectFocus focus_;
    Plot* rows_ = nullptr;
    Plot* rowOverLayers_ = nullptr;
    Plot* columns_ = nullptr;
    Plot* hessian_ = nullptr;
    ValueTableModel worstModel_;
    ValueTableModel outlierModel_;
    Table* worstRows_ = nullptr;
    Table* outliers_ = nullptr;
    ToneLabel* readout_;
};

} // namespace caldera::studio
