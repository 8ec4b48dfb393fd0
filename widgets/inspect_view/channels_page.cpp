#include "widgets/inspect_view/channels_page.h"

#include <QGridLayout>
#include <QHeaderView>
#include <QSplitter>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "widgets/inspect_view/inspect_curves.h"
#include "widgets/support/cell_text.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/table.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kListed = 32; ///< rows of a table
constexpr int kTablesWidth = 250;

double at(const std::vector<float>& values, int place) {
    return place >= 0 && static_cast<size_t>(place) < values.size()
               ? static_cast<double>(values[static_cast<size_t>(place)])
               : std::nan("");
}

/// A damaged report may hold NaN, which no order can place.
double sortable(double value) {
    return std::isnan(value) ? -std::numeric_limits<double>::infinity() : value;
}

/// A row's error in every layer that has it.
Curve overLayers(const InspectFocus& focus, int row) {
    Curve curve;
    curve.name = moduleText(focus.cell.module);
    const Module module = focus.cell.module;
    curve.color = [module] { return Theme::current().category(module); };
    curve.points = true;
    for (const auto& [cell, measured] : focus.report->cells) {
        const double error = at(measured.rowError, row);
        if (cell.module == module && !std::isnan(error)) {
            curve.x.append(cell.layer);
            curve.y.append(error);
        }
    }
    return curve;
}

Table* makeTable(const QString& name, ValueTableModel& model, QWidget* parent) {
    auto* table = new Table(name, parent);
    table->setModel(&model);
    table->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
    return table;
}

} // namespace

std::vector<RankedChannel> largestChannels(const std::vector<float>& values, int most) {
    std::vector<int> order(values.size());
    std::iota(order.begin(), order.end(), 0);
    const auto count = std::min(order.size(), static_cast<size_t>(most));
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count),
                      order.end(), [&](int a, int b) {
                          const double first = sortable(at(values, a));
                          const double second = sortable(at(values, b));
                          return first != second ? first > second : a < b;
                      });
    std::vector<RankedChannel> result;
    for (size_t i = 0; i < count; ++i) {
        result.push_back({order[i], at(values, order[i])});
    }
    return result;
}

std::vector<RankedChannel> outlierChannels(const std::vector<float>& hessianDiagonal) {
    std::vector<RankedChannel> result =
        largestChannels(hessianDiagonal, static_cast<int>(hessianDiagonal.size()));
    if (result.empty()) {
        return result;
    }
    const double limit = kOutlierFactor * result[result.size() / 2].value;
    std::erase_if(result,
                  [limit](const RankedChannel& channel) { return !(channel.value > limit); });
    return result;
}

ChannelsPage::ChannelsPage(QWidget* parent)
    : InspectPage(parent), readout_(new ToneLabel(QString(), Token::Secondary, this)) {
    auto* split = new QSplitter(Qt::Horizontal, this);
    split->setChildrenCollapsible(false);
    split->addWidget(makePlots());
    split->addWidget(makeTables());
    split->setStretchFactor(0, 1);
    split->setSizes({600, kTablesWidth});
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, kSpaceSmall, 0, 0);
    layout->setSpacing(kSpaceTiny);
    layout->addWidget(readout_);
    layout->addWidget(split, 1);
}

QWidget* ChannelsPage::makePlots() {
    auto* plots = new QWidget(this);
    rows_ = new Plot(tr("Row errors"), plots);
    rowOverLayers_ = new Plot(tr("Row over the layers"), plots);
    columns_ = new Plot(tr("Column errors"), plots);
    hessian_ = new Plot(tr("Hessian diagonal"), plots);
    linkPlots({columns_, hessian_});
    connect(columns_, &Plot::hovered, this, &ChannelsPage::readChannel);
    connect(hessian_, &Plot::hovered, this, &ChannelsPage::readChannel);
    connect(rows_, &Plot::pointClicked, this,
            [this](const CurvePoint& point) { drillRow(static_cast<int>(point.point)); });
    for (Plot* plot : {columns_, hessian_}) {
        connect(plot, &Plot::pointClicked, this,
                [this](const CurvePoint& point) { markChannel(static_cast<int>(point.point)); });
    }
    connect(rowOverLayers_, &Plot::clicked, this, [this](double x, double) {
        const Cell cell{static_cast<int>(std::lround(x)), focus_.cell.module};
        if (focus_.report && focus_.report->cells.contains(cell)) {
            Q_EMIT cellChosen(cell);
        }
    });
    auto* grid = new QGridLayout(plots);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(kSpaceSmall);
    grid->addWidget(rows_, 0, 0);
    grid->addWidget(rowOverLayers_, 1, 0);
    grid->addWidget(columns_, 0, 1);
    grid->addWidget(hessian_, 1, 1);
    for (const int half : {0, 1}) {
        grid->setRowStretch(half, 1);
        grid->setColumnStretch(half, 1);
    }
    return plots;
}

QWidget* ChannelsPage::makeTables() {
    auto* tables = new QSplitter(Qt::Vertical, this);
    tables->setChildrenCollapsible(false);
    worstRows_ = makeTable(tr("Worst rows"), worstModel_, tables);
    outliers_ = makeTable(tr("Outlier inputs"), outlierModel_, tables);
    const auto chosen = [](const Table* table, const QModelIndex& index) {
        return table->model()->index(index.row(), 0).data(ValueTableModel::kOrderRole).toInt();
    };
    connect(worstRows_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this, chosen](const QModelIndex& current) {
                if (current.isValid()) {
                    drillRow(chosen(worstRows_, current));
                }
            });
    connect(outliers_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this, chosen](const QModelIndex& current) {
                if (current.isValid()) {
                    markChannel(chosen(outliers_, current));
                }
            });
    return tables;
}

void ChannelsPage::look(const InspectFocus& focus) {
    const bool sameCell = focus.cell == focus_.cell && focus.report == focus_.report;
    focus_ = focus;
    const CellReport* cell = focus.measured();
    static const CellReport nothing;
    const CellReport& shown = cell != nullptr ? *cell : nothing;
    if (sameCell) {
        return;
    }
    const auto curve = [](const QString& name, const std::vector<float>& values, Token tone) {
        return values.empty() ? QList<Curve>() : QList<Curve>{valuesCurve(name, values, tone)};
    };
    rows_->setCurves({tr("row (output)"), tr("error"), false, true},
                     curve(tr("rows"), shown.rowError, Token::Accent));
    columns_->setCurves({tr("column (input)"), tr("error, rms"), false, true},
                        curve(tr("columns"), shown.columnError, Token::Accent));
    hessian_->setCurves({tr("column (input)"), tr("mean square"), true, true},
                        curve(tr("inputs"), shown.hessianDiagonal, Token::Warn));
    for (Plot* plot : {columns_, hessian_, rows_}) {
        plot->setCursorLine(std::nullopt);
    }
    fillTables(shown);
    if (!shown.rowError.empty()) {
        drillRow(largestChannels(shown.rowError, 1).front().channel);
    } else {
        rowOverLayers_->setCurves({tr("layer"), tr("error"), false, true}, {});
    }
    readChannel(std::nullopt);
}

void ChannelsPage::fillTables(const CellReport& cell) {
    double energy = 0;
    for (const float error : cell.rowError) {
        energy += static_cast<double>(error) * static_cast<double>(error);
    }
    std::vector<QList<TableValue>> rows;
    for (const RankedChannel& row : largestChannels(cell.rowError, kListed)) {
        rows.push_back({countValue(row.channel), numberValue(row.value),
                        numberValue(energy > 0 ? 100 * row.value * row.value / energy : 0, 3)});
    }
    worstModel_.setTable({{tr("Worst row"), tr("Output of the matrix, from 0"), true},
                          {tr("Error"), tr("In the metric, relative to a mean row"), true},
                          {tr("Share, %"), tr("Of the cell's error"), true}},
                         std::move(rows));
    std::vector<QList<TableValue>> inputs;
    for (const RankedChannel& input : outlierChannels(cell.hessianDiagonal)) {
        if (inputs.size() < kListed) {
            inputs.push_back({countValue(input.channel), numberValue(input.value),
                              numberValue(at(cell.columnError, input.channel))});
        }
    }
    outlierModel_.setTable(
        {{tr("Outlier"), tr("Inputs louder than %1 times the median").arg(kOutlierFactor), true},
         {tr("Energy"), tr("Mean square, relative to the mean of all inputs"), true},
         {tr("Error"), tr("Root mean square of the error of its weights"), true}},
        std::move(inputs));
}

void ChannelsPage::drillRow(int row) {
    if (!focus_.report) {
        return;
    }
    rows_->setCursorLine(row, tr("row %1").arg(row));
    rowOverLayers_->setCurves({tr("layer"), tr("error of row %1").arg(row), false, true},
                              {overLayers(focus_, row)});
    rowOverLayers_->setCursorLine(focus_.cell.layer, tr("layer %1").arg(focus_.cell.layer));
}

void ChannelsPage::markChannel(int channel) {
    for (Plot* plot : {columns_, hessian_}) {
        plot->setCursorLine(channel, tr("column %1").arg(channel));
    }
}

void ChannelsPage::readChannel(std::optional<double> x) {
    const CellReport* cell = focus_.measured();
    if (cell == nullptr || (cell->rowError.empty() && cell->hessianDiagonal.empty())) {
        readout_->setText(tr("No rows and columns were measured for %1: only a compression does.")
                              .arg(cellTitle(focus_.cell)));
        return;
    }
    const int channel = x ? static_cast<int>(std::lround(*x)) : -1;
    const double loudness = at(cell->hessianDiagonal, channel);
    if (!std::isnan(loudness)) {
        readout_->setText(tr("%1, column %2: mean square %3, error %4")
                              .arg(cellTitle(focus_.cell), countText(channel), figureText(loudness),
                                   figureText(at(cell->columnError, channel))));
        return;
    }
    const auto outliers = static_cast<int>(outlierChannels(cell->hessianDiagonal).size());
    readout_->setText(tr("%1: %2 of %3 inputs are louder than %4 times the median")
                          .arg(cellTitle(focus_.cell), countText(outliers),
                               countText(static_cast<int64_t>(cell->hessianDiagonal.size())))
                          .arg(kOutlierFactor));
}

} // namespace caldera::studio
