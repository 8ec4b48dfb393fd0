#include "core/report/report_subject.h"

#include "core/base/error.h"

namespace caldera {

namespace {

std::string factOf(const Report& report, const char* name) {
    const auto found = report.run.find(name);
    return found == report.run.end() ? std::string() : found->second;
}

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
    return factOf(report, "fingerprint");
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

ReportSubject subjectOf(const Report& report) {
    return {factOf(report, "model"), fingerprintOf(report), report.layerCount};
}

void requireMeasuredOn(const ReportSubject& subject, const Report& report,
                       const std::filesystem::path& file, const std::string& remedy) {
    const ReportSubject measured = subjectOf(report);
    const bool sameWeights =
        measured.fingerprint.empty() || measured.fingerprint == subject.fingerprint;
    if (sameWeights && measured.layerCount == subject.layerCount) {
        return;
    }
    throw Error("report.model",
                file.string() + " was measured on another model, " + described(measured) +
                    ", than " + described(subject) + ". " + remedy,
                {{"file", file.string()}, {"model", subject.name}});
}

} // namespace caldera
