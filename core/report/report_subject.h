// Which model a report tells of.
#pragma once

#include <filesystem>
#include <string>

#include "core/report/report.h"

namespace caldera {

/// The fact of a compression's run that has the artifact's hash.
inline constexpr const char* kArtifactFact = "artifact";

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

/// Hash of the artifact whose compression the report tells of; older ones do not say.
std::string artifactOf(const Report& report);
/// Measuring fragility leaves cells as well, but only a compression has a course of errors.
bool isOfCompression(const Report& report);

/// What the report says that it tells of.
ReportSubject subjectOf(const Report& report);
/// The same; of a compression not the model that went into it but the artifact.
ReportSubject resultOf(const Report& report);

/// Throws Error("report.model") unless what was read from `file` tells of what is needed; where
/// either has no fingerprint, only the layers are compared.
void requireSame(const ReportSubject& needed, const ReportSubject& told,
                 const std::filesystem::path& file, const std::string& remedy);
/// The same of a measurement before compressing.
void requireMeasuredOn(const ReportSubject& model, const Report& report,
                       const std::filesystem::path& file);

} // namespace caldera
