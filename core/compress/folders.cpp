#include "core/compress/folders.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "core/compress/work_folder.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;

bool liesWithin(const fs::path& path, const fs::path& folder) {
    const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
    return end == folder.end();
}

void requireSpaceAt(const SpaceNeed& need) {
    const uint64_t available = freeDiskBytes(need.path);
    if (available < need.bytes) {
        throw Error("compress.disk",
                    "Compressing needs about " + byteText(need.bytes) + " at " +
                        need.path.string() + ", where " + byteText(available) +
                        " are free. Free some space, or choose another folder.",
                    {{"path", need.path.string()},
                     {"needed", byteText(need.bytes)},
                     {"free", byteText(available)}});
    }
}

} // namespace

fs::path wholePath(const fs::path& path) {
    const fs::path whole = fs::weakly_canonical(fs::absolute(path));
    return whole.has_filename() ? whole : whole.parent_path();
}

fs::path stagingFolder(const fs::path& out) {
    return fs::path(out.string() + ".partial");
}

bool holdsSomething(const fs::path& path) {
    return fs::exists(path) && (!fs::is_directory(path) || !fs::is_empty(path));
}

void requireFreeTarget(const fs::path& out) {
    if (holdsSomething(out)) {
        const std::string what =
            fs::is_directory(out) ? " exists and is not empty. Choose another folder for the "
                                    "compressed model, or remove it first."
            : fs::is_regular_file(out)
                ? " is a file. Choose a folder for the compressed model."
                : " is neither a folder nor a file. Choose a folder for the compressed model.";
        throw Error("compress.out-exists", out.string() + what, {{"path", out.string()}});
    }
}

void requireApart(const fs::path& out, const fs::path& work) {
    if (liesWithin(work, out) || liesWithin(out, cellsFolder(work)) ||
        liesWithin(out, hiddenFolder(work))) {
        throw Error("compress.folders",
                    "The compressed model cannot be written to " + out.string() +
                        " with its work in " + work.string() +
                        ", for one lies in the other. Choose other folders with --out or --work.",
                    {{"out", out.string()}, {"work", work.string()}});
    }
}

void requireSpace(const SpaceNeed& out, const SpaceNeed& work) {
    if (fileSystemOf(out.path) == fileSystemOf(work.path)) {
        requireSpaceAt({out.path, out.bytes + work.bytes});
    } else {
        requireSpaceAt(out);
        requireSpaceAt(work);
    }
}

} // namespace caldera
