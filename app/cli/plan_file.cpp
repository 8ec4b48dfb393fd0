#include "app/cli/plan_file.h"

#include <iostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/printable.h"
#include "core/plan/foreign_plan.h"

namespace caldera::cli {

namespace {

Plan planToLose(const std::filesystem::path& path) {
    try {
        return loadPlan(path);
    } catch (const Error& error) {
        throw Error("plan.not-a-plan",
                    path.string() +
                        " holds something else than a plan that this program can read, and would "
                        "be lost. Choose another file with --out, or remove it first.",
                    {{"file", path.string()}, {"reason", error.what()}});
    }
}

/// The first ten, and how many more there are; nothing where there are no words.
template <class Words>
std::string listed(const char* begin, const Words& words) {
    constexpr size_t kMostListed = 10;
    std::string text;
    size_t count = 0;
    for (const std::string& word : words) {
        if (count == kMostListed) {
            return text + " and " + std::to_string(words.size() - count) + " more";
        }
        text += (count++ == 0 ? begin : ", ") + shown(word);
    }
    return text;
}

} // namespace

std::string shown(const std::string& text) {
    constexpr size_t kMostBytes = 1000;
    return printable(text, kMostBytes);
}

Plan readPlanFile(const std::filesystem::path& path) {
    Plan plan = loadPlan(path);
    if (plan.foreign) {
        const std::set ignored(plan.ignoredKeys.begin(), plan.ignoredKeys.end());
        std::cerr << shown(path.string())
                  << " is not a caldera plan; its common settings were taken over"
                  << listed(", these keys ignored: ", ignored)
                  << listed(", these values adapted: ", plan.adaptedValues) << ".\n";
    }
    return plan;
}

Plan planFor(const ModelConfig& config, Plan plan, const std::filesystem::path& path) {
    const auto before = static_cast<std::ptrdiff_t>(plan.adaptedValues.size());
    Plan fitted = fitForeignPlan(std::move(plan), config);
    const std::vector<std::string> adapted(fitted.adaptedValues.begin() + before,
                                           fitted.adaptedValues.end());
    if (!adapted.empty()) {
        std::cerr << shown(path.string())
                  << listed(" has ranks that the model's matrices cannot have; adapted: ", adapted)
                  << ".\n";
    }
    return fitted;
}

void writePlanFile(const Plan& plan, const std::filesystem::path& path) {
    if (std::filesystem::is_regular_file(path) && !std::filesystem::is_empty(path) &&
        planToLose(path).hasComments) {
        std::cerr << path.string() << " was edited by hand; its comments are lost.\n";
    }
    savePlan(plan, path);
}

} // namespace caldera::cli
