// Where things live: XDG folders and the program's own resources.
#pragma once

#include <filesystem>

namespace caldera {

/// $XDG_STATE_HOME/caldera, else ~/.local/state/caldera. Created when missing.
std::filesystem::path stateFolder();
/// $XDG_CONFIG_HOME/caldera, else ~/.config/caldera. Created when missing.
std::filesystem::path configFolder();
/// $XDG_CACHE_HOME/caldera, else ~/.cache/caldera. Created when missing.
std::filesystem::path cacheFolder();
/// stateFolder()/jobs.
std::filesystem::path jobsFolder();
/// Resources: $CALDERA_RESOURCES, else ../share/caldera beside the program's bin folder, else the
/// source tree's resources/. Throws Error("resources.missing") naming the three places.
std::filesystem::path resourcesFolder();
} // namespace caldera
