#include "core/compress/shard.h"

#include <utility>

#include "core/artifact/json_format.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/format_version.h"
#include "core/base/json_text.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kFormat = "caldera-shard";
constexpr int kMajor = 1;

fs::path factsFile(const fs::path& folder) {
    return folder / "shard.json";
}

[[noreturn]] void throwDamaged(const fs::path& folder, const std::string& reason) {
    throw Error("shard.damaged",
                factsFile(folder).string() + " is damaged (" + reason +
                    "). Run the compression of these layers again with --resume; whole cells are "
                    "kept.",
                {{"folder", folder.string()}, {"reason", reason}});
}

Json parseFacts(const fs::path& folder, const std::string& text) {
    if (nestsTooDeep(text)) {
        throwDamaged(folder, "it is nested too deep");
    }
    Json facts = Json::parse(text, nullptr, false);
    const std::string format = formatOf(facts);
    switch (formatFit(format, kFormat, kMajor)) {
    case FormatFit::Readable:
        return facts;
    case FormatFit::Newer:
        throw Error("shard.newer",
                    folder.string() + " is a shard of a newer version (" + format +
                        "); this program reads " + formatText(kFormat, kMajor) + ". Update it.",
                    {{"folder", folder.string()}, {"format", format}});
    case FormatFit::Foreign:
        break;
    }
    throwDamaged(folder, format.empty() ? "it does not say its format"
                                        : "its format is \"" + format + "\"");
}

/// Throws Error("shard.damaged") or Json::exception unless they are two numbers of layers.
LayerRange readLayers(const Json& facts, const fs::path& folder) {
    const Json& layers = facts.at("layers");
    const auto isLayer = [](const Json& value) { // get<int>() cuts 3.9 and 2^32 + 3 to 3
        return value.is_number_unsigned() && std::in_range<int>(value.get<uint64_t>());
    };
    if (!layers.is_array() || layers.size() != 2 || !isLayer(layers[0]) || !isLayer(layers[1])) {
        throwDamaged(folder, "its layers are " + layers.dump());
    }
    return {layers[0].get<int>(), layers[1].get<int>()};
}

/// Throws Json::exception unless it names what a merge looks up.
Json readCalibration(const Json& facts) {
    const Json& calibration = facts.at("calibration");
    for (const char* name : {"model", "device", "numerics"}) {
        static_cast<void>(calibration.at(name).get_ref<const std::string&>());
    }
    return calibration;
}

} // namespace

std::string layersText(LayerRange layers) {
    return std::to_string(layers.begin) + ":" + std::to_string(layers.end);
}

void checkLayers(LayerRange layers, int layerCount) {
    if (layers.begin < 0 || layers.begin >= layers.end || layers.end > layerCount) {
        throw Error("compress.layers",
                    "The layers " + layersText(layers) + " were asked for, and the model has " +
                        std::to_string(layerCount) +
                        ". A:B means the layers from A up to and without B, so 0 <= A < B <= " +
                        std::to_string(layerCount) + " is needed.",
                    {{"layers", layersText(layers)}, {"count", std::to_string(layerCount)}});
    }
}

std::set<Cell> cellsToCompress(const Plan& plan, LayerRange layers) {
    std::set<Cell> cells;
    for (int layer = layers.begin; layer < layers.end; ++layer) {
        for (const Module module : kModules) {
            if (!plan.settingsOf({layer, module}).skip) {
                cells.insert({layer, module});
            }
        }
    }
    return cells;
}

bool isShard(const fs::path& folder) {
    return fs::exists(factsFile(folder));
}

void sealShard(const fs::path& folder, const Shard& shard) {
    const Json facts = {{"format", formatText(kFormat, kMajor)},
                        {"layers", {shard.layers.begin, shard.layers.end}},
                        {"model", shard.model},
                        {"calibration", shard.calibration},
                        {"plan", printPlan(shard.plan)}};
    writeFileAtomically(factsFile(folder),
                        facts.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void unsealShard(const fs::path& folder) {
    fs::remove(factsFile(folder));
}

Shard readShard(const fs::path& folder) {
    if (!isShard(folder)) {
        throw Error("shard.missing",
                    folder.string() +
                        " is no finished shard (it has no shard.json). Make one with `caldera "
                        "compress --layers A:B --out FOLDER`, or finish it with --resume.",
                    {{"folder", folder.string()}});
    }
    const Json facts = parseFacts(folder, readTextFile(factsFile(folder)));
    try {
        Shard shard;
        shard.layers = readLayers(facts, folder);
        facts.at("model").get_to(shard.model);
        shard.calibration = readCalibration(facts);
        shard.plan =
            parsePlan(facts.at("plan").get<std::string>(), factsFile(folder).string() + " (plan)");
        return shard;
    } catch (const Json::exception& e) {
        throwDamaged(folder, e.what());
    }
}

} // namespace caldera
