#include "core/base/folder_lock.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

#include "core/base/error.h"

namespace caldera {

namespace {

[[noreturn]] void throwFolder(const std::filesystem::path& folder, const std::error_code& error) {
    throw Error("file.folder",
                "The folder " + folder.string() + " cannot be used: " + error.message() +
                    ". Choose another one.",
                {{"folder", folder.string()}, {"reason", error.message()}});
}

std::error_code lastError() {
    return {errno, std::generic_category()};
}

} // namespace

FolderLock::FolderLock(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::error_code error;
    isOurs_ = std::filesystem::create_directories(folder_, error);
    if (error) {
        throwFolder(folder_, error);
    }
    descriptor_ = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor_ < 0) {
        throwFolder(folder_, lastError());
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        error = lastError();
        ::close(descriptor_);
        if (error.value() != EWOULDBLOCK) {
            throwFolder(folder_, error);
        }
        throw Error("file.busy",
                    "Another process works in " + folder_.string() +
                        ". Wait until it ends, or choose another folder.",
                    {{"folder", folder_.string()}});
    }
}

FolderLock::~FolderLock() {
    if (isOurs_) {
        ::rmdir(folder_.c_str()); // refuses a folder that holds something
    }
    ::close(descriptor_);
}

} // namespace caldera
