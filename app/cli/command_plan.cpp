// caldera plan new | show | check | diff | solve
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <set>
#include <sstream>
#include <utility>

#include "app/cli/command.h"
#include "app/cli/plan_file.h"
#include "app/cli/plan_solve.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/model/model.h"
#include "core/plan/plan_diff.h"

namespace caldera::cli {

namespace {

using Json = nlohmann::json;

struct PlanOptions {
    std::string plan;
    std::string other;
    std::string model;
    std::string out;
};

void print(const Json& document) {
    std::cout << jsonText(document) << '\n';
}

Json sizeToJson(const PlanSize& size) {
    return {{"bpw", size.bitsPerWeight},
            {"bytes", size.total()},
            {"cell_bytes", size.cellBytes},
            {"embedding_bytes", size.embeddingBytes},
            {"other_bytes", size.otherBytes}};
}

Json settingsToJson(const CellSettings& settings) {
    return {{"codec", settings.codecId()},
            {"rank", settings.rank},
            {"left_codec", settings.leftCodecId()},
            {"right_codec", settings.rightCodecId()},
            {"transform", settings.transform},
            {"locked", settings.locked},
            {"skip", settings.skip}};
}

std::string sizeText(const PlanSize& size) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(3) << size.bitsPerWeight << " bits a weight, "
         << byteText(static_cast<uint64_t>(size.total())) << " of weights: cells "
         << byteText(static_cast<uint64_t>(size.cellBytes)) << ", embeddings and head "
         << byteText(static_cast<uint64_t>(size.embeddingBytes)) << ", norms and biases "
         << byteText(static_cast<uint64_t>(size.otherBytes));
    return text.str();
}

void runNew(const PlanOptions& options, const Invocation& invocation) {
    const auto model = openModel(options.model);
    const Plan plan = defaultPlan(options.model, model->config);
    checkPlan(plan, model->config);
    writePlanFile(plan, options.out);
    const PlanSize size = planSize(plan, model->config);
    if (invocation.json) {
        Json document = sizeToJson(size);
        document["plan"] = options.out;
        print(document);
    } else {
        std::cout << "Wrote " << options.out << ": " << sizeText(size) << ".\n";
    }
}

/// "2" or "1.5 to 2": the values of one setting over the layers.
template <class Value>
std::string spread(const std::set<Value>& values) {
    const auto text = [](Value value) { return numberText(static_cast<double>(value)); };
    return values.empty()       ? "-"
           : values.size() == 1 ? text(*values.begin())
                                : text(*values.begin()) + " to " + text(*values.rbegin());
}

void printModules(const Plan& plan, const ModelConfig& config) {
    std::cout << "\nmodule      rows x columns   bits     rank       bytes a layer\n";
    for (const Module module : kModules) {
        std::set<double> bits;
        std::set<int> ranks;
        int64_t bytes = 0;
        const MatrixShape shape = config.shapeOf(module);
        for (int layer = 0; layer < config.layerCount; ++layer) {
            const CellSettings settings = plan.settingsOf({layer, module});
            bits.insert(settings.skip ? 16 : settings.bits);
            ranks.insert(settings.skip ? 0 : settings.rank);
            bytes += cellBytes(settings, shape);
        }
        const std::string size = std::to_string(shape.rows) + " x " + std::to_string(shape.columns);
        std::cout << std::left << std::setw(12) << moduleName(module) << std::setw(17) << size
                  << std::setw(9) << spread(bits) << std::setw(11) << spread(ranks)
                  << byteText(static_cast<uint64_t>(bytes / std::max(config.layerCount, 1)))
                  << '\n';
    }
    std::cout << '\n' << sizeText(planSize(plan, config)) << ".\n";
}

void printSummary(const Plan& plan, const std::string& path) {
    const CellSettings& d = plan.defaults;
    std::cout << path << (plan.model.empty() ? "" : " for " + shown(plan.model))
              << "\ncodec        " << d.codecId() << ", rank " << d.rank << ", factors "
              << d.leftCodecId() << " and " << d.rightCodecId() << ", transform " << d.transform
              << "\ncalibration  " << shown(plan.calibration.text) << ", "
              << plan.calibration.tokens << " tokens in sequences of "
              << plan.calibration.sequenceLength << ", seed " << plan.calibration.seed
              << "\noverrides    " << plan.layerOverrides.size() << " by name, "
              << plan.patternOverrides.size() << " by pattern, " << plan.skipLayers.size()
              << " skipped\nembeddings   " << plan.embeddingBits << " bit, head " << plan.headBits
              << " bit\n";
}

Json planToJson(const Plan& plan) {
    Json document = {{"model", plan.model},
                     {"calibration",
                      {{"text", plan.calibration.text},
                       {"tokens", plan.calibration.tokens},
                       {"sequence_length", plan.calibration.sequenceLength},
                       {"seed", plan.calibration.seed}}},
                     {"defaults", settingsToJson(plan.defaults)},
                     {"layer_overrides", plan.layerOverrides.size()},
                     {"pattern_overrides", plan.patternOverrides.size()},
                     {"skip_layers", plan.skipLayers},
                     {"embedding_bits", plan.embeddingBits},
                     {"head_bits", plan.headBits}};
    return document;
}

void runShow(const PlanOptions& options, const Invocation& invocation) {
    Plan plan = readPlanFile(options.plan);
    const auto model = options.model.empty() ? nullptr : openModel(options.model);
    if (model) {
        plan = planFor(model->config, std::move(plan), options.plan);
    }
    if (!invocation.json) {
        printSummary(plan, options.plan);
        if (model) {
            printModules(plan, model->config);
        }
        return;
    }
    Json document = planToJson(plan);
    if (model) {
        document["size"] = sizeToJson(planSize(plan, model->config));
        Json& cells = document["cells"] = Json::object();
        for (int layer = 0; layer < model->config.layerCount; ++layer) {
            for (const Module module : kModules) {
                const CellSettings settings = plan.settingsOf({layer, module});
                Json& cell = cells[cellName({layer, module})] = settingsToJson(settings);
                cell["bytes"] = cellBytes(settings, model->config.shapeOf(module));
            }
        }
    }
    print(document);
}

/// The one on the command line, else the plan's own.
std::string modelOf(const PlanOptions& options, const Plan& plan) {
    if (options.model.empty() && plan.model.empty()) {
        throw UsageError("plan.model", options.plan + " names no model. Name one with --model.",
                         {{"file", options.plan}});
    }
    return options.model.empty() ? plan.model : options.model;
}

void runCheck(const PlanOptions& options, const Invocation& invocation) {
    Plan plan = readPlanFile(options.plan);
    const auto model = openModel(modelOf(options, plan));
    plan = planFor(model->config, std::move(plan), options.plan);
    checkPlan(plan, model->config);
    const PlanSize size = planSize(plan, model->config);
    if (invocation.json) {
        Json document = sizeToJson(size);
        document["cells"] = model->config.cellCount();
        print(document);
    } else {
        std::cout << options.plan << " fits " << model->name << ": " << model->config.cellCount()
                  << " cells, " << sizeText(size) << ".\n";
    }
}

void runDiff(const PlanOptions& options, const Invocation& invocation) {
    const auto differences = diffPlans(readPlanFile(options.plan), readPlanFile(options.other));
    if (invocation.json) {
        Json rows = Json::array();
        for (const PlanDifference& d : differences) {
            rows.push_back({{"key", d.key}, {"left", d.left}, {"right", d.right}});
        }
        print({{"equal", differences.empty()}, {"differences", rows}});
        return;
    }
    for (const PlanDifference& d : differences) {
        std::cout << shown(d.key) << ": " << (d.left.empty() ? "(none)" : shown(d.left)) << " -> "
                  << (d.right.empty() ? "(none)" : shown(d.right)) << '\n';
    }
    if (differences.empty()) {
        std::cout << "The plans are equal.\n";
    }
}

void addPlanFile(CLI::App& app, const char* name, std::string& path) {
    app.add_option(name, path, "Plan file")->required()->type_name("FILE");
}

void addNewOptions(CLI::App& app, PlanOptions& options) {
    app.add_option("MODEL", options.model, "Folder, .gguf file, or name in the Hugging Face cache")
        ->required()
        ->type_name("MODEL");
    app.add_option("--out", options.out, "The plan file to write")->required()->type_name("FILE");
}

void addShowOptions(CLI::App& app, PlanOptions& options) {
    addPlanFile(app, "PLAN", options.plan);
    app.add_option("--model", options.model, "Also print sizes for this model")->type_name("MODEL");
}

void addCheckOptions(CLI::App& app, PlanOptions& options) {
    addPlanFile(app, "PLAN", options.plan);
    app.add_option("--model", options.model,
                   "Folder, .gguf file, or name in the Hugging Face cache; without it, the model "
                   "that the plan names")
        ->type_name("MODEL");
}

} // namespace

void addPlanCommand(CommandLine& commands) {
    const auto options = std::make_shared<PlanOptions>();
    const auto action =
        std::make_shared<std::function<void(const PlanOptions&, const Invocation&)>>();
    CLI::App& plan = commands.add(
        "plan", "Write, look at, check, compare and solve plans",
        [options, action](Invocation& invocation) { (*action)(*options, invocation); });
    plan.require_subcommand(1);
    const auto addAction = [&](const char* name, const char* description, auto run) {
        CLI::App* app = plan.add_subcommand(name, description);
        app->fallthrough();
        app->callback([action, run] { *action = run; });
        return app;
    };
    addNewOptions(*addAction("new", "Write the default plan of a model", runNew), *options);
    addShowOptions(*addAction("show", "Print what a plan says", runShow), *options);
    addCheckOptions(*addAction("check", "Check a plan against a model", runCheck), *options);
    CLI::App* diff = addAction("diff", "Print what differs between two plans", runDiff);
    addPlanFile(*diff, "A", options->plan);
    addPlanFile(*diff, "B", options->other);
    addPlanSolve(plan, [action](std::function<void(const Invocation&)> run) {
        *action = [run = std::move(run)](const PlanOptions& /*options*/,
                                         const Invocation& invocation) { run(invocation); };
    });
}

} // namespace caldera::cli
