// Keeps two processes from working in one folder at once.
#pragma once

#include <filesystem>

namespace caldera {

/// Holds a folder, created when it is missing, until the end of the object or of the process,
/// however that comes. A folder that it created and that is still empty goes away with it.
class FolderLock {
public:
    /// Throws Error("file.busy") when another process holds the folder, Error("file.folder") when
    /// it cannot be created or opened.
    explicit FolderLock(std::filesystem::path folder);
    ~FolderLock();
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;

private:
    std::filesystem::path folder_;
    bool isOurs_ = false;
    int descriptor_ = -1;
};

} // namespace caldera
