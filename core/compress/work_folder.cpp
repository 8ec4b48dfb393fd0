#include "core/compress/work_folder.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/artifact/json_format.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/format_version.h"
#include "core/compress/folders.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kFormat = "caldera-work";
constexpr int kMajor = 1;
constexpr size_t kSmallFile = 1U << 16;

fs::path factsFile(const fs::path& work) {
    return work / "work.json";
}

/// work.json; nothing when there is none or it is another program's.
std::optional<Json> readFacts(const fs::path& work) {
    if (!fs::is_regular_file(factsFile(work)) || fs::file_size(factsFile(work)) > kSmallFile) {
        return std::nullopt;
    }
    Json facts = Json::parse(readTextFile(factsFile(work), kSmallFile), nullptr, false);
    if (formatFit(formatOf(facts), kFormat, kMajor) != FormatFit::Readable) {
        return std::nullopt;
    }
    return facts;
}

bool holdsWork(const fs::path& work) {
    return holdsSomething(cellsFolder(work)) || holdsSomething(hiddenFolder(work));
}

} // namespace

fs::path cellsFolder(const fs::path& work) {
    return work / "cells";
}

fs::path hiddenFolder(const fs::path& work) {
    return work / "hidden";
}

fs::path cellFile(const fs::path& work, Cell cell) {
    return cellsFolder(work) / (cellName(cell) + ".safetensors");
}

bool isWorkFolder(const fs::path& work) {
    return readFacts(work).has_value();
}

bool hasWorkFiles(const fs::path& work) {
    return isWorkFolder(work) && holdsWork(work);
}

void requireOwnWork(const fs::path& work) {
    if (!isWorkFolder(work) && (holdsWork(work) || fs::exists(factsFile(work)))) {
        throw Error("compress.work-foreign",
                    "The work of a compression cannot be kept in " + work.string() +
                        ": it has a cells, a hidden or a work.json that no compression of this "
                        "version made. Choose another folder with --work, or remove them.",
                    {{"path", work.string()}});
    }
}

void removeWorkFiles(const fs::path& work) {
    requireOwnWork(work);
    fs::remove_all(cellsFolder(work));
    fs::remove_all(hiddenFolder(work));
    fs::remove(factsFile(work));
    if (fs::is_directory(work) && fs::is_empty(work)) {
        fs::remove(work);
    }
}

int workThreads(const fs::path& work) {
    const std::optional<Json> facts = readFacts(work);
    if (!facts || !facts->contains("threads") || !facts->at("threads").is_number_unsigned()) {
        return 0;
    }
    constexpr uint64_t kMost = 1024;
    return static_cast<int>(std::min(facts->at("threads").get<uint64_t>(), kMost));
}

void openWorkFolder(const fs::path& work, int threads) {
    fs::create_directories(cellsFolder(work));
    const Json facts = {{"format", formatText(kFormat, kMajor)}, {"threads", threads}};
    writeFileAtomically(factsFile(work), facts.dump(2) + "\n");
}

namespace {

/// The folder, whose lock would create it, where a run may hold it.
const fs::path& ownWork(const fs::path& work) {
    requireOwnWork(work);
    return work;
}

} // namespace

HeldWorkFolder::HeldWorkFolder(fs::path work, int threads)
    : work_(std::move(work)), lock_(ownWork(work_)) {
    requireOwnWork(work_); // whoever had the lock may have written it
    openWorkFolder(work_, threads);
}

HeldWorkFolder::~HeldWorkFolder() {
    try {
        if (isWorkFolder(work_) && !holdsWork(work_)) {
            removeWorkFiles(work_);
        }
    } catch (const std::exception&) { // an empty folder stays: it does no harm
    }
}

} // namespace caldera
