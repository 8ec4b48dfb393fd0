#include "core/base/write_failure.h"

#include <cerrno>
#include <cstring>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/text.h"

namespace caldera {

std::string systemReason(int error) {
    return std::strerror(error); // NOLINT(concurrency-mt-unsafe): glibc's is thread-safe
}

void throwWriteFailure(const std::filesystem::path& path, int error) {
    const bool isFull = error == ENOSPC || error == EDQUOT;
    std::string sentence = "Cannot write " + path.string() + ": " + systemReason(error) + ".";
    if (isFull) {
        sentence += " On that disk " + byteText(freeDiskBytes(path)) +
                    " are free. Make room there and start again; finished work is kept.";
    }
    throw Error(isFull ? "file.disk-full" : "file.write", sentence,
                {{"file", path.string()}, {"reason", systemReason(error)}});
}

} // namespace caldera
