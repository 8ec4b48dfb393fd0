#include "core/compress/merge.h"

#include <algorithm>
#include <chrono>

#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/base/folder_lock.h"
#include "core/compress/artifact_join.h"
#include "core/compress/cell_key.h"
#include "core/compress/folders.h"
#include "core/compress/shard.h"
#include "core/compress/work_folder.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;

struct OpenShard {
    fs::path folder;
    Shard shard;
};

/// In the order of their layers.
std::vector<OpenShard> openShards(const std::vector<fs::path>& folders) {
    std::vector<OpenShard> shards;
    shards.reserve(folders.size());
    for (const fs::path& folder : folders) {
        shards.push_back({wholePath(folder), readShard(folder)});
    }
    std::stable_sort(shards.begin(), shards.end(), [](const OpenShard& a, const OpenShard& b) {
        return a.shard.layers.begin < b.shard.layers.begin;
    });
    return shards;
}

[[noreturn]] void throwDiffers(const OpenShard& a, const OpenShard& b, const std::string& what) {
    throw Error("merge.differs",
                b.folder.string() + " cannot be joined with " + a.folder.string() + ": " + what +
                    ". Make all shards from the same model, plan and calibration, on the same kind "
                    "of device and with the same --threads.",
                {{"shard", b.folder.string()}, {"reason", what}});
}

void requireAlike(const OpenShard& a, const OpenShard& b) {
    if (printPlan(a.shard.plan) != printPlan(b.shard.plan)) {
        throwDiffers(a, b, "their plans differ");
    }
    if (a.shard.calibration == b.shard.calibration) {
        return;
    }
    for (const auto& [name, value] : a.shard.calibration.items()) {
        const auto other = b.shard.calibration.find(name);
        if (other == b.shard.calibration.end() || *other != value) {
            throwDiffers(a, b,
                         "the fact \"" + name + "\" of its calibration is " +
                             (other == b.shard.calibration.end() ? "missing" : other->dump()) +
                             ", there it is " + value.dump());
        }
    }
    throwDiffers(a, b, "it says more about its calibration");
}

/// Every layer of the model in one shard, and in one only.
void requireWhole(const std::vector<OpenShard>& shards, int layerCount) {
    const auto requireNone = [](LayerRange missing) {
        if (missing.begin < missing.end) {
            throw Error("merge.gap",
                        "The layers " + layersText(missing) +
                            " are in no shard. Make them with `caldera compress --layers " +
                            layersText(missing) + "`, and name that folder too.",
                        {{"layers", layersText(missing)}});
        }
    };
    int next = 0;
    const OpenShard* last = nullptr;
    for (const OpenShard& shard : shards) {
        checkLayers(shard.shard.layers, layerCount);
        requireNone({next, shard.shard.layers.begin});
        if (shard.shard.layers.begin < next) {
            throw Error("merge.overlap",
                        shard.folder.string() + " holds the layers " +
                            layersText(shard.shard.layers) + ", of which " + last->folder.string() +
                            " has some too (" + layersText(last->shard.layers) +
                            "). Name shards that hold every layer once.",
                        {{"shard", shard.folder.string()}, {"other", last->folder.string()}});
        }
        next = shard.shard.layers.end;
        last = &shard;
    }
    requireNone({next, layerCount});
}

void requireModel(const OpenShard& shard, const Model& model) {
    if (shard.shard.calibration.at("model") != model.fingerprint) {
        throw Error("merge.model",
                    shard.folder.string() + " was not made from " + model.name +
                        ". Name the original of the shards with --model.",
                    {{"shard", shard.folder.string()}, {"model", model.name}});
    }
}

CompressedCell loadCell(const std::vector<OpenShard>& shards, Cell cell) {
    const auto holder = std::find_if(shards.begin(), shards.end(), [cell](const OpenShard& shard) {
        return cell.layer < shard.shard.layers.end;
    });
    const Shard& shard = holder->shard;
    try {
        return readCellFile(cellFile(holder->folder, cell),
                            cellKey(shard.plan, cell, calibrationKey(shard.calibration)));
    } catch (const Error& e) {
        throw Error("shard.cell",
                    "The shard " + holder->folder.string() + " has no whole " + cellName(cell) +
                        ": " + e.what() + " Run its compression again with --resume.",
                    {{"shard", holder->folder.string()}, {"cell", cellName(cell)}});
    }
}

} // namespace

CompressResult mergeShards(const MergeRequest& request, Progress& progress,
                           const std::stop_token& stop) {
    const auto start = std::chrono::steady_clock::now();
    const fs::path out = wholePath(request.out);
    requireFreeTarget(out);
    const std::vector<OpenShard> shards = openShards(request.shards);
    const OpenShard& first = shards.at(0);
    for (const OpenShard& shard : shards) {
        requireAlike(first, shard);
    }
    requireModel(first, *request.model);
    checkPlan(first.shard.plan, request.model->config);
    requireWhole(shards, request.model->config.layerCount);

    const FolderLock staging(stagingFolder(out));
    requireFreeTarget(out); // whoever had the lock may have written it
    const nlohmann::json& calibration = first.shard.calibration;
    JoinRequest join;
    join.model = request.model;
    join.plan = first.shard.plan;
    join.out = out;
    join.facts = {request.model->name, request.model->fingerprint, request.command,
                  calibration.at("device"), calibration.at("numerics")};
    join.load = [&](Cell cell) { return loadCell(shards, cell); };
    CompressResult result = joinArtifact(join, progress, stop);
    result.reusedCells = result.cells;
    result.seconds = secondsSince(start);
    return result;
}

} // namespace caldera
