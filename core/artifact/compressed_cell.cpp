#include "core/artifact/compressed_cell.h"

#include <cstring>

#include <nlohmann/json.hpp>

#include "core/artifact/settings_json.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/model/safetensors.h"
#include "core/plan/plan_keys.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

constexpr const char* kCellFormat = "caldera-cell/1";

/// The tensors of a cell file: visit(name, dtype, vector).
template <class Cell, class Visit>
void forEachTensor(Cell& cell, Visit visit) {
    visit("q.codes", "U8", cell.q.codes);
    visit("q.scale", "F16", cell.q.scale);
    visit("l.codes", "U8", cell.l.codes);
    visit("l.scale", "F16", cell.l.scale);
    visit("r.codes", "U8", cell.r.codes);
    visit("r.scale", "F16", cell.r.scale);
    visit("out_sign", "F16", cell.outSign);
    visit("in_sign", "F16", cell.inSign);
    visit("report.singular_values", "F32", cell.report.singularValues);
    visit("report.hessian_singular_values", "F32", cell.report.hessianSingularValues);
    visit("report.residual_singular_values", "F32", cell.report.residualSingularValues);
    visit("report.row_error", "F32", cell.report.rowError);
    visit("report.column_error", "F32", cell.report.columnError);
    visit("report.hessian_diagonal", "F32", cell.report.hessianDiagonal);
}

Json matrixToJson(const PackedMatrix& matrix) {
    return {
        {"codec", matrix.codec}, {"rows", matrix.shape.rows}, {"columns", matrix.shape.columns}};
}

void matrixFromJson(const Json& json, PackedMatrix& matrix) {
    matrix.codec = json.at("codec").get<std::string>();
    matrix.shape = {json.at("rows").get<int64_t>(), json.at("columns").get<int64_t>()};
}

Json cellToJson(const CompressedCell& cell) {
    const CellReport& r = cell.report;
    Json history = Json::array();
    for (const HistoryEntry& entry : r.history) {
        history.push_back({{"iteration", entry.iteration},
                           {"step", entry.step},
                           {"relative_error", entry.relativeError}});
    }
    return {{"cell", cellName(cell.cell)},
            {"q", matrixToJson(cell.q)},
            {"l", matrixToJson(cell.l)},
            {"r", matrixToJson(cell.r)},
            {"settings", settingsToJson(r.settings)},
            {"rows", r.shape.rows},
            {"columns", r.shape.columns},
            {"relative_error", r.relativeError},
            {"proxy_error", r.proxyError},
            {"damping_used", r.dampingUsed},
            {"seconds", r.seconds},
            {"bytes", r.bytes},
            {"bits_per_weight", r.bitsPerWeight},
            {"tail_energy", r.tailEnergy},
            {"hessian_tail_energy", r.hessianTailEnergy},
            {"residual_tail_energy", r.residualTailEnergy},
            {"history", history}};
}

CompressedCell cellFromJson(const Json& json) {
    CompressedCell cell;
    const auto named = parseCellName(json.at("cell").get<std::string>());
    cell.cell = named.value_or(Cell{-1, Module::QProj});
    matrixFromJson(json.at("q"), cell.q);
    matrixFromJson(json.at("l"), cell.l);
    matrixFromJson(json.at("r"), cell.r);
    CellReport& r = cell.report;
    r.settings = settingsFromJson(json.at("settings"));
    r.shape = {json.at("rows").get<int64_t>(), json.at("columns").get<int64_t>()};
    json.at("relative_error").get_to(r.relativeError);
    json.at("proxy_error").get_to(r.proxyError);
    json.at("damping_used").get_to(r.dampingUsed);
    json.at("seconds").get_to(r.seconds);
    json.at("bytes").get_to(r.bytes);
    json.at("bits_per_weight").get_to(r.bitsPerWeight);
    json.at("tail_energy").get_to(r.tailEnergy);
    json.at("hessian_tail_energy").get_to(r.hessianTailEnergy);
    json.at("residual_tail_energy").get_to(r.residualTailEnergy);
    for (const Json& entry : json.at("history")) {
        r.history.push_back({entry.at("iteration").get<int>(), entry.at("step").get<std::string>(),
                             entry.at("relative_error").get<double>()});
    }
    return cell;
}

/// Over the key, the facts and every tensor with its name.
class ContentHash {
public:
    ContentHash(const std::string& key, const std::string& facts) {
        add(key);
        add(facts);
    }
    void addTensor(const std::string& name, std::span<const std::byte> bytes) {
        add(name);
        add(std::to_string(bytes.size()));
        hash_.update(bytes);
    }
    std::string hex() { return hash_.hex(); }

private:
    void add(std::string_view text) { hash_.update(text).update(std::string_view("\0", 1)); }
    Sha256 hash_;
};

[[noreturn]] void throwCorrupt(const std::filesystem::path& path, const std::string& reason) {
    throw Error("cell.corrupt",
                "The finished cell " + path.string() + " is damaged (" + reason +
                    "). It will be computed again when the job is resumed.",
                {{"file", path.string()}, {"reason", reason}});
}

std::string metadataOf(const SafetensorsFile& file, const char* name) {
    const auto found = file.metadata().find(name);
    return found == file.metadata().end() ? "" : found->second;
}

CompressedCell readContents(const SafetensorsFile& file, const std::string& key) {
    const std::string facts = metadataOf(file, "cell");
    CompressedCell cell = cellFromJson(Json::parse(facts));
    ContentHash hash(key, facts);
    forEachTensor(cell, [&](const char* name, const char* /*dtype*/, auto& values) {
        const auto bytes = file.at(name).bytes;
        hash.addTensor(name, bytes);
        values.resize(bytes.size() / sizeof(values[0]));
        if (!values.empty()) {
            std::memcpy(values.data(), bytes.data(), values.size() * sizeof(values[0]));
        }
    });
    if (hash.hex() != metadataOf(file, "sha256")) {
        throwCorrupt(file.path(), "its checksum differs");
    }
    return cell;
}

} // namespace

nlohmann::json settingsToJson(const CellSettings& settings) {
    Json json = Json::object();
    forEachCellKey(settings, [&](const char* key, const auto& value, const auto&... /*rule*/) {
        json[key] = value;
    });
    return json;
}

CellSettings settingsFromJson(const nlohmann::json& json) {
    CellSettings settings;
    forEachCellKey(settings, [&](const char* key, auto& value, const auto&... /*rule*/) {
        json.at(key).get_to(value);
    });
    return settings;
}

void writeCellFile(const std::filesystem::path& path, const CompressedCell& cell,
                   const std::string& key) {
    const std::string facts = cellToJson(cell).dump();
    ContentHash hash(key, facts);
    SafetensorsWriter writer;
    forEachTensor(cell, [&](const char* name, const char* dtype, const auto& values) {
        const auto bytes = std::as_bytes(std::span(values));
        hash.addTensor(name, bytes);
        writer.add(name, dtype, {static_cast<int64_t>(values.size())}, bytes);
    });
    writer.setMetadata("format", kCellFormat);
    writer.setMetadata("key", key);
    writer.setMetadata("cell", facts);
    writer.setMetadata("sha256", hash.hex());
    writer.write(path);
}

CompressedCell readCellFile(const std::filesystem::path& path, const std::string& key) {
    try {
        const SafetensorsFile file(path);
        if (metadataOf(file, "format") != kCellFormat || metadataOf(file, "key") != key) {
            throw Error(
                "cell.stale",
                "The finished cell " + path.string() +
                    " was made from another model, plan or calibration, or with another number "
                    "of threads.",
                {{"file", path.string()}});
        }
        return readContents(file, key);
    } catch (const Json::exception& e) {
        throwCorrupt(path, e.what());
    } catch (const Error& e) {
        if (e.code().starts_with("safetensors.")) {
            throwCorrupt(path, e.what());
        }
        throw;
    }
}

} // namespace caldera
