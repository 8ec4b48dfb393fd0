#include "core/plan/plan_yaml.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <vector>

#include <yaml-cpp/depthguard.h>

#include "core/base/error.h"

namespace caldera {

YAML::Node loadYaml(const std::string& yaml, const std::string& where) {
    if (const size_t nul = yaml.find('\0'); nul != std::string::npos) { // yaml-cpp drops them
        const auto end = yaml.begin() + static_cast<std::ptrdiff_t>(nul);
        const std::string line = std::to_string(1 + std::count(yaml.begin(), end, '\n'));
        throw Error("plan.yaml", where + ", line " + line + ": a NUL byte; a text file has none.",
                    {{"file", where}, {"line", line}});
    }
    std::vector<YAML::Node> documents;
    try {
        documents = YAML::LoadAll(yaml);
    } catch (const YAML::DeepRecursion& e) {
        const std::string line = std::to_string(e.mark.line + 1);
        throw Error("plan.yaml",
                    where + ", line " + line +
                        ": lists or maps lie too deep in one another; a plan has four levels.",
                    {{"file", where}, {"line", line}});
    } catch (const YAML::Exception& e) {
        const std::string line = std::to_string(e.mark.line + 1);
        std::string reason = e.msg; // quotes the file, whatever is in it
        std::replace_if(
            reason.begin(), reason.end(), [](unsigned char c) { return std::iscntrl(c) != 0; },
            '?');
        throw Error("plan.yaml", where + ", line " + line + ": not valid YAML (" + reason + ").",
                    {{"file", where}, {"line", line}, {"reason", reason}});
    }
    if (documents.size() > 1) {
        throw Error("plan.yaml",
                    where + " holds several YAML documents; a plan is one. Remove what follows "
                            "the `---` line.",
                    {{"file", where}});
    }
    return documents.empty() ? YAML::Node() : documents.front();
}

bool containsComment(std::string_view text) {
    char quote = 0;
    char before = '\n';
    for (size_t i = 0; i < text.size(); ++i) {
        const char letter = text[i];
        const bool fresh = std::string_view("\n\r\t ,[{").find(before) != std::string_view::npos;
        if (quote != 0) {
            if (quote == '"' && letter == '\\') {
                ++i;
            } else if (letter == quote) {
                quote = 0;
            }
        } else if ((letter == '"' || letter == '\'') && fresh) {
            quote = letter;
        } else if (letter == '#' &&
                   std::string_view("\n\r\t ").find(before) != std::string_view::npos) {
            return true;
        }
        before = letter;
    }
    return false;
}

} // namespace caldera
