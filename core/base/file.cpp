#include "core/base/file.h"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/write_failure.h"

namespace caldera {

namespace {

[[noreturn]] void throwOpen(const std::filesystem::path& path, int error) {
    throw Error("file.open", "Cannot open " + path.string() + ": " + systemReason(error) + ".",
                {{"file", path.string()}, {"reason", systemReason(error)}});
}

[[noreturn]] void throwNoFile(const std::string& verb, const std::filesystem::path& path,
                              bool isFolder) {
    const std::string reason = isFolder ? "it is a folder" : "it is no regular file";
    throw Error("file." + verb,
                "Cannot " + verb + " " + path.string() + ": " + reason + "; a file is needed.",
                {{"file", path.string()}, {"reason", reason}});
}

/// Where a chain of symbolic links ends: what is written there leaves the links as they are.
std::filesystem::path linkedFile(std::filesystem::path path) {
    constexpr int kMostLinks = 40; // as the system follows
    for (int links = 0; links <= kMostLinks; ++links) {
        std::error_code isNoLink;
        const std::filesystem::path next = std::filesystem::read_symlink(path, isNoLink);
        if (isNoLink) {
            return path;
        }
        path = path.parent_path() / next; // an absolute one stands for itself
    }
    throwWriteFailure(path, ELOOP);
}

/// Where a file that is to stand at `target` has to be written. Never in the place of a device or
/// a pipe: the rename would put a file there.
std::filesystem::path writtenFile(const std::filesystem::path& target) {
    struct stat asked {};
    const bool exists = ::stat(target.c_str(), &asked) == 0;
    if (exists && !S_ISREG(asked.st_mode)) {
        throwNoFile("write", target, S_ISDIR(asked.st_mode));
    }
    std::filesystem::path file = linkedFile(target);
    struct stat found {};
    const bool leadsThere = ::stat(file.c_str(), &found) == 0 && found.st_dev == asked.st_dev &&
                            found.st_ino == asked.st_ino;
    if (exists && !leadsThere) { // an open file of /proc that has no name any more
        throwNoFile("write", target, false);
    }
    return file;
}

void syncFolder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        ::fsync(descriptor);
        ::close(descriptor);
    }
}

} // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
    // Without O_NONBLOCK a pipe that nobody writes to would be waited for, for ever.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        throwOpen(path, errno);
    }
    struct stat facts {};
    if (::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        ::close(descriptor);
        throwNoFile("open", path, S_ISDIR(facts.st_mode));
    }
    size_ = static_cast<size_t>(facts.st_size);
    if (size_ > 0) {
        void* memory = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor, 0);
        if (memory == MAP_FAILED) {
            const int error = errno;
            ::close(descriptor);
            throwOpen(path, error);
        }
        data_ = static_cast<const std::byte*>(memory);
    }
    ::close(descriptor);
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) {
        ::munmap(const_cast<std::byte*>(data_), size_);
    }
}

AtomicFile::AtomicFile(const std::filesystem::path& target)
    : target_(writtenFile(target)), temporary_(target_) {
    temporary_ += ".tmp-" + std::to_string(::getpid());
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor_ < 0) {
        throwWriteFailure(target_, errno);
    }
}

AtomicFile::~AtomicFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
        ::unlink(temporary_.c_str());
    }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            throwWriteFailure(target_, errno);
        }
        bytes = bytes.subspan(static_cast<size_t>(written));
    }
}

void AtomicFile::write(std::string_view text) {
    write(std::as_bytes(std::span(text)));
}

void AtomicFile::commit() {
    if (::fsync(descriptor_) != 0) {
        throwWriteFailure(target_, errno);
    }
    ::close(descriptor_);
    descriptor_ = -1;
    try {
        renameDurably(temporary_, target_);
    } catch (const Error&) {
        ::unlink(temporary_.c_str());
        throw;
    }
}

std::string readTextFile(const std::filesystem::path& path, size_t limit) {
    const MappedFile file(path);
    if (file.bytes().size() > limit) {
        throw Error("file.too-large",
                    path.string() + " has " + std::to_string(file.bytes().size()) +
                        " bytes; at most " + std::to_string(limit) + " are read here.",
                    {{"file", path.string()}});
    }
    return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

void writeFileAtomically(const std::filesystem::path& path, std::string_view text) {
    AtomicFile file(path);
    file.write(text);
    file.commit();
}

void renameDurably(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) {
        throwWriteFailure(to, errno);
    }
    syncFolder(to.parent_path().empty() ? "." : to.parent_path());
}

uint64_t fileSystemOf(std::filesystem::path path) {
    path = std::filesystem::absolute(path).lexically_normal();
    struct stat status {};
    while (::stat(path.c_str(), &status) != 0 && path != path.parent_path()) {
        path = path.parent_path();
    }
    return status.st_dev;
}

uint64_t freeDiskBytes(const std::filesystem::path& path) {
    std::filesystem::path existing = std::filesystem::absolute(path);
    while (!std::filesystem::exists(existing) && existing.has_relative_path()) {
        existing = existing.parent_path();
    }
    std::error_code error;
    const auto space = std::filesystem::space(existing, error);
    if (!error && space.capacity == 0) { // of a pipe, or the system's own as /proc
        throw Error("file.no-disk",
                    "Nothing can be kept at " + path.string() +
                        ": that is no place on a disk. Choose a folder that is.",
                    {{"path", path.string()}});
    }
    return error ? 0 : static_cast<uint64_t>(space.available);
}

} // namespace caldera
