#include "core/plan/group_settings.h"

#include <optional>

namespace caldera {

CellSettings groupSettings(const Plan& plan, int layer, InputGroup group) {
    std::optional<CellSettings> first;
    for (const Module module : kModules) {
        if (inputGroupOf(module) != group) {
            continue;
        }
        CellSettings settings = plan.settingsOf({layer, module});
        if (!settings.skip) {
            return settings;
        }
        first = first ? first : settings;
    }
    return *first;
}

} // namespace caldera
