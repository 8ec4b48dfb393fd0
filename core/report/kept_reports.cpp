#include "core/report/kept_reports.h"

#include "core/base/error.h"
#include "core/base/paths.h"
#include "core/report/join_reports.h"
#include "core/report/report_subject.h"

namespace caldera {

namespace {

constexpr size_t kNameLength = 32; ///< of the hash's digits

std::filesystem::path keptFile(const char* folder, const std::string& name) {
    const std::filesystem::path path = stateFolder() / folder;
    std::filesystem::create_directories(path);
    return path / (name.substr(0, kNameLength) + ".h5");
}

/// Adds a report to the one that is kept of the same fingerprint, at the place that `placeOf` says.
void keep(const std::filesystem::path& measured,
          std::filesystem::path (*placeOf)(const std::string& fingerprint)) {
    Report report = readReport(measured);
    const std::filesystem::path kept =
        placeOf(requireFingerprint(report, measured, "Measure it again."));
    try {
        if (const std::optional<Report> earlier = readKept(kept)) {
            keepFrom(*earlier, report);
        }
    } catch (const Error& error) {
        throw Error(error.code(),
                    std::string(error.what()) + " What came now is in " + measured.string() +
                        " alone.",
                    error.args());
    }
    writeReport(report, kept);
}

/// Of readReport(), where no program reads the file; "report.newer" is none of them.
bool saysDamaged(std::string_view code) {
    return code == "report.corrupt" || code == "report.format" || code == "report.missing-group";
}

} // namespace

std::optional<Report> readKept(const std::filesystem::path& kept) {
    if (!std::filesystem::exists(kept)) {
        return std::nullopt;
    }
    try {
        return readReport(kept);
    } catch (const Error& error) {
        if (!saysDamaged(error.code())) {
            throw;
        }
        setAsideDamaged(kept, error.code());
        return std::nullopt;
    }
}

void setAsideDamaged(const std::filesystem::path& kept, std::string_view code) {
    if (saysDamaged(code)) {
        std::error_code trouble; // which the next report meets and tells
        std::filesystem::rename(kept, kept.string() + ".damaged", trouble);
    }
}

std::filesystem::path keptEvaluations(const std::string& artifactHash) {
    return keptFile("evaluations", artifactHash);
}

std::filesystem::path keptFidelity(const std::string& fingerprint) {
    return keptFile("fidelity", fingerprint);
}

void keepEvaluated(const std::filesystem::path& evaluated) {
    keep(evaluated, keptEvaluations);
}

void keepFidelity(const std::filesystem::path& measured) {
    keep(measured, keptFidelity);
}

std::filesystem::path keptBlame(const std::string& artifactHash) {
    return keptFile("blame", artifactHash);
}

} // namespace caldera
