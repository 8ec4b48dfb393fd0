#include "app/cli/compress_output.h"

#include <cstdio>

#include "core/base/error.h"
#include "core/base/text.h"

namespace caldera::cli {

namespace {

nlohmann::json toJson(const CompressResult& result, const std::filesystem::path& out) {
    nlohmann::json json = {{"out", out.string()},
                           {"cells", result.cells},
                           {"reused_cells", result.reusedCells},
                           {"bpw", result.bitsPerWeight},
                           {"bytes", result.fileBytes},
                           {"mean_relative_error", result.meanRelativeError},
                           {"seconds", result.seconds}};
    if (!result.artifactHash.empty()) {
        json["hash"] = result.artifactHash;
    }
    return json;
}

void printText(const CompressResult& result, const std::filesystem::path& out) {
    const std::string end = result.artifactHash.empty()
                                ? "a shard: join it with the others by `caldera merge`"
                                : "artifact hash " + result.artifactHash;
    std::printf("%s\n  %d cells (%d from an earlier run) at %.3f bits per weight, %s in all\n"
                "  mean relative error %.4f\n  %s\n  took %s\n",
                out.c_str(), result.cells, result.reusedCells, result.bitsPerWeight,
                byteText(static_cast<uint64_t>(result.fileBytes)).c_str(), result.meanRelativeError,
                end.c_str(), durationText(result.seconds).c_str());
}

} // namespace

std::filesystem::path outFolder(const std::filesystem::path& given, const Invocation& invocation) {
    if (given.empty() && !invocation.job) {
        throw UsageError("usage", "--out is missing: say which folder the compressed model should "
                                  "be written to.");
    }
    return given.empty() ? *invocation.job / "out" : given;
}

void printResult(const CompressResult& result, const std::filesystem::path& out,
                 const Invocation& invocation) {
    if (invocation.json) {
        std::printf("%s\n", jsonText(toJson(result, out)).c_str());
    } else {
        printText(result, out);
    }
}

} // namespace caldera::cli
