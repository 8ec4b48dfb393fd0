// Shards joined into one artifact.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/compress/compress.h"
#include "core/job/progress.h"
#include "core/model/model.h"

namespace caldera {

struct MergeRequest {
    std::shared_ptr<const Model> model; ///< the original that the shards were made from
    std::vector<std::filesystem::path> shards;
    std::filesystem::path out; ///< artifact folder; must not exist, or be empty
    std::string command;       ///< for the report
};

/// The artifact that one run over all layers would have given, hash included. Shards stay as they
/// are. Throws Error("shard.*"); Error("merge.differs") when shards were not made alike,
/// Error("merge.gap", "merge.overlap") when they do not hold every layer once, Error("merge.model")
/// for another model; Error("compress.out-exists", "artifact.*", "file.*"); Cancelled.
CompressResult mergeShards(const MergeRequest& request, Progress& progress,
                           const std::stop_token& stop);

} // namespace caldera
