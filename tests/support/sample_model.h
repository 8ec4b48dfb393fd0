// The small published model that some figures are recorded of.
#pragma once

#include <cstdlib>
#include <filesystem>

#include "core/base/paths.h"

namespace caldera::test {

inline constexpr const char* kNoSampleModel =
    "needs SmolLM2-135M-Instruct: set CALDERA_SAMPLE_MODEL to its .gguf file, or run "
    "packaging/bootstrap.sh sample-model";

/// The sample model's file; empty when it cannot be had.
inline std::filesystem::path sampleModel() {
    const char* given = std::getenv("CALDERA_SAMPLE_MODEL");
    const std::filesystem::path path = given != nullptr
                                           ? std::filesystem::path(given)
                                           : cacheFolder() / "models/SmolLM2-135M-Instruct.gguf";
    return std::filesystem::exists(path) ? path : std::filesystem::path();
}

} // namespace caldera::test
