#include "core/fidelity/finished_layers.h"

#include "core/base/error.h"

namespace caldera {

namespace {

constexpr const char* kKey = "key";

} // namespace

std::filesystem::path FinishedLayers::fileOf(LayerSpan span) const {
    return folder_ /
           ("layers-" + std::to_string(span.begin) + "-" + std::to_string(span.end) + ".h5");
}

std::optional<Report> FinishedLayers::find(LayerSpan span) const {
    if (folder_.empty() || !std::filesystem::exists(fileOf(span))) {
        return std::nullopt;
    }
    try {
        Report part = readReport(fileOf(span));
        const auto key = part.run.find(kKey);
        return key != part.run.end() && key->second == key_ ? std::optional(std::move(part))
                                                            : std::nullopt;
    } catch (const Error&) { // measured again
        return std::nullopt;
    }
}

void FinishedLayers::keep(LayerSpan span, Report part) const {
    if (folder_.empty()) {
        return;
    }
    part.run = {{kKey, key_}};
    std::filesystem::create_directories(folder_);
    writeReport(part, fileOf(span));
}

} // namespace caldera
