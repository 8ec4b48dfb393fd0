#include "core/base/clock.h"
#include "core/base/version.h"
#include "core/report/report.h"

namespace caldera {

std::map<std::string, std::string> RunFacts::attributes() const {
    return {{"model", model},
            {"fingerprint", fingerprint},
            {"command", command},
            {"device", device},
            {"numerics", numerics},
            {"date", utcNow()},
            {"version", std::string(programVersion())}};
}

} // namespace caldera
