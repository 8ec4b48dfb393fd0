#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/compute_options.h"
#include "app/cli/plan_file.h"
#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/fidelity/fidelity.h"

namespace caldera::cli {

namespace {

namespace fs = std::filesystem;

/// Cells that the text output names.
constexpr size_t kShown = 10;

struct Options {
    std::string model;
    std::string metric = "proxy";
    fs::path out;
    fs::path plan;
    CalibrationOptions calibration;
    ComputeOptions compute;
};

using CellValue = std::pair<Cell, double>;

std::vector<CellValue> mostFragileFirst(const FidelityMetric& metric) {
    std::vector<CellValue> cells(metric.values.begin(), metric.values.end());
    std::stable_sort(cells.begin(), cells.end(),
                     [](const CellValue& a, const CellValue& b) { return a.second > b.second; });
    return cells;
}

FidelityRequest requestFor(const Options& options, const Invocation& invocation) {
    FidelityRequest request;
    request.model = openModel(options.model);
    request.plan = options.plan.empty() ? defaultPlan(options.model, request.model->config)
                                        : readPlanFile(options.plan);
    options.calibration.applyTo(request.plan);
    request.device = options.compute.device;
    request.command = invocation.commandLine;
    return request;
}

void printJson(const FidelityMetric& metric, const fs::path& out, double seconds) {
    nlohmann::json values = nlohmann::json::object();
    for (const auto& [cell, value] : metric.values) {
        values[cellName(cell)] = value;
    }
    const nlohmann::json json = {{"metric", metric.name},
                                 {"description", metric.description},
                                 {"out", out.string()},
                                 {"seconds", seconds},
                                 {"values", values}};
    std::printf("%s\n", jsonText(json).c_str());
}

void printText(const FidelityMetric& metric, const fs::path& out, double seconds) {
    const std::vector<CellValue> cells = mostFragileFirst(metric);
    std::printf("%s: %zu cells in %s. The most fragile:\n", out.c_str(), cells.size(),
                durationText(seconds).c_str());
    for (size_t i = 0; i < std::min(kShown, cells.size()); ++i) {
        std::printf("  %.4f  %s\n", cells[i].second, cellName(cells[i].first).c_str());
    }
}

fs::path outFile(const Options& options, const Invocation& invocation) {
    if (!options.out.empty()) {
        return options.out;
    }
    if (invocation.job) {
        return *invocation.job / "out" / "fidelity.h5";
    }
    throw UsageError("usage", "--out is missing: say which file the report should be written to.");
}

void run(const Options& options, Invocation& invocation) {
    const auto start = std::chrono::steady_clock::now();
    options.compute.apply();
    const fs::path out = outFile(options, invocation);
    const FidelityRequest request = requestFor(options, invocation);
    const Report report = measureFidelity(request, invocation.progress, invocation.stop);
    if (out.has_parent_path()) {
        fs::create_directories(out.parent_path());
    }
    writeReport(report, out);
    invocation.progress.event("artifact", {{"path", out.string()}, {"kind", "report"}});
    const double seconds = secondsSince(start);
    if (invocation.json) {
        printJson(report.fidelity.front(), out, seconds);
    } else {
        printText(report.fidelity.front(), out, seconds);
    }
}

} // namespace

void addFidelityCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app = commands.add("fidelity", "Measure how fragile each cell of a model is",
                                 [options](Invocation& invocation) { run(*options, invocation); });
    app.add_option("model", options->model, "Folder, .gguf file, or name in the Hugging Face cache")
        ->required()
        ->type_name("MODEL");
    app.add_option("--metric", options->metric,
                   "proxy: error of the plan's codec alone, weighted by the layer's inputs")
        ->check(CLI::IsMember({"proxy"}).description(""))
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--out", options->out, "Report file (in a job: its out/fidelity.h5)")
        ->type_name("FILE.h5");
    app.add_option("--plan", options->plan,
                   "Plan whose codecs are measured; default: 2-bit trellis")
        ->type_name("FILE");
    options->calibration.addTo(app);
    options->compute.addTo(app);
}

} // namespace caldera::cli
