#include "core/report/report_subject.h"

#include "core/base/error.h"

namespace caldera {

namespace {

std::string factOf(const Report& report, const char* name) {
    const auto found = report.run.find(name);
    return found == report.run.end() ? std::string() : found->second;
}

/// "name (8 layers)"
std::string described(const std::string& name, int layerCount) {
    return name + " (" + std::to_string(layerCount) + (layerCount == 1 ? " layer)" : " layers)");
}

} // namespace

std::string fingerprintOf(const Report& report) {
    return factOf(report, "fingerprint");
}

void requireMeasuredOn(const ReportSubject& model, const Report& report,
                       const std::filesystem::path& file) {
    const std::string fingerprint = fingerprintOf(report);
    const bool sameWeights = fingerprint.empty() || fingerprint == model.fingerprint;
    if (sameWeights && report.layerCount == model.layerCount) {
        return;
    }
    const std::string name = factOf(report, "model");
    throw Error("report.model",
                file.string() + " was measured on another model, " +
                    described(name.empty() ? "without a name" : name, report.layerCount) +
                    ", than " + described(model.name, model.layerCount) +
                    ". Measure this one with `caldera fidelity`.",
                {{"file", file.string()}, {"model", model.name}});
}

} // namespace caldera
