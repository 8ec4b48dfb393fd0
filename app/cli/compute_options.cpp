#include "app/cli/compute_options.h"

#include "app/cli/command.h"
#include "core/compress/work_folder.h"
#include "core/linalg/numerics.h"

namespace caldera::cli {

namespace {

constexpr int kMostThreads = 1024;

/// The sentence of CLI11's validators: empty when fine.
std::string deviceComplaint(const std::string& name) {
    const bool known = name == "cpu" || name == "cuda" || name.starts_with("cuda:");
    return known ? "" : name + " is no device; cpu or cuda was needed";
}

} // namespace

void ComputeOptions::addTo(CLI::App& command) {
    command.add_option("--device", device, "cpu or cuda")
        ->type_name("NAME")
        ->check(deviceComplaint)
        ->capture_default_str();
    command.add_option("--threads", threads, "Threads; 0: OMP_NUM_THREADS, else all cores")
        ->check(between(0, kMostThreads))
        ->capture_default_str();
}

void ComputeOptions::apply() const {
    if (threads > 0) {
        fixNumerics(threads);
    }
}

void ComputeOptions::applyAsIn(const std::filesystem::path& work) const {
    ComputeOptions options = *this;
    if (threads == 0) {
        options.threads = workThreads(work);
    }
    options.apply();
}

void CalibrationOptions::addTo(CLI::App& command) {
    command
        .add_option("--calibration-text", text, "UTF-8 file instead of the plan's, or \"builtin\"")
        ->type_name("FILE");
    command.add_option("--calibration-tokens", tokens, "Tokens instead of the plan's")
        ->check(positive());
}

void CalibrationOptions::applyTo(Plan& plan) const {
    if (!text.empty()) {
        plan.calibration.text = text;
    }
    if (tokens > 0) {
        plan.calibration.tokens = tokens;
    }
}

} // namespace caldera::cli
