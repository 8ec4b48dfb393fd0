#include "core/base/paths.h"

#include <cstdlib>
#include <string>

#include "core/base/error.h"

namespace caldera {

namespace {

std::filesystem::path xdgFolder(const char* variable, const char* fallback) {
    const char* value = std::getenv(variable);
    std::filesystem::path base;
    if (value != nullptr && value[0] == '/') {
        base = value;
    } else {
        const char* home = std::getenv("HOME");
        base = std::filesystem::path(home != nullptr ? home : "/") / fallback;
    }
    std::filesystem::path folder = base / "caldera";
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
        throw Error("paths.create",
                    "Cannot create " + folder.string() + ": " + error.message() + ". Set " +
                        variable + " to a folder you can write.",
                    {{"folder", folder.string()}});
    }
    return folder;
}

} // namespace

std::filesystem::path stateFolder() {
    return xdgFolder("XDG_STATE_HOME", ".local/state");
}

std::filesystem::path configFolder() {
    return xdgFolder("XDG_CONFIG_HOME", ".config");
}

std::filesystem::path cacheFolder() {
    return xdgFolder("XDG_CACHE_HOME", ".cache");
}

std::filesystem::path jobsFolder() {
    std::filesystem::path folder = stateFolder() / "jobs";
    std::filesystem::create_directories(folder);
    return folder;
}

std::filesystem::path resourcesFolder() {
    const char* given = std::getenv("CALDERA_RESOURCES");
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    const std::filesystem::path installed =
        program.parent_path().parent_path() / "share" / "caldera";
    for (const std::filesystem::path& folder :
         {std::filesystem::path(given != nullptr ? given : ""), installed,
          std::filesystem::path(CALDERA_SOURCE_RESOURCES)}) {
        if (!folder.empty() && std::filesystem::is_directory(folder / "demo-model")) {
            return folder;
        }
    }
    throw Error("resources.missing",
                std::string("The program's resources are missing. Looked in $CALDERA_RESOURCES, ") +
                    installed.string() + " and " + CALDERA_SOURCE_RESOURCES +
                    ". Reinstall, or set CALDERA_RESOURCES.");
}

} // namespace caldera
