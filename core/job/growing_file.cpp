#include "core/job/growing_file.h"

#include <algorithm>
#include <fstream>

#include "core/base/error.h"

namespace caldera {

std::string readFrom(const std::filesystem::path& file, int64_t offset, size_t most) {
    std::error_code unknown;
    const bool isFile = std::filesystem::is_regular_file(file, unknown); // a pipe would wait
    std::ifstream stream;
    if (isFile) {
        stream.open(file, std::ios::binary | std::ios::ate);
    }
    if (!stream.is_open()) {
        const std::string reason = isFile ? "it cannot be read" : "it is no regular file";
        throw Error("file.open", "Cannot open " + file.string() + ": " + reason + ".",
                    {{"file", file.string()}, {"reason", reason}});
    }
    const auto size = static_cast<int64_t>(stream.tellg());
    std::string bytes(std::min(most, static_cast<size_t>(std::max<int64_t>(0, size - offset))), 0);
    stream.seekg(offset);
    stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<size_t>(std::max<std::streamsize>(0, stream.gcount())));
    return bytes;
}

} // namespace caldera
