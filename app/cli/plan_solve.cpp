#include "app/cli/plan_solve.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/engine_options.h"
#include "app/cli/fidelity_output.h"
#include "app/cli/plan_file.h"
#include "core/allocation/allocation.h"
#include "core/base/error.h"
#include "core/base/size_text.h"
#include "core/base/text.h"
#include "core/model/model.h"
#include "core/report/report_subject.h"
#include "core/report/standard_error.h"

namespace caldera::cli {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Kind = AllocationTarget::Kind;

constexpr size_t kShownChanges = 10;
constexpr int kFrontPoints = 100;
constexpr double kGiga = 1e9;
constexpr double kMicro = 1e-6;

struct Options {
    fs::path plan;
    std::string model;
    fs::path fidelity;
    fs::path out;
    double bitsPerWeight = 0;
    std::string bytes;
    std::string gpuMemory;
    double kl = 0;
    double tokensPerSecond = 0;
    AllocationTarget target; ///< bits of the cache, speed
    int contextLength = 0;   ///< 0: what the model takes, at most EngineOptions::kDefaultContext
    double bandwidth = 0;    ///< GB/s, in place of the target's
    double layerMicroseconds = -1;
    bool keepsTables = false;
    bool wantsFront = false;
};

double bytesOf(const char* option, const std::string& text) {
    const std::optional<int64_t> bytes = parseBytes(text);
    if (!bytes) {
        throw UsageError("usage",
                         std::string(option) + " " + text +
                             " was given; a size was needed, as 21GiB, 500 MB or 1000000.",
                         {{"option", option}, {"came", text}});
    }
    return static_cast<double>(*bytes);
}

AllocationTarget targetOf(const Options& options) {
    AllocationTarget target = options.target;
    const auto set = [&](Kind kind, double value) {
        target.kind = kind;
        target.value = value;
    };
    if (options.bitsPerWeight > 0) {
        set(Kind::BitsPerWeight, options.bitsPerWeight);
    } else if (!options.bytes.empty()) {
        set(Kind::Bytes, bytesOf("--bytes", options.bytes));
    } else if (!options.gpuMemory.empty()) {
        set(Kind::GpuMemory, bytesOf("--gpu-memory", options.gpuMemory));
    } else if (options.kl > 0) {
        set(Kind::Kl, options.kl);
    } else {
        set(Kind::TokensPerSecond, options.tokensPerSecond);
    }
    if (options.bandwidth > 0) {
        target.speed.bytesPerSecond = options.bandwidth * kGiga;
    }
    if (options.layerMicroseconds >= 0) {
        target.speed.layerSeconds = options.layerMicroseconds * kMicro;
    }
    return target;
}

int contextOf(const Options& options, const Model& model) {
    const int most = model.config.maxPositions;
    if (options.contextLength > most) {
        throw Error(
            "plan.context",
            "--context " + std::to_string(options.contextLength) + " was given; " + model.name +
                " takes at most " + std::to_string(most) + " tokens.",
            {{"came", std::to_string(options.contextLength)}, {"most", std::to_string(most)}});
    }
    return options.contextLength > 0 ? options.contextLength
                                     : std::min(most, EngineOptions::kDefaultContext);
}

AllocationProblem problemOf(const Options& options) {
    AllocationProblem problem;
    problem.target = targetOf(options);
    problem.plan = readPlanFile(options.plan);
    const std::string name = options.model.empty() ? problem.plan.model : options.model;
    if (name.empty()) {
        throw UsageError("plan.model",
                         options.plan.string() + " names no model. Name one with --model.",
                         {{"file", options.plan.string()}});
    }
    const auto model = openModel(name);
    problem.config = model->config;
    problem.plan = planFor(model->config, std::move(problem.plan), options.plan);
    problem.target.contextLength = contextOf(options, *model);
    const Report report = readReport(options.fidelity);
    requireMeasuredOn({model->name, model->fingerprint, model->config.layerCount}, report,
                      options.fidelity);
    problem.losses = std::make_shared<LossModel>(report, problem.config);
    problem.keepsTables = options.keepsTables;
    return problem;
}

Json changeToJson(const AllocationChange& change, int cellCount) {
    return {{"name", changedName(change)},
            {"bits", {change.before.bits, change.after.bits}},
            {"rank", {change.before.rank, change.after.rank}},
            {"bytes", change.cost},
            {"kl", change.loss},
            {"reason", reasonText(change, cellCount)}};
}

Json frontToJson(const std::vector<FrontPoint>& front) {
    Json points = Json::array();
    for (const FrontPoint& point : front) {
        points.push_back({{"bytes", point.bytes}, {"predicted_kl", point.kl}});
    }
    return points;
}

struct Estimates {
    int64_t gpuBytes = 0;
    double tokensPerSecond = 0;
};

Estimates estimatesOf(const AllocationProblem& problem, const Plan& plan) {
    const AllocationTarget& target = problem.target;
    const GpuLoad load{.contextLength = target.contextLength};
    const int64_t step = gpuStepBytes(plan, problem.config, load, target.cacheBits);
    return {gpuMemory(plan, problem.config, load, target.cacheBits).total(),
            target.speed.tokensPerSecond(step, problem.config.layerCount)};
}

/// Of the predicted divergence; 0 where it is not known.
double standardError(const AllocationProblem& problem, const Allocation& allocation) {
    return allocation.predictedKl * problem.losses->relativeDeviation();
}

void printJson(const Options& options, const AllocationProblem& problem,
               const Allocation& allocation, const std::vector<FrontPoint>& front) {
    const auto cellCount = static_cast<int>(problem.config.cellCount());
    const Estimates estimates = estimatesOf(problem, allocation.plan);
    const Interval interval =
        interval95(allocation.predictedKl, standardError(problem, allocation));
    Json changes = Json::array();
    for (const AllocationChange& change : allocation.changes) {
        changes.push_back(changeToJson(change, cellCount));
    }
    Json document = {{"plan", options.out.string()},
                     {"bpw", allocation.size.bitsPerWeight},
                     {"bytes", allocation.size.total()},
                     {"cell_bytes", allocation.size.cellBytes},
                     {"embedding_bytes", allocation.size.embeddingBytes},
                     {"other_bytes", allocation.size.otherBytes},
                     {"predicted_kl", allocation.predictedKl},
                     {"predicted_kl_low", interval.low},
                     {"predicted_kl_high", interval.high},
                     {"kl_before", allocation.klBefore},
                     {"kl_origin", problem.losses->hasSensitivities() ? "predicted" : "estimated"},
                     {"interpolated_cells", allocation.interpolatedCells},
                     {"everything", allocation.isEverything},
                     {"gap", allocation.gap},
                     {"gpu_memory", estimates.gpuBytes},
                     {"context", problem.target.contextLength},
                     {"estimated_tokens_per_second", estimates.tokensPerSecond},
                     {"changes", changes}};
    if (options.wantsFront) {
        document["pareto"] = frontToJson(front);
    }
    std::cout << jsonText(document) << '\n';
}

void printChanges(const Allocation& allocation, int cellCount) {
    std::vector<AllocationChange> changes = allocation.changes;
    std::stable_sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) {
        return std::abs(a.loss) > std::abs(b.loss);
    });
    for (size_t i = 0; i < std::min(kShownChanges, changes.size()); ++i) {
        const AllocationChange& change = changes[i];
        std::printf("  %s: %s bits, rank %d -> %s bits, rank %d. %s\n", changedName(change).c_str(),
                    numberText(change.before.bits).c_str(), change.before.rank,
                    numberText(change.after.bits).c_str(), change.after.rank,
                    reasonText(change, cellCount).c_str());
    }
}

void printText(const Options& options, const AllocationProblem& problem,
               const Allocation& allocation, const std::vector<FrontPoint>& front) {
    const auto cellCount = static_cast<int>(problem.config.cellCount());
    const Estimates estimates = estimatesOf(problem, allocation.plan);
    const bool isPredicted = problem.losses->hasSensitivities();
    std::printf("Wrote %s: %.3f bits a weight, %s of weights.\n", options.out.c_str(),
                allocation.size.bitsPerWeight,
                byteText(static_cast<uint64_t>(allocation.size.total())).c_str());
    std::printf("KL divergence: %.4g nats %s%s, %.4g before; %d of %d cells rest on "
                "interpolation.\n",
                allocation.predictedKl, isPredicted ? "predicted" : "estimated",
                intervalText(allocation.predictedKl, standardError(problem, allocation)).c_str(),
                allocation.klBefore, allocation.interpolatedCells, cellCount);
    if (!isPredicted) {
        std::printf("No KL divergence was measured: sensitivities of a typical model were taken, "
                    "and only their order counts. `caldera fidelity --metric kl` measures them.\n");
    }
    std::printf("With %d tokens of context: %s of GPU memory, %.1f tokens a second (estimated).\n",
                problem.target.contextLength,
                memoryText(static_cast<uint64_t>(estimates.gpuBytes)).c_str(),
                estimates.tokensPerSecond);
    if (allocation.isEverything) {
        std::printf("%s\n", problem.target.kind == Kind::Kl
                                ? "Even the smallest of the measured settings keep to the target."
                                : "The target is above the most that the measured settings can "
                                  "use.");
    }
    std::printf("%zu settings changed%s\n", allocation.changes.size(),
                allocation.changes.empty() ? "." : ". What matters most:");
    printChanges(allocation, cellCount);
    for (const FrontPoint& point : front) {
        std::printf("  %lld bytes: %.4g nats\n", static_cast<long long>(point.bytes), point.kl);
    }
}

void run(const Options& options, const Invocation& invocation) {
    const AllocationProblem problem = problemOf(options);
    const Allocation allocation = solve(problem, invocation.stop);
    std::vector<FrontPoint> front;
    if (options.wantsFront) {
        front = paretoFront(problem, kFrontPoints, invocation.stop);
    }
    writePlanFile(allocation.plan, options.out);
    if (invocation.json) {
        printJson(options, problem, allocation, front);
    } else {
        printText(options, problem, allocation, front);
    }
}

void addTargets(CLI::App& app, Options& options) {
    CLI::Option_group* target = app.add_option_group("Target", "One of these");
    target
        ->add_option("--bpw", options.bitsPerWeight,
                     "Bits a weight of the cells; embeddings and head stay as they are")
        ->check(positive());
    target->add_option("--bytes", options.bytes, "Size of the whole artifact")->type_name("SIZE");
    target
        ->add_option("--gpu-memory", options.gpuMemory,
                     "What an engine may take of a GPU: weights, one context, workspace")
        ->type_name("SIZE");
    target
        ->add_option("--kl", options.kl,
                     "Predicted KL divergence in nats; then as few bytes as possible")
        ->check(positive());
    target
        ->add_option("--tokens-per-second", options.tokensPerSecond,
                     "Estimated speed of one chat on a GPU at the end of its context")
        ->check(positive());
    target->require_option(1);
    app.add_option("--context", options.contextLength,
                   "Tokens of the conversation (default: what the model takes, at most " +
                       std::to_string(EngineOptions::kDefaultContext) + ")")
        ->check(positive());
    app.add_option("--kv-bits", options.target.cacheBits, "Bits of keys and values, 16 or 8")
        ->check(CLI::IsMember({16, 8}).description(""))
        ->capture_default_str();
    app.add_option("--bandwidth", options.bandwidth,
                   "GB/s that the GPU reads weights at (default: 796, an RTX 3090 at 85 %)")
        ->check(positive());
    app.add_option("--layer-microseconds", options.layerMicroseconds,
                   "That a layer takes beside reading its bytes (default: 60)")
        ->check(notNegative());
}

} // namespace

void addPlanSolve(CLI::App& plan,
                  const std::function<void(std::function<void(const Invocation&)>)>& choose) {
    const auto options = std::make_shared<Options>();
    CLI::App* app =
        plan.add_subcommand("solve", "Choose bits and ranks of all cells under one budget");
    app->fallthrough();
    app->add_option("PLAN", options->plan, "Plan file; locked and skipped cells stay as they are")
        ->required()
        ->type_name("FILE");
    app->add_option("--fidelity", options->fidelity, "Report that `caldera fidelity` wrote")
        ->required()
        ->type_name("FILE.h5");
    app->add_option("--out", options->out, "The plan file to write")->required()->type_name("FILE");
    app->add_option("--model", options->model,
                    "Folder, .gguf file, or name in the Hugging Face cache; without it, the model "
                    "that the plan names")
        ->type_name("MODEL");
    addTargets(*app, *options);
    app->add_flag("--keep-tables", options->keepsTables,
                  "Leave the bits of embeddings and head as they are");
    app->add_flag("--pareto", options->wantsFront,
                  "Also print what other sizes would be predicted to reach");
    app->callback([options, choose] {
        choose([options](const Invocation& invocation) { run(*options, invocation); });
    });
}

} // namespace caldera::cli
