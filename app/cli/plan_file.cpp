#include "app/cli/plan_file.h"

#include <iostream>
#include <set>
#include <string>

#include "core/base/error.h"

namespace caldera::cli {

Plan readPlanFile(const std::filesystem::path& path) {
    Plan plan = loadPlan(path);
    if (plan.foreign) {
        std::string ignored;
        for (const std::string& key : std::set(plan.ignoredKeys.begin(), plan.ignoredKeys.end())) {
            ignored += (ignored.empty() ? "" : ", ") + key;
        }
        std::cerr << path.string() << " is not a caldera plan; its common settings were taken over"
                  << (ignored.empty() ? "" : ", these keys ignored: " + ignored) << ".\n";
    }
    return plan;
}

void warnOfLostComments(const std::filesystem::path& path) {
    try {
        if (std::filesystem::is_regular_file(path) && loadPlan(path).hasComments) {
            std::cerr << path.string() << " was edited by hand; its comments are lost.\n";
        }
    } catch (const Error&) { // what stands there is no plan
        return;
    }
}

} // namespace caldera::cli
