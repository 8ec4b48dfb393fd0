#include "app/cli/plan_file.h"

#include <iostream>
#include <set>
#include <string>

#include "core/base/error.h"

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

/// Nothing where there are no words.
template <class Words>
std::string listed(const char* begin, const Words& words) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? begin : ", ") + word;
    }
    return text;
}

} // namespace

Plan readPlanFile(const std::filesystem::path& path) {
    Plan plan = loadPlan(path);
    if (plan.foreign) {
        const std::set ignored(plan.ignoredKeys.begin(), plan.ignoredKeys.end());
        std::cerr << path.string() << " is not a caldera plan; its common settings were taken over"
                  << listed(", these keys ignored: ", ignored)
                  << listed(", these values adapted: ", plan.adaptedValues) << ".\n";
    }
    return plan;
}

void writePlanFile(const Plan& plan, const std::filesystem::path& path) {
    if (std::filesystem::is_regular_file(path) && !std::filesystem::is_empty(path) &&
        planToLose(path).hasComments) {
        std::cerr << path.string() << " was edited by hand; its comments are lost.\n";
    }
    savePlan(plan, path);
}

} // namespace caldera::cli
