#include "app/cli/layers_option.h"

#include <charconv>
#include <string_view>
#include <system_error>

#include "core/base/error.h"

namespace caldera::cli {

namespace {

/// The whole of `text` as a number.
bool readNumber(std::string_view text, int& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

} // namespace

LayerRange parseLayers(const std::string& text) {
    LayerRange layers;
    const size_t colon = text.find(':');
    const std::string_view view = text;
    if (colon == std::string::npos || !readNumber(view.substr(0, colon), layers.begin) ||
        !readNumber(view.substr(colon + 1), layers.end)) {
        throw UsageError("compress.layers",
                         "--layers " + text +
                             " was given; A:B was needed, for the layers from A up to and without "
                             "B, counted from 0. 0:4 is the first four.",
                         {{"layers", text}});
    }
    return layers;
}

} // namespace caldera::cli
