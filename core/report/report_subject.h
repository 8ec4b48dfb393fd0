// Which model a report tells of.
#pragma once

#include <filesystem>
#include <string>

#include "core/report/report.h"

namespace caldera {

struct ReportSubject {
    std::string name;        ///< for people
    std::string fingerprint; ///< of a model, or the hash of an artifact
    int layerCount = 0;
};

/// Of the model, or the hash of an artifact; empty where the report does not say.
std::string fingerprintOf(const Report& report);
/// The same; throws Error("report.model") where the report that was read from `file` does not say.
/// `remedy`, here and below: what to do instead, a sentence.
std::string requireFingerprint(const Report& report, const std::filesystem::path& file,
                               const std::string& remedy);

/// What the report says that it tells of.
ReportSubject subjectOf(const Report& report);

/// Throws Error("report.model") unless the report that was read from `file` was measured on this
/// model or artifact; of one without a fingerprint only the layers are compared.
void requireMeasuredOn(const ReportSubject& subject, const Report& report,
                       const std::filesystem::path& file,
                       const std::string& remedy = "Measure this one with `caldera fidelity`.");

} // namespace caldera
