#include "core/compress/work_folder.h"

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

bool hasWorkFiles(const fs::path& work) {
    return holdsSomething(cellsFolder(work)) || holdsSomething(hiddenFolder(work));
}

void removeWorkFiles(const fs::path& work) {
    fs::remove_all(cellsFolder(work));
    fs::remove_all(hiddenFolder(work));
    fs::remove(factsFile(work));
    if (fs::is_directory(work) && fs::is_empty(work)) {
        fs::remove(work);
    }
}

int workThreads(const fs::path& work) {
    if (!fs::exists(factsFile(work))) {
        return 0;
    }
    // A damaged file only means that finished cells may not be taken up.
    const Json facts = Json::parse(readTextFile(factsFile(work), kSmallFile), nullptr, false);
    const bool ours = formatFit(formatOf(facts), kFormat, kMajor) == FormatFit::Readable;
    const bool given = ours && facts.contains("threads") && facts["threads"].is_number_unsigned();
    constexpr int kMost = 1024;
    return given ? static_cast<int>(std::min<uint64_t>(facts["threads"].get<uint64_t>(), kMost))
                 : 0;
}

void openWorkFolder(const fs::path& work, int threads) {
    fs::create_directories(cellsFolder(work));
    const Json facts = {{"format", formatText(kFormat, kMajor)}, {"threads", threads}};
    writeFileAtomically(factsFile(work), facts.dump(2) + "\n");
}

} // namespace caldera
