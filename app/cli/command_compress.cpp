#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "app/cli/command.h"
#include "app/cli/compress_needs.h"
#include "app/cli/compress_output.h"
#include "app/cli/compute_options.h"
#include "app/cli/layers_option.h"
#include "app/cli/plan_file.h"
#include "core/base/error.h"
#include "core/base/folder_lock.h"
#include "core/base/hash.h"
#include "core/compress/compress.h"
#include "core/compress/folders.h"
#include "core/compress/work_folder.h"
#include "core/job/revision.h"

namespace caldera::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
    std::string model;
    fs::path plan;
    fs::path out;
    fs::path work;
    std::string layers;
    bool resume = false;
    CalibrationOptions calibration;
    ComputeOptions compute;
    PreflightOptions preflight;
};

Plan planOf(const Options& options, const Model& model) {
    return options.plan.empty() ? defaultPlan(options.model, model.config)
                                : planFor(model.config, readPlanFile(options.plan), options.plan);
}

/// The job's own folder, else a folder beside the target.
fs::path workFolder(const Options& options, const fs::path& out, const Invocation& invocation) {
    if (!options.work.empty()) {
        return options.work;
    }
    const fs::path whole = fs::absolute(out).lexically_normal();
    const fs::path name = whole.has_filename() ? whole : whole.parent_path();
    return invocation.job ? *invocation.job : fs::path(name.string() + ".work");
}

/// Opens it from any folder.
std::string sourceName(const std::string& model) {
    return fs::exists(model) ? fs::canonical(model).string() : model;
}

/// Nothing when it was only to be checked whether the work fits.
std::optional<CompressResult> compressPlan(const Options& options, CompressRequest request,
                                           Plan plan, Invocation& invocation) {
    options.calibration.applyTo(plan);
    checkPlan(plan, request.model->config);
    request.plan = std::move(plan);
    const PlannedWork work = plannedWork(request, options.compute);
    if (!options.preflight.mayBegin(work, invocation)) {
        return std::nullopt;
    }
    CompressResult result = compress(request, invocation.progress, invocation.stop);
    if (result.reusedCells == 0) {
        rememberSpeed(work, result.seconds, invocation);
    }
    return result;
}

/// A job whose plan is changed while it works begins again with the other one, where everything
/// that stayed as it was is found finished.
std::optional<CompressResult> compressJob(const Options& options, const CompressRequest& request,
                                          Invocation& invocation) {
    const JobFolder folder(*invocation.job);
    while (true) {
        const std::optional<std::string> text = revisedPlan(folder);
        const PlanWatch watch(folder, text, invocation.stop);
        Invocation watched = invocation;
        watched.stop = watch.token();
        try {
            std::optional<CompressResult> result =
                compressPlan(options, request,
                             text ? parsePlan(*text, revisedPlanFile(folder).string())
                                  : planOf(options, *request.model),
                             watched);
            if (!watch.hasChanged()) {
                return result;
            }
            if (!request.layers) { // a shard is its own work folder and goes on as it is
                fs::remove_all(request.out);
            }
        } catch (const Cancelled&) {
            if (invocation.stop.stop_requested() || !watch.hasChanged()) {
                throw;
            }
        }
        invocation.progress.event("revision",
                                  {{"plan", sha256Hex(revisedPlan(folder).value_or(""))}});
    }
}

void run(const Options& options, Invocation& invocation) {
    CompressRequest request;
    request.force = options.preflight.forces;
    request.out = options.preflight.checks && options.out.empty()
                      ? fs::current_path() / "out"
                      : outFolder(options.out, invocation);
    request.work = workFolder(options, request.out, invocation);
    if (!options.layers.empty()) {
        request.layers = parseLayers(options.layers);
        if (!options.work.empty()) {
            throw UsageError("compress.layers",
                             "--work was given with --layers. A shard is its own work folder: "
                             "leave --work out.");
        }
        request.work = request.out;
        request.source = sourceName(options.model);
    }
    // A job that runs again in its folder goes on where it stopped.
    if (!options.preflight.checks && !options.resume && !invocation.job &&
        hasWorkFiles(request.work)) {
        const FolderLock alone(request.work); // another process may be at work in it
        throw Error("compress.work-exists",
                    request.work.string() +
                        " holds finished cells of an earlier run. Add --resume to go on with "
                        "them, or remove the folder to begin anew.",
                    {{"path", request.work.string()}});
    }
    const bool isShard = request.layers && fs::is_directory(request.out);
    const bool isOutKnown = !options.preflight.checks || !options.out.empty();
    if (isOutKnown && !isShard) {
        requireFreeTarget(request.out); // by the name that was given
    }
    options.compute.applyAsIn(request.work);
    request.model = openModel(options.model);
    request.device = options.compute.device;
    request.command = invocation.commandLine;
    const std::optional<CompressResult> result =
        invocation.job
            ? compressJob(options, request, invocation)
            : compressPlan(options, request, planOf(options, *request.model), invocation);
    if (!result) {
        return;
    }
    if (!request.layers) {
        removeWorkFiles(request.work);
    }
    printResult(*result, request.out, invocation);
}

} // namespace

void addCompressCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app = commands.add("compress", "Compress a model by a plan",
                                 [options](Invocation& invocation) { run(*options, invocation); });
    app.add_option("MODEL", options->model, "Folder, .gguf file, or name in the Hugging Face cache")
        ->required()
        ->type_name("MODEL");
    app.add_option(
           "--plan", options->plan,
           "Plan file; without one, 2 bits with ranks of up to 64, by the size of each matrix")
        ->type_name("FILE");
    app.add_option("--out", options->out,
                   "Folder of the compressed model, or of the shard (in a job: its out/)")
        ->type_name("FOLDER");
    app.add_option("--work", options->work,
                   "Folder of finished cells until the end; default: beside the target")
        ->type_name("FOLDER");
    app.add_option("--layers", options->layers,
                   "Only the layers from A up to and without B, counted from 0: makes a shard of "
                   "the model for `caldera merge`")
        ->type_name("A:B");
    app.add_flag("--resume", options->resume, "Go on with the finished cells of an earlier run");
    options->calibration.addTo(app);
    options->compute.addTo(app);
    options->preflight.addTo(app);
}

} // namespace caldera::cli
