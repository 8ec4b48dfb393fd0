// Files: memory maps, bounded reads, and writes that are either whole or absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace caldera {

/// A read-only memory map. Throws Error("file.open") with the path and the system's reason.
class MappedFile {
public:
    explicit MappedFile(const std::filesystem::path& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    std::span<const std::byte> bytes() const { return {data_, size_}; }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
    const std::byte* data_ = nullptr;
    size_t size_ = 0;
};

/// Writes to a temporary name beside the target; commit() syncs the file, renames it and syncs the
/// folder; a link stays, its file is replaced. Without commit() the destructor removes the
/// temporary. Throws Error("file.write") (a full disk is named as such), also for what is no
/// regular file: /dev/null, /dev/stdout where it is a pipe or a terminal.
class AtomicFile {
public:
    explicit AtomicFile(const std::filesystem::path& target);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(std::span<const std::byte> bytes);
    void write(std::string_view text);
    void commit();
    /// The name to write under for libraries that open files themselves.
    const std::filesystem::path& temporary() const { return temporary_; }

private:
    std::filesystem::path target_;
    std::filesystem::path temporary_;
    int descriptor_ = -1;
};

/// Whole file as text. Throws Error("file.open") or, above `limit` bytes, Error("file.too-large").
std::string readTextFile(const std::filesystem::path& path, size_t limit = 256U << 20);

/// AtomicFile in one call.
void writeFileAtomically(const std::filesystem::path& path, std::string_view text);

/// Renames and syncs the folder of the new name, so that what follows finds it also after a power
/// failure. Throws Error("file.write").
void renameDurably(const std::filesystem::path& from, const std::filesystem::path& to);

/// The number of the file system that holds `path` (or its nearest existing parent).
uint64_t fileSystemOf(std::filesystem::path path);

/// Free bytes on the file system that holds `path` (or its nearest existing parent). Throws
/// Error("file.no-disk") where that holds no files: a pipe, /proc.
uint64_t freeDiskBytes(const std::filesystem::path& path);

} // namespace caldera
