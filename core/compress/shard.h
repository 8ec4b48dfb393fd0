// A shard: the finished cells of some layers, made by one run of several that share a model. The
// folder is the run's work folder (cells/, work.json) sealed by shard.json, which says what the
// cells were made from.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "core/plan/plan.h"

namespace caldera {

/// Layers [begin, end), counted from 0 as in cell names.
struct LayerRange {
    int begin = 0;
    int end = 0;
    bool operator==(const LayerRange&) const = default;
};

/// "4:8".
std::string layersText(LayerRange layers);
/// Throws Error("compress.layers") when the range holds no layer or one that the model does not
/// have.
void checkLayers(LayerRange layers, int layerCount);

/// The cells of these layers that the plan does not skip.
std::set<Cell> cellsToCompress(const Plan& plan, LayerRange layers);

struct Shard {
    LayerRange layers;
    Plan plan;
    std::string model;          ///< path or name to open the original by
    nlohmann::json calibration; ///< calibrationFacts(), an object
};

bool isShard(const std::filesystem::path& folder);
/// Writes shard.json atomically. Throws Error("file.write").
void sealShard(const std::filesystem::path& folder, const Shard& shard);
/// Takes shard.json away, before its cells change.
void unsealShard(const std::filesystem::path& folder);
/// Throws Error("shard.missing", "shard.newer", "shard.damaged").
Shard readShard(const std::filesystem::path& folder);

} // namespace caldera
