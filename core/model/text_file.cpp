#include "core/model/text_file.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/model/byte_level.h"

namespace caldera {

namespace {

bool isUtf16(std::string_view text) {
    return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

[[noreturn]] void refuse(const std::filesystem::path& path, std::string_view text, size_t at) {
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    std::array<char, 8> byte = {};
    std::snprintf(byte.data(), byte.size(), "0x%02X", static_cast<unsigned char>(text[at]));
    const std::string what = isUtf16(text) ? "it begins as UTF-16 does"
                                           : "byte " + std::to_string(at) + " (line " +
                                                 std::to_string(line + 1) + ") is " + byte.data();
    throw Error("text.not-utf8",
                path.string() + " is not UTF-8: " + what +
                    ". Convert it, for example with `iconv -f " +
                    (isUtf16(text) ? "UTF-16" : "LATIN1") + " -t UTF-8`, or choose another file.",
                {{"file", path.string()}, {"byte", std::to_string(at)}});
}

} // namespace

void requireUtf8(const std::string& text, const std::filesystem::path& file) {
    for (std::string_view rest = text; !rest.empty();) {
        const int length = utf8Length(rest);
        if (length <= 0) {
            refuse(file, text, text.size() - rest.size());
        }
        rest.remove_prefix(static_cast<size_t>(length));
    }
}

std::string readUtf8File(const std::filesystem::path& path) {
    std::string text = readTextFile(path);
    requireUtf8(text, path);
    return text;
}

} // namespace caldera
