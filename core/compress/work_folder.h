// The work folder of a compression: finished cells, hidden states, and how they were computed.
#pragma once

#include <filesystem>

#include "core/base/folder_lock.h"
#include "core/model/module.h"

namespace caldera {

std::filesystem::path cellsFolder(const std::filesystem::path& work);
std::filesystem::path hiddenFolder(const std::filesystem::path& work);
std::filesystem::path cellFile(const std::filesystem::path& work, Cell cell);

/// Whether a run opened it: it has a readable work.json. A folder called cells means nothing alone.
bool isWorkFolder(const std::filesystem::path& work);
/// Whether a work folder holds cells or hidden states of an earlier run.
bool hasWorkFiles(const std::filesystem::path& work);
/// Throws Error("compress.work-foreign") where a run would replace or remove what none made.
void requireOwnWork(const std::filesystem::path& work);
/// Removes cells, hidden states and work.json, and the folder when nothing else is in it. Throws as
/// requireOwnWork does.
void removeWorkFiles(const std::filesystem::path& work);

/// Threads that the earlier run computed with (work.json); 0 when there was none. Another number
/// gives other last bits, so a run that goes on takes the same.
int workThreads(const std::filesystem::path& work);
/// Creates the folder, which becomes a work folder, and remembers the threads of this run in it.
void openWorkFolder(const std::filesystem::path& work, int threads);

/// A work folder opened by a run that is alone in it until the object ends. When it then holds no
/// work, nothing of it stays. Throws Error("compress.work-foreign", "file.busy", "file.folder").
class HeldWorkFolder {
public:
    HeldWorkFolder(std::filesystem::path work, int threads);
    ~HeldWorkFolder();
    HeldWorkFolder(const HeldWorkFolder&) = delete;
    HeldWorkFolder& operator=(const HeldWorkFolder&) = delete;

private:
    std::filesystem::path work_;
    FolderLock lock_;
};

} // namespace caldera
