// manifest.json: the table of contents of an artifact, with every checksum.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/plan/plan.h"

namespace caldera {

struct ManifestFile {
    int64_t bytes = 0;
    std::string sha256;
};

struct ManifestTensor {
    std::string file;
    std::string dtype;
    std::vector<int64_t> shape;
    std::string sha256;
};

struct Manifest {
    std::string name;
    std::string modelFingerprint;
    std::string chatFormat;
    std::string chatSystem;
    std::map<std::string, std::string> codecTables;
    std::map<std::string, ManifestFile> files; ///< all but the manifest and the report
    std::map<std::string, ManifestTensor> tensors;
    PlanSize sizes;
    std::string created; ///< outside the artifact hash, like `program`
    std::string program;

    /// 64 hexadecimal digits over model, chat, small files, codec tables and tensors.
    std::string artifactHash() const;
};

/// The canonical text, with the artifact hash and the manifest's own.
std::string printManifest(const Manifest& manifest);
/// Throws Error("artifact.missing", "artifact.newer", "artifact.manifest").
Manifest readManifest(const std::filesystem::path& folder);

} // namespace caldera
