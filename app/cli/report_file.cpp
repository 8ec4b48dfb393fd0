#include "app/cli/report_file.h"

#include "core/artifact/artifact.h"
#include "core/base/error.h"
#include "core/base/file.h"

namespace caldera::cli {

namespace fs = std::filesystem;

void requireOutsideArtifacts(const fs::path& file) {
    if (isArtifact(fs::absolute(file).parent_path())) {
        throw UsageError("report.sealed",
                         file.string() +
                             " lies in an artifact, which measurements never change. Choose a "
                             "place outside of it.");
    }
}

void requireWritable(const fs::path& file) {
    fs::create_directories(fs::absolute(file).parent_path());
    const AtomicFile attempt(file);
}

} // namespace caldera::cli
