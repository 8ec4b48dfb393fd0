// Holds every #include line of the project against include_rules.txt.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;

struct Permission {
    Words folders;
    Words families;
};

struct Rules {
    std::map<std::string, Words> families; ///< name to beginnings
    std::map<std::string, Permission> byFolder;
};

struct Include {
    fs::path file; ///< relative to the project
    int line = 0;
    std::string header;
    bool quoted = false;
};

Words wordsOf(const std::string& text) {
    std::istringstream stream(text);
    return {std::istream_iterator<std::string>(stream), {}};
}

bool isUnder(const std::string& path, const std::string& folder) {
    return path.starts_with(folder + "/");
}

Rules readRules(const fs::path& path) {
    Rules rules;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        line = line.substr(0, line.find('#'));
        const size_t colon = line.find(':');
        if (colon == std::string::npos) {
            continue;
        }
        const Words left = wordsOf(line.substr(0, colon));
        const std::string right = line.substr(colon + 1);
        if (left.front() == "family") {
            rules.families[left.at(1)] = wordsOf(right);
        } else {
            const size_t bar = right.find('|');
            rules.byFolder[left.front()] = {wordsOf(right.substr(0, bar)),
                                            wordsOf(right.substr(bar + 1))};
        }
    }
    return rules;
}

bool isSource(const fs::path& path) {
    static const std::set<std::string> kinds = {".h", ".cpp", ".cu", ".cuh"};
    return kinds.contains(path.extension().string());
}

std::vector<Include> includesOf(const fs::path& root, const fs::path& file) {
    std::vector<Include> includes;
    std::ifstream stream(root / file);
    int number = 0;
    for (std::string line; std::getline(stream, line);) {
        ++number;
        line.erase(0, line.find_first_not_of(" \t"));
        if (!line.starts_with("#") || line.find("include") == std::string::npos) {
            continue;
        }
        const size_t open = line.find_first_of("<\"");
        const size_t close = line.find_first_of(">\"", open + 1);
        const bool directive = line.substr(1, open - 1).find("include") != std::string::npos &&
                               line.find("define") == std::string::npos;
        if (directive && open != std::string::npos && close != std::string::npos) {
            includes.push_back(
                {file, number, line.substr(open + 1, close - open - 1), line[open] == '"'});
        }
    }
    return includes;
}

std::vector<Include> allIncludes(const fs::path& root) {
    std::vector<Include> includes;
    for (const char* top : {"kernels", "core", "widgets", "app"}) {
        for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
            if (entry.is_regular_file() && isSource(entry.path())) {
                const auto found = includesOf(root, fs::relative(entry.path(), root));
                includes.insert(includes.end(), found.begin(), found.end());
            }
        }
    }
    return includes;
}

const Permission* permissionOf(const Rules& rules, const std::string& file) {
    const Permission* best = nullptr;
    size_t longest = 0;
    for (const auto& [folder, permission] : rules.byFolder) {
        if (isUnder(file, folder) && folder.size() >= longest) {
            longest = folder.size();
            best = &permission;
        }
    }
    return best;
}

/// Why the line is not allowed; empty when it is.
std::string complaintAbout(const Rules& rules, const Include& include) {
    const Permission* permission = permissionOf(rules, include.file.string());
    if (permission == nullptr) {
        return "its folder has no rule";
    }
    if (include.quoted) {
        const bool ownMoc = include.header.ends_with(".moc");
        const bool allowed =
            std::any_of(permission->folders.begin(), permission->folders.end(),
                        [&](const std::string& folder) { return isUnder(include.header, folder); });
        return allowed || ownMoc ? "" : "its folder may not include that";
    }
    const bool standard = include.header.find_first_of("./") == std::string::npos &&
                          std::islower(static_cast<unsigned char>(include.header[0])) != 0;
    if (standard) {
        return "";
    }
    for (const auto& [family, beginnings] : rules.families) {
        if (std::any_of(beginnings.begin(), beginnings.end(), [&](const std::string& beginning) {
                return include.header.starts_with(beginning);
            })) {
            const bool allowed = std::find(permission->families.begin(), permission->families.end(),
                                           family) != permission->families.end();
            return allowed ? "" : "its folder may not use " + family;
        }
    }
    return "the header belongs to no family";
}

Rules projectRules() {
    return readRules(fs::path(CALDERA_TEST_DATA) / "include_rules.txt");
}

TEST(Architecture, EveryIncludeIsAllowed) {
    const Rules rules = projectRules();
    const auto includes = allIncludes(CALDERA_SOURCE_DIR);
    ASSERT_GT(includes.size(), 300U) << "the scan found too little to mean anything";
    for (const Include& include : includes) {
        const std::string complaint = complaintAbout(rules, include);
        EXPECT_TRUE(complaint.empty()) << include.file.string() << ":" << include.line
                                       << " includes " << include.header << ": " << complaint;
    }
}

TEST(Architecture, FindsWhatItForbids) {
    const Rules rules = projectRules();
    const auto forbidden = [&](const char* file, const char* header, bool quoted) {
        return !complaintAbout(rules, {file, 1, header, quoted}).empty();
    };
    EXPECT_TRUE(forbidden("kernels/e8p/a.cpp", "core/base/error.h", true));
    EXPECT_TRUE(forbidden("kernels/e8p/a.cpp", "ATen/ATen.h", false));
    EXPECT_TRUE(forbidden("core/model/a.h", "torch/types.h", false));
    EXPECT_TRUE(forbidden("core/model/a.h", "QString", false));
    EXPECT_TRUE(forbidden("core/model/a.h", "core/plan/plan.h", true));
    EXPECT_TRUE(forbidden("core/artifact/a.cpp", "hdf5.h", false));
    EXPECT_TRUE(forbidden("core/runtime/a.cpp", "core/forward/transformer.h", true));
    EXPECT_TRUE(forbidden("core/compress/a.cpp", "widgets/theme/theme.h", true));
    EXPECT_TRUE(forbidden("widgets/chat/a.h", "hdf5.h", false));
    EXPECT_TRUE(forbidden("widgets/chat/a.h", "cuda_runtime.h", false));
    EXPECT_TRUE(forbidden("widgets/chat/a.h", "core/runtime/engine.h", true));
    EXPECT_TRUE(forbidden("widgets/chat/a.h", "app/studio/window.h", true));
    EXPECT_TRUE(forbidden("app/studio/a.cpp", "core/linalg/numerics.h", true));
    EXPECT_TRUE(forbidden("core/base/a.cpp", "boost/any.hpp", false));
    EXPECT_TRUE(forbidden("core/elsewhere/a.cpp", "core/base/error.h", true));
    EXPECT_FALSE(forbidden("core/base/a.cpp", "vector", false));
    EXPECT_FALSE(forbidden("core/report/a.cpp", "hdf5.h", false));
}

/// The folders of core must form no cycle, as far as the rules alone can say.
TEST(Architecture, RulesHaveNoCycle) {
    const Rules rules = projectRules();
    std::set<std::string> placed;
    for (size_t round = 0; round < rules.byFolder.size(); ++round) {
        for (const auto& [folder, permission] : rules.byFolder) {
            const bool ready = std::all_of(
                permission.folders.begin(), permission.folders.end(), [&](const std::string& used) {
                    return used == folder || used == "core" || placed.contains(used);
                });
            if (ready) {
                placed.insert(folder);
            }
        }
    }
    EXPECT_EQ(placed.size(), rules.byFolder.size());
}

} // namespace
