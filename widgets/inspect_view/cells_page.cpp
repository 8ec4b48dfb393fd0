#include "widgets/inspect_view/cells_page.h"

#include <QHeaderView>
#include <QScopedValueRollback>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

#include "widgets/support/cell_text.h"
#include "widgets/support/number_text.h"
#include "widgets/support/table.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

QList<TableColumn> columnsOfCells() {
    return {{CellsPage::tr("Layer"), {}, true},
            {CellsPage::tr("Module"), {}, false},
            {CellsPage::tr("Shape"), CellsPage::tr("Rows times columns"), true},
            {CellsPage::tr("Bits"), CellsPage::tr("Of Q"), true},
            {CellsPage::tr("Rank"), {}, true},
            {CellsPage::tr("Codec"), {}, false},
            {CellsPage::tr("L, R bits"), {}, true},
            {CellsPage::tr("Error"), CellsPage::tr("Relative error, in the metric"), true},
            {CellsPage::tr("Damping"), CellsPage::tr("That the solver used"), true},
            {CellsPage::tr("Seconds"), CellsPage::tr("Of the solver"), true},
            {CellsPage::tr("Bytes"), {}, true},
            {CellsPage::tr("bpw"), CellsPage::tr("Bits per weight"), true}};
}

QList<TableValue> rowOf(Cell cell, const CellReport& report) {
    const CellSettings& settings = report.settings;
    const double unknown = std::nan("");
    const double bits = settings.skip ? 16 : settings.bits;
    const bool solved = !report.history.empty();
    TableValue shape = countValue(report.shape.size());
    shape.text = countText(report.shape.rows) + u' ' + QChar(kTimes) + u' ' +
                 countText(report.shape.columns);
    return {countValue(cell.layer),
            textValue(moduleText(cell.module), QString::fromStdString(cellName(cell))),
            shape,
            TableValue{QString::number(bits), bits, {}},
            countValue(settings.skip ? 0 : settings.rank),
            textValue(settings.skip ? CellsPage::tr("kept")
                                    : QString::fromStdString(settings.codecId())),
            textValue(u"%1, %2"_s.arg(settings.leftBits).arg(settings.rightBits)),
            numberValue(solved ? report.relativeError : unknown),
            numberValue(solved ? report.dampingUsed : unknown, 2),
            numberValue(solved ? report.seconds : unknown, 3),
            report.bytes > 0 ? countValue(report.bytes) : numberValue(unknown),
            numberValue(report.bytes > 0 ? report.bitsPerWeight : unknown)};
}

} // namespace

CellTable::CellTable(const QString& name, QWidget* parent)
    : QWidget(parent), table_(new Table(name, this)) {
    table_->setModel(&model_);
    table_->setSortingEnabled(true);
    table_->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
    table_->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    table_->horizontalHeader()->setResizeContentsPrecision(32);
    table_->horizontalHeader()->setStretchLastSection(true);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(table_);
    connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this](const QModelIndex& current) {
                if (current.isValid() && !selecting_) {
                    Q_EMIT cellChosen(cells_[static_cast<size_t>(model_.sourceRow(current.row()))]);
                }
            });
}

void CellTable::setTable(const QList<TableColumn>& columns, std::vector<QList<TableValue>> rows,
                         std::vector<Cell> cells) {
    const QScopedValueRollback guard(selecting_, true);
    cells_ = std::move(cells);
    model_.setTable(columns, std::move(rows));
}

void CellTable::select(Cell cell) {
    const auto found = std::find(cells_.begin(), cells_.end(), cell);
    if (found == cells_.end()) {
        return;
    }
    const QScopedValueRollback guard(selecting_, true);
    const QModelIndex row =
        model_.index(model_.shownRow(static_cast<int>(found - cells_.begin())), 0);
    if (row.row() != table_->currentIndex().row()) {
        table_->setCurrentIndex(row);
        table_->scrollTo(row);
    }
}

CellsPage::CellsPage(QWidget* parent)
    : InspectPage(parent), cells_(new CellTable(tr("Cells"), this)) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, kSpaceSmall, 0, 0);
    layout->addWidget(cells_);
    connect(cells_, &CellTable::cellChosen, this, &CellsPage::cellChosen);
}

void CellsPage::look(const InspectFocus& focus) {
    if (shown_ != focus.report) {
        shown_ = focus.report;
        std::vector<QList<TableValue>> rows;
        std::vector<Cell> cells;
        if (shown_) {
            for (const auto& [cell, report] : shown_->cells) {
                rows.push_back(rowOf(cell, report));
                cells.push_back(cell);
            }
        }
        cells_->setTable(columnsOfCells(), std::move(rows), std::move(cells));
    }
    cells_->select(focus.cell);
}

} // namespace caldera::studio
