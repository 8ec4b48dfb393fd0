#include "core/model/text_file.h"

#include <algorithm>
#include <string_view>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/model/byte_level.h"

namespace caldera {

namespace {

bool isUtf16(std::string_view text) {
    return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

[[noreturn]] void refuse(const std::filesystem::path& path, std::string_view text,
                         const BadByte& bad) {
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad.place), '\n');
    const std::string what = isUtf16(text) ? "it begins as UTF-16 does"
                                           : "byte " + std::to_string(bad.place) + " (line " +
                                                 std::to_string(line + 1) + ") is " + bad.hex;
    throw Error("text.not-utf8",
                path.string() + " is not UTF-8: " + what +
                    ". Convert it, for example with `iconv -f " +
                    (isUtf16(text) ? "UTF-16" : "LATIN1") + " -t UTF-8`, or choose another file.",
                {{"file", path.string()}, {"byte", std::to_string(bad.place)}});
}

} // namespace

void requireUtf8(const std::string& text, const std::filesystem::path& file) {
    if (const auto bad = firstNotUtf8(text)) {
        refuse(file, text, *bad);
    }
}

std::string readUtf8File(const std::filesystem::path& path) {
    std::string text = readTextFile(path);
    requireUtf8(text, path);
    return text;
}

} // namespace caldera
