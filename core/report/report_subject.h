// Which model a report tells of.
#pragma once

#include <filesystem>
#include <string>

#include "core/report/report.h"

namespace caldera {

struct ReportSubject {
    std::string name; ///< for people
    std::string fingerprint;
    int layerCount = 0;
};

/// Of the model, or the hash of an artifact; empty where the report does not say.
std::string fingerprintOf(const Report& report);

/// Throws Error("report.model") unless the report that was read from `file` was measured on this
/// model; of one without a fingerprint only the layers are compared.
void requireMeasuredOn(const ReportSubject& model, const Report& report,
                       const std::filesystem::path& file);

} // namespace caldera
