#include "core/report/fidelity_groups.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>

#include "core/base/error.h"
#include "core/plan/rank_step.h"
#include "core/report/hdf5_handle.h"

namespace caldera {

namespace {

using hdf5::check;
using hdf5::Handle;

constexpr const char* kDetails = "fidelity_details";
constexpr const char* kSettings = "settings";
constexpr size_t kColumns = kModules.size();
constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

/// An option of a cell as HDF5 stores it.
struct OptionRow {
    int layer = 0;
    int module = 0;
    double bits = 0;
    int rank = 0;
    double relativeError = 0;
};

/// Settings of a cell while it was measured.
struct SettingsRow {
    int layer = 0;
    int module = 0;
    std::array<char, 32> codec{};
    double bits = 0;
    int rank = 0;
};

struct TableRow {
    std::array<char, 16> table{};
    int bits = 0;
    double value = 0;
};

Handle optionType() {
    const std::string what = "make the type of options";
    Handle type(H5Tcreate(H5T_COMPOUND, sizeof(OptionRow)), H5Tclose, what);
    check(H5Tinsert(type, "layer", HOFFSET(OptionRow, layer), H5T_NATIVE_INT), what);
    check(H5Tinsert(type, "module", HOFFSET(OptionRow, module), H5T_NATIVE_INT), what);
    check(H5Tinsert(type, "bits", HOFFSET(OptionRow, bits), H5T_NATIVE_DOUBLE), what);
    check(H5Tinsert(type, "rank", HOFFSET(OptionRow, rank), H5T_NATIVE_INT), what);
    check(H5Tinsert(type, "relative_error", HOFFSET(OptionRow, relativeError), H5T_NATIVE_DOUBLE),
          what);
    return type;
}

Handle settingsType() {
    const std::string what = "make the type of settings";
    Handle type(H5Tcreate(H5T_COMPOUND, sizeof(SettingsRow)), H5Tclose, what);
    const Handle text = hdf5::textType(sizeof(SettingsRow::codec));
    check(H5Tinsert(type, "layer", HOFFSET(SettingsRow, layer), H5T_NATIVE_INT), what);
    check(H5Tinsert(type, "module", HOFFSET(SettingsRow, module), H5T_NATIVE_INT), what);
    check(H5Tinsert(type, "codec", HOFFSET(SettingsRow, codec), text), what);
    check(H5Tinsert(type, "bits", HOFFSET(SettingsRow, bits), H5T_NATIVE_DOUBLE), what);
    check(H5Tinsert(type, "rank", HOFFSET(SettingsRow, rank), H5T_NATIVE_INT), what);
    return type;
}

Handle tableType() {
    const std::string what = "make the type of tables";
    Handle type(H5Tcreate(H5T_COMPOUND, sizeof(TableRow)), H5Tclose, what);
    const Handle text = hdf5::textType(sizeof(TableRow::table));
    check(H5Tinsert(type, "table", HOFFSET(TableRow, table), text), what);
    check(H5Tinsert(type, "bits", HOFFSET(TableRow, bits), H5T_NATIVE_INT), what);
    check(H5Tinsert(type, "value", HOFFSET(TableRow, value), H5T_NATIVE_DOUBLE), what);
    return type;
}

void requireLayer(const Report& report, const std::string& metric, Cell cell) {
    if (cell.layer < 0 || cell.layer >= report.layerCount) {
        throw Error("report.layer",
                    "The metric " + metric + " has a value for " + cellName(cell) +
                        ", and the report has " + std::to_string(report.layerCount) + " layers.",
                    {{"metric", metric}, {"cell", cellName(cell)}});
    }
}

class MetricWriter {
public:
    MetricWriter(const Report& report, const FidelityMetric& metric)
        : report_(report), metric_(metric) {}

    void writeValues(hid_t metrics) const {
        hdf5::requireLinkName(metric_.name);
        const Handle dataset = writeGrid(metrics, metric_.name, metric_.values);
        hdf5::writeAttribute(dataset, "description", metric_.description);
    }

    void writeDetails(hid_t parent) const {
        const Handle group = hdf5::createGroup(parent, metric_.name);
        writeOptions(group);
        writeGrid(group, "error_level", metric_.errorLevels);
        writeSettings(group);
        writeTables(group);
        const Handle cells = hdf5::createGroup(group, "cells");
        for (const auto& [name, values] : metric_.details) {
            hdf5::requireLinkName(name);
            writeGrid(cells, name, values);
        }
        const Handle layers = hdf5::createGroup(group, "layers");
        for (const auto& [name, values] : metric_.layers) {
            hdf5::requireLinkName(name);
            writeLayers(layers, name, values);
        }
        const Handle numbers = hdf5::createGroup(group, "numbers");
        for (const auto& [name, value] : metric_.numbers) {
            hdf5::writeAttribute(numbers, name, value);
        }
    }

private:
    Handle writeGrid(hid_t parent, const std::string& name,
                     const std::map<Cell, double>& values) const {
        const auto layers = static_cast<size_t>(report_.layerCount);
        std::vector<double> grid(layers * kColumns, kNotMeasured);
        for (const auto& [cell, value] : values) {
            requireLayer(report_, metric_.name, cell);
            grid[static_cast<size_t>(cell.layer) * kColumns + static_cast<size_t>(cell.module)] =
                value;
        }
        return hdf5::writeDataset(parent, name, H5T_NATIVE_DOUBLE, {layers, kColumns}, grid.data());
    }

    void writeLayers(hid_t parent, const std::string& name,
                     const std::vector<double>& values) const {
        if (values.size() != static_cast<size_t>(report_.layerCount)) {
            throw Error("report.layer",
                        "The metric " + metric_.name + " has " + std::to_string(values.size()) +
                            " numbers called " + name + ", and the report has " +
                            std::to_string(report_.layerCount) + " layers.",
                        {{"metric", metric_.name}});
        }
        hdf5::writeDataset(parent, name, H5T_NATIVE_DOUBLE, {values.size()}, values.data());
    }

    void writeOptions(hid_t group) const {
        std::vector<OptionRow> rows;
        for (const auto& [cell, options] : metric_.options) {
            requireLayer(report_, metric_.name, cell);
            for (const FidelityOption& option : options) {
                rows.push_back({cell.layer, static_cast<int>(cell.module), option.bits, option.rank,
                                option.relativeError});
            }
        }
        hdf5::writeDataset(group, "options", optionType(), {rows.size()}, rows.data());
    }

    void writeSettings(hid_t group) const {
        std::vector<SettingsRow> rows;
        for (const auto& [cell, settings] : metric_.settings) {
            requireLayer(report_, metric_.name, cell);
            SettingsRow& row = rows.emplace_back();
            row.layer = cell.layer;
            row.module = static_cast<int>(cell.module);
            settings.codec.copy(row.codec.data(), row.codec.size());
            row.bits = settings.bits;
            row.rank = settings.rank;
        }
        hdf5::writeDataset(group, kSettings, settingsType(), {rows.size()}, rows.data());
    }

    void writeTables(hid_t group) const {
        std::vector<TableRow> rows;
        for (const TableCost& cost : metric_.tables) {
            TableRow& row = rows.emplace_back();
            cost.table.copy(row.table.data(), row.table.size());
            row.bits = cost.bits;
            row.value = cost.value;
        }
        hdf5::writeDataset(group, "tables", tableType(), {rows.size()}, rows.data());
    }

    const Report& report_;
    const FidelityMetric& metric_;
};

bool areSettings(double bits, int rank) {
    return bits >= 0 && bits <= 16 && rank >= 0 && rank <= kMostRank;
}

class MetricReader {
public:
    MetricReader(uint64_t limit, const Report& report, FidelityMetric& metric)
        : limit_(limit), layerCount_(report.layerCount), cells_(report.cells), metric_(metric) {}

    void readValues(hid_t metrics) {
        metric_.values = readGrid(metrics, metric_.name);
        const Handle dataset = hdf5::openDataset(metrics, metric_.name);
        hdf5::readAttribute(dataset, "description", metric_.description);
    }

    void readDetails(hid_t parent) {
        const Handle group = hdf5::openGroup(parent, metric_.name);
        readOptions(group);
        metric_.errorLevels = readGrid(group, "error_level");
        readSettings(group);
        readTables(group);
        const Handle cells = hdf5::openGroup(group, "cells");
        for (const std::string& name : hdf5::linkNames(cells)) {
            metric_.details[name] = readGrid(cells, name);
        }
        const Handle layers = hdf5::openGroup(group, "layers");
        for (const std::string& name : hdf5::linkNames(layers)) {
            metric_.layers[name] =
                hdf5::readDataset<double>(layers, name, H5T_NATIVE_DOUBLE, limit_);
            require(metric_.layers[name].size() == static_cast<size_t>(layerCount_),
                    "number of layers");
        }
        const Handle numbers = hdf5::openGroup(group, "numbers");
        for (const std::string& name : hdf5::attributeNames(numbers)) {
            hdf5::readAttribute(numbers, name, metric_.numbers[name]);
        }
    }

private:
    std::string what() const { return "read the metric " + metric_.name; }
    void require(bool isSound, const char* suspect) const {
        check(isSound ? 0 : -1, what() + ", whose " + suspect + " cannot be right");
    }

    std::map<Cell, double> readGrid(hid_t parent, const std::string& name) const {
        const auto grid = hdf5::readDataset<double>(parent, name, H5T_NATIVE_DOUBLE, limit_);
        require(grid.size() == static_cast<size_t>(layerCount_) * kColumns, "number of cells");
        std::map<Cell, double> values;
        for (size_t i = 0; i < grid.size(); ++i) {
            if (!std::isnan(grid[i])) {
                values[{static_cast<int>(i / kColumns), kModules.at(i % kColumns)}] = grid[i];
            }
        }
        return values;
    }

    /// Throws unless the row is one of a cell that the report can have.
    template <typename Row>
    Cell cellOf(const Row& row, const char* suspect) const {
        require(row.layer >= 0 && row.layer < layerCount_ && row.module >= 0 &&
                    row.module < static_cast<int>(kColumns),
                suspect);
        return {row.layer, kModules.at(static_cast<size_t>(row.module))};
    }

    /// Rows come by cell, bits and rank, each once: a table that interpolation can trust.
    void readOptions(hid_t group) {
        OptionRow before;
        before.layer = -1;
        for (const OptionRow& row :
             hdf5::readDataset<OptionRow>(group, "options", optionType(), limit_)) {
            const Cell cell = cellOf(row, "cells of options");
            require(areSettings(row.bits, row.rank), "bits and ranks of options");
            require(std::isfinite(row.relativeError) && row.relativeError >= 0,
                    "relative errors of options");
            require(std::tie(before.layer, before.module, before.bits, before.rank) <
                        std::tie(row.layer, row.module, row.bits, row.rank),
                    "order of options");
            metric_.options[cell].push_back({row.bits, row.rank, row.relativeError});
            before = row;
        }
    }

    void readSettings(hid_t group) {
        if (!hdf5::hasLink(group, kSettings)) {
            takeSettingsOfCells();
            return;
        }
        for (const SettingsRow& row :
             hdf5::readDataset<SettingsRow>(group, kSettings, settingsType(), limit_)) {
            const Cell cell = cellOf(row, "cells of settings");
            require(areSettings(row.bits, row.rank), "bits and ranks of settings");
            const std::string codec(row.codec.data(),
                                    ::strnlen(row.codec.data(), row.codec.size()));
            const bool isFirst =
                metric_.settings.try_emplace(cell, MeasuredSettings{codec, row.bits, row.rank})
                    .second;
            require(isFirst, "number of settings");
        }
    }

    /// Files from before metrics told their settings have those of the cells alone.
    void takeSettingsOfCells() {
        for (const auto& [cell, value] : metric_.values) {
            const auto found = cells_.find(cell);
            if (metric_.hangsOnSettings(cell) && found != cells_.end()) {
                metric_.settings[cell] = measuredSettings(found->second.settings);
            }
        }
    }

    void readTables(hid_t group) {
        for (const TableRow& row :
             hdf5::readDataset<TableRow>(group, "tables", tableType(), limit_)) {
            const std::string table(row.table.data(),
                                    ::strnlen(row.table.data(), row.table.size()));
            require(table == kEmbeddingTable || table == kHeadTable, "names of tables");
            require(std::isfinite(row.value), "costs of tables");
            metric_.tables.push_back({table, row.bits, row.value});
        }
    }

    uint64_t limit_; ///< no dataset has more elements than the file has bytes
    int layerCount_;
    const std::map<Cell, CellReport>& cells_; ///< of the report
    FidelityMetric& metric_;
};

} // namespace

void writeFidelity(hid_t file, const Report& report) {
    const Handle metrics = hdf5::createGroup(file, "fidelity");
    const Handle details = hdf5::createGroup(file, kDetails);
    for (const FidelityMetric& metric : report.fidelity) {
        const MetricWriter writer(report, metric);
        writer.writeValues(metrics);
        writer.writeDetails(details);
    }
}

void readFidelity(hid_t file, uint64_t limit, Report& report) {
    const Handle metrics = hdf5::openGroup(file, "fidelity");
    const auto hasDetails = [&](const std::string& name) {
        return hdf5::hasLink(file, kDetails) &&
               hdf5::hasLink(hdf5::openGroup(file, kDetails), name);
    };
    for (const std::string& name : hdf5::linkNames(metrics)) {
        FidelityMetric& metric = report.fidelity.emplace_back();
        metric.name = name;
        MetricReader reader(limit, report, metric);
        reader.readValues(metrics);
        if (hasDetails(name)) {
            reader.readDetails(hdf5::openGroup(file, kDetails));
        }
    }
}

} // namespace caldera
