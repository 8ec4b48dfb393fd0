// Where a compression begins and ends: checks of its folders before anything is computed.
#pragma once

#include <cstdint>
#include <filesystem>

namespace caldera {

/// Whole and without a slash at the end, which would put what belongs beside a folder into it.
std::filesystem::path wholePath(const std::filesystem::path& path);

/// Where an artifact is written until it is complete: beside its place, which it takes by a rename.
std::filesystem::path stagingFolder(const std::filesystem::path& out);

bool holdsSomething(const std::filesystem::path& path);

/// Throws Error("compress.out-exists") unless the target is absent or an empty folder.
void requireFreeTarget(const std::filesystem::path& out);

/// Throws Error("compress.folders") when the target and the work folder lie in one another. The
/// target appears by a rename, so nothing may be in it before; cells go away at the end, and the
/// target with them if it were among them.
void requireApart(const std::filesystem::path& out, const std::filesystem::path& work);

/// Bytes that a place must have room for.
struct SpaceNeed {
    std::filesystem::path path;
    uint64_t bytes = 0;
};

/// Adds up what lies on one file system. Throws Error("compress.disk").
void requireSpace(const SpaceNeed& out, const SpaceNeed& work);

} // namespace caldera
