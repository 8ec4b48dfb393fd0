#include "core/report/report_subject.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/find_value.h"

namespace caldera {

namespace {

/// "name (8 layers) 0123456789ab"
std::string described(const ReportSubject& subject) {
    constexpr size_t kDigits = 12;
    const std::string layers =
        std::to_string(subject.layerCount) + (subject.layerCount == 1 ? " layer" : " layers");
    const std::string digits = subject.fingerprint.substr(0, kDigits);
    return (subject.name.empty() ? "without a name" : subject.name) + " (" + layers + ")" +
           (digits.empty() ? "" : " " + digits);
}

} // namespace

std::string fingerprintOf(const Report& report) {
    return findValue(report.run, "fingerprint").value_or("");
}

std::string requireFingerprint(const Report& report, const std::filesystem::path& file,
                               const std::string& remedy) {
    std::string fingerprint = fingerprintOf(report);
    if (fingerprint.empty()) {
        throw Error("report.model",
                    file.string() + " does not say which model it was measured on. " + remedy,
                    {{"file", file.string()}});
    }
    return fingerprint;
}

std::string artifactOf(const Report& report) {
    return findValue(report.run, kArtifactFact).value_or("");
}

bool isOfCompression(const Report& report) {
    return std::any_of(report.cells.begin(), report.cells.end(),
                       [](const auto& entry) { return !entry.second.history.empty(); });
}

ReportSubject subjectOf(const Report& report) {
    return {findValue(report.run, "model").value_or(""), fingerprintOf(report), report.layerCount};
}

ReportSubject resultOf(const Report& report) {
    ReportSubject result = subjectOf(report);
    if (isOfCompression(report)) {
        result.fingerprint = artifactOf(report);
    }
    return result;
}

void requireSame(const ReportSubject& needed, const ReportSubject& told,
                 const std::filesystem::path& file, const std::string& remedy) {
    const bool sameWeights = told.fingerprint.empty() || needed.fingerprint.empty() ||
                             told.fingerprint == needed.fingerprint;
    if (sameWeights && told.layerCount == needed.layerCount) {
        return;
    }
    const bool isNamesake = told.name == needed.name && told.layerCount == needed.layerCount;
    const std::string how = isNamesake ? " was measured on other weights, those of "
                                       : " was measured on another model, ";
    throw Error("report.model",
                file.string() + how + described(told) + ", than " + described(needed) + ". " +
                    remedy,
                {{"file", file.string()}, {"model", needed.name}});
}

void requireMeasuredOn(const ReportSubject& model, const Report& report,
                       const std::filesystem::path& file) {
    requireSame(model, subjectOf(report), file, "Measure this one with `caldera fidelity`.");
}

} // namespace caldera
