#include "core/base/glob.h"

namespace caldera {

namespace {

/// One pattern element: how long it is, and whether it takes `letter`.
struct Step {
    size_t length = 1;
    bool takes = false;
};

Step stepAt(std::string_view pattern, char letter) {
    if (pattern[0] == '?') {
        return {1, true};
    }
    const size_t close = pattern[0] == '[' ? pattern.find(']', 2) : std::string_view::npos;
    if (close == std::string_view::npos) {
        return {1, pattern[0] == letter};
    }
    std::string_view set = pattern.substr(1, close - 1);
    const bool negated = set[0] == '!' && set.size() > 1;
    set.remove_prefix(negated ? 1 : 0);
    bool found = false;
    for (size_t i = 0; i < set.size(); ++i) {
        if (i + 2 < set.size() && set[i + 1] == '-') {
            found = found || (set[i] <= letter && letter <= set[i + 2]);
            i += 2;
        } else {
            found = found || set[i] == letter;
        }
    }
    return {close + 1, found != negated};
}

} // namespace

bool matchesGlob(std::string_view pattern, std::string_view text) {
    size_t p = 0;
    size_t t = 0;
    size_t starPattern = std::string_view::npos;
    size_t starText = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            starPattern = ++p;
            starText = t;
            continue;
        }
        const Step step = p < pattern.size() ? stepAt(pattern.substr(p), text[t]) : Step{};
        if (step.takes) {
            p += step.length;
            ++t;
        } else if (starPattern != std::string_view::npos) {
            p = starPattern;
            t = ++starText;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') {
        ++p;
    }
    return p == pattern.size();
}

} // namespace caldera
