#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/compute_options.h"
#include "app/cli/fidelity_options.h"
#include "app/cli/fidelity_output.h"
#include "app/cli/plan_file.h"
#include "app/cli/preflight_options.h"
#include "app/cli/report_file.h"
#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/folder_lock.h"
#include "core/calibration/calibration.h"
#include "core/compress/work_folder.h"
#include "core/fidelity/fidelity.h"
#include "core/model/text_file.h"
#include "core/plan/time_estimate.h"
#include "core/report/find_metric.h"

namespace caldera::cli {

namespace {

/// More than any text has; what does not fit 64 bits would be taken for the largest that does.
constexpr double kMostTokens = 1e15;

namespace fs = std::filesystem;

struct Options {
    std::string model;
    std::vector<std::string> metrics = {"proxy"};
    std::string options = "1.5,2,2.5,3,4x0,64,256";
    fs::path out;
    fs::path plan;
    fs::path text;
    fs::path work;
    fs::path lensJson;
    bool resume = false;
    bool standardized = false;
    FidelityRequest settings; ///< what single numbers go to
    uint64_t seed = 0;
    CalibrationOptions calibration;
    ComputeOptions compute;
    PreflightOptions preflight;
};

FidelityRequest requestFor(const Options& options, const Invocation& invocation) {
    FidelityRequest request = options.settings;
    request.metrics = parseMetrics(options.metrics);
    request.options = parseOptions(options.options);
    request.model = openModel(options.model);
    request.plan = options.plan.empty()
                       ? defaultPlan(options.model, request.model->config)
                       : planFor(request.model->config, readPlanFile(options.plan), options.plan);
    options.calibration.applyTo(request.plan);
    request.heldOut.text = readUtf8File(heldOutText(options.text));
    request.sipit.space = options.standardized ? StateSpace::Standardized : StateSpace::Normed;
    request.sipit.seed = options.seed;
    request.lens.seed = options.seed;
    request.device = options.compute.device;
    request.command = invocation.commandLine;
    return request;
}

fs::path outFile(const Options& options, const Invocation& invocation) {
    const fs::path out = reportFile(options.out, invocation, "fidelity.h5");
    if (out.empty()) {
        throw UsageError("usage",
                         "--out is missing: say which file the report should be written to.");
    }
    return out;
}

void requireUntouched(const fs::path& work, const Options& options, const Invocation& invocation) {
    // A job that runs again in its folder goes on where it stopped.
    if (!options.resume && !invocation.job && hasWorkFiles(work)) {
        const FolderLock alone(work); // what another process works on is not to be removed
        throw Error("fidelity.work-exists",
                    work.string() +
                        " holds finished layers of an earlier run. Add --resume to go on with "
                        "them, or remove the folder to begin anew.",
                    {{"path", work.string()}});
    }
}

/// Throws unless the other project's JSON can be written when everything is measured.
void checkLensJson(const Options& options, const FidelityRequest& request, const fs::path& out) {
    if (options.lensJson.empty()) {
        return;
    }
    if (!request.metrics.contains(Metric::Lens)) {
        throw UsageError("usage", "--lens-json needs the metric lens: add it to --metric.");
    }
    if (fs::weakly_canonical(options.lensJson) == fs::weakly_canonical(out)) {
        throw UsageError("usage", "--lens-json and the report have the same file, " + out.string() +
                                      ". Choose another for one of them.");
    }
    requireOutsideArtifacts(options.lensJson);
    requireWritable(options.lensJson);
}

void writeLens(const Options& options, const Report& report, const Model& model) {
    const nlohmann::json json = lensJson(*findMetric(report, "lens"), model.name,
                                         heldOutText(options.text).stem().string());
    writeFileAtomically(options.lensJson, jsonText(json) + "\n");
}

/// Of the text that the plan names, for as many tokens as are wanted.
int64_t likelyCalibrationTokens(const CalibrationSettings& calibration) {
    return likelyTokens(calibration.tokens,
                        static_cast<int64_t>(calibrationText(calibration).size()));
}

FidelityWork workOf(const FidelityRequest& request) {
    FidelityWork work;
    work.proxy = request.metrics.contains(Metric::Proxy);
    work.kl = request.metrics.contains(Metric::Kl);
    work.sipit = request.metrics.contains(Metric::SipIt);
    work.lens = request.metrics.contains(Metric::Lens);
    const bool calibrates = work.proxy || work.kl || work.sipit;
    work.calibrationTokens = calibrates ? likelyCalibrationTokens(request.plan.calibration) : 0;
    work.textTokens =
        likelyTokens(request.heldOut.tokens, static_cast<int64_t>(request.heldOut.text.size()));
    return work;
}

/// Tokens that lens draws, of all windows.
int64_t comparisonsOf(const FidelityRequest& request) {
    const int64_t positions = request.model->config.maxPositions;
    int64_t window = std::max(request.heldOut.window, 2);
    window = positions > 0 ? std::min(window, positions) : window;
    const int64_t windows = (request.heldOut.tokens + window - 1) / window;
    return windows * std::min<int64_t>(request.lens.placesPerWindow, window) *
           (1 + request.lens.negatives);
}

MemoryNeed memoryOf(const FidelityRequest& request, const PlanCells& cells,
                    const CalibrationSettings& calibration) {
    const bool sipit = request.metrics.contains(Metric::SipIt);
    FidelityMemory passes;
    passes.kl = request.metrics.contains(Metric::Kl);
    passes.calibrates = passes.kl || sipit || request.metrics.contains(Metric::Proxy);
    passes.textTokens = request.heldOut.tokens;
    passes.window = request.heldOut.window;
    if (sipit) { // no more places than tokens, no more candidates than words
        const auto words = static_cast<int64_t>(cells.config().vocabSize);
        passes.sideTokens =
            request.heldOut.tokens + std::min(request.sipit.places, request.heldOut.tokens) *
                                         std::min(request.sipit.candidates, words);
    }
    if (request.metrics.contains(Metric::Lens)) {
        passes.comparisons = comparisonsOf(request);
    }
    passes.variantBytes = request.variantBytes;
    return fidelityMemory(cells, calibration, passes, processorOf(request.device));
}

PlannedWork plannedWork(const FidelityRequest& request, const ComputeOptions& compute) {
    constexpr int64_t kFewest = 8192;
    const ModelConfig& config = request.model->config;
    const PlanCells cells(request.plan, config);
    CalibrationSettings calibration = request.plan.calibration;
    PlannedWork work;
    work.kind = "fidelity";
    work.device = request.device;
    work.memory = memoryOf(request, cells, calibration);
    for (calibration.tokens /= 2; calibration.tokens >= kFewest; calibration.tokens /= 2) {
        work.smaller.push_back({"--calibration-tokens " + std::to_string(calibration.tokens),
                                memoryOf(request, cells, calibration)});
    }
    const int64_t states = request.plan.calibration.tokens + 2 * request.heldOut.tokens;
    work.disk.push_back(
        {request.work, 2 * states * config.hiddenSize * static_cast<int64_t>(sizeof(float))});
    work.documentedSeconds =
        processorOf(request.device) == Processor::Cpu
            ? fidelitySeconds(config, workOf(request), computingThreads(compute.threads))
            : fidelitySecondsOnGpu(config, workOf(request));
    return work;
}

void writeResults(const Options& options, const FidelityRequest& request, Report& report,
                  const fs::path& out) {
    writeKeeping(report, out);
    if (!options.lensJson.empty()) {
        writeLens(options, report, *request.model);
    }
    removeWorkFiles(request.work);
}

void run(const Options& options, Invocation& invocation) {
    const auto start = std::chrono::steady_clock::now();
    const fs::path out =
        options.preflight.checks ? fs::current_path() / "out" : outFile(options, invocation);
    const fs::path work = options.work.empty() ? workFolder(out, invocation) : options.work;
    if (!options.preflight.checks) {
        requireUntouched(work, options, invocation);
        requireWritable(out);
    }
    options.compute.applyAsIn(work);
    FidelityRequest request = requestFor(options, invocation);
    request.work = work;
    const PlannedWork planned = plannedWork(request, options.compute);
    const bool isFresh = !hasWorkFiles(work);
    if (!options.preflight.checks) {
        checkLensJson(options, request, out);
        const Model& model = *request.model;
        earlierReport(out, {model.name, model.fingerprint, model.config.layerCount});
    }
    if (!options.preflight.mayBegin(planned, invocation)) {
        return;
    }
    Report report = measureFidelity(request, invocation.progress, invocation.stop);
    if (isFresh) {
        rememberSpeed(planned, secondsSince(start), invocation);
    }
    writeResults(options, request, report, out);
    tellReport(out, invocation);
    const FidelityOutcome outcome{report, options.metrics.front(), out, secondsSince(start)};
    if (invocation.json) {
        std::printf("%s\n", jsonText(fidelityJson(outcome)).c_str());
    } else {
        printFidelity(outcome);
    }
}

void addMetricOptions(CLI::App& app, Options& options) {
    FidelityRequest& settings = options.settings;
    app.add_option("--metric", options.metrics,
                   "One or more of proxy (error that compression leaves), kl (divergence of "
                   "predictions), sipit (recovery of tokens), lens (as qwen2-caldera-max)")
        ->delimiter(',')
        ->check(CLI::IsMember(metricNames()).description(""))
        ->type_name("NAMES")
        ->capture_default_str();
    app.add_option("--options", options.options,
                   "proxy: bits and ranks to measure besides the plan's, BITSxRANKS, or none")
        ->type_name("LISTS")
        ->capture_default_str();
    app.add_option("--text", options.text,
                   "kl, sipit, lens: UTF-8 file; default: the demo model's held-out text")
        ->type_name("FILE");
    app.add_option("--text-tokens", settings.heldOut.tokens, "Tokens of it, from its beginning")
        ->check(between(1, kMostTokens))
        ->capture_default_str();
    app.add_option("--window", settings.heldOut.window, "Tokens of it that pass together")
        ->check(between(2, 1 << 20))
        ->capture_default_str();
    app.add_option("--places", settings.sipit.places, "sipit: places of the text")
        ->check(between(1, kMostTokens))
        ->capture_default_str();
    app.add_option("--candidates", settings.sipit.candidates, "sipit: tokens tried at each")
        ->check(between(2, 1 << 20))
        ->capture_default_str();
    app.add_flag("--standardized", options.standardized,
                 "sipit: compare features by their deviation, not as the next norm leaves them");
    app.add_option("--negatives", settings.lens.negatives, "lens: random tokens at each place")
        ->check(between(1, 1 << 20))
        ->capture_default_str();
    app.add_option("--lens-json", options.lensJson, "lens: also write qwen2-caldera-max's JSON")
        ->type_name("FILE");
    app.add_option("--seed", options.seed, "Of places, candidates and negatives")
        ->check(seedNumber())
        ->capture_default_str();
}

} // namespace

void addFidelityCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app = commands.add("fidelity", "Measure how fragile each cell of a model is",
                                 [options](Invocation& invocation) { run(*options, invocation); });
    app.add_option("MODEL", options->model, "Folder, .gguf file, or name in the Hugging Face cache")
        ->required()
        ->type_name("MODEL");
    addMetricOptions(app, *options);
    app.add_option("--out", options->out,
                   "Report file; one of the same model keeps its other metrics (in a job: its "
                   "out/fidelity.h5)")
        ->type_name("FILE.h5");
    app.add_option("--plan", options->plan,
                   "Plan whose settings are measured; default: 2-bit trellis")
        ->type_name("FILE");
    app.add_option("--work", options->work,
                   "Folder of finished layers until the end; default: beside the report")
        ->type_name("FOLDER");
    app.add_flag("--resume", options->resume, "Go on with the finished layers of an earlier run");
    options->calibration.addTo(app);
    options->compute.addTo(app);
    options->preflight.addTo(app);
}

} // namespace caldera::cli
