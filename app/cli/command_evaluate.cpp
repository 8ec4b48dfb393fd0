#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "app/cli/command.h"
#include "app/cli/compute_options.h"
#include "app/cli/report_file.h"
#include "core/artifact/artifact.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/paths.h"
#include "core/base/text.h"
#include "core/evaluate/evaluate.h"
#include "core/linalg/device.h"
#include "core/linalg/numerics.h"

namespace caldera::cli {

namespace {

namespace fs = std::filesystem;

/// Context when none is given, unless the model has fewer positions.
constexpr int kDefaultContext = 2048;

struct Options {
    std::string subject;
    std::string reference;
    fs::path text;
    int context = 0;
    int64_t maxTokens = 0;
    fs::path out;
    fs::path baselineText;
    ComputeOptions compute;
};

/// A model or an artifact, ready to run.
struct Subject {
    std::string name;
    std::string identity; ///< fingerprint or artifact hash
    std::shared_ptr<const TransformerWeights> weights;
    std::shared_ptr<const Tokenizer> tokenizer;
};

/// An artifact is read whole anyway, so its checksums are compared first.
Subject openSubject(const std::string& path, torch::Device device, const Invocation& invocation) {
    if (isArtifact(path)) {
        const auto artifact = Artifact::open(path);
        artifact->verify(invocation.stop);
        return {artifact->name(), artifact->hash(), artifactWeights(artifact, device),
                artifact->tokenizer()};
    }
    const auto model = openModel(path);
    return {model->name, model->fingerprint, modelWeights(model, device), model->tokenizer};
}

struct Outcome {
    EvaluationRecord record;
    Evaluation evaluation;
    std::optional<double> unigram;
    Report report;
};

Outcome evaluateFor(const Options& options, Invocation& invocation) {
    const fs::path text =
        options.text.empty() ? resourcesFolder() / "demo-model" / "heldout.txt" : options.text;
    EvaluateRequest request;
    request.text = readTextFile(text);
    const torch::Device device = deviceOf(options.compute.device);
    const Subject subject = openSubject(options.subject, device, invocation);
    request.subject = subject.weights;
    request.tokenizer = subject.tokenizer;
    request.maxTokens = options.maxTokens;
    const int positions = subject.weights->config().maxPositions;
    const int fitting = positions > 0 ? std::min(kDefaultContext, positions) : kDefaultContext;
    request.contextLength = options.context > 0 ? options.context : fitting;

    Outcome outcome;
    outcome.report.run = RunFacts{subject.name, subject.identity, invocation.commandLine,
                                  options.compute.device, numericsName()}
                             .attributes();
    std::string reference;
    if (!options.reference.empty()) {
        const Subject original = openSubject(options.reference, device, invocation);
        request.reference = original.weights;
        reference = original.name;
    }
    outcome.evaluation = evaluate(request, invocation.progress, invocation.stop);
    outcome.record = toRecord(text.stem().string(), outcome.evaluation);
    outcome.record.facts.insert({{"text", text.filename().string()},
                                 {"subject", subject.name},
                                 {"reference", reference},
                                 {"command", invocation.commandLine}});
    if (!options.baselineText.empty()) {
        outcome.unigram =
            unigramPerplexity(*subject.tokenizer, readTextFile(options.baselineText), request.text);
        outcome.record.numbers["unigram_perplexity"] = *outcome.unigram;
    }
    outcome.report.layerCount = subject.weights->config().layerCount;
    outcome.report.evaluations.push_back(outcome.record);
    return outcome;
}

nlohmann::json toJson(const Outcome& outcome) {
    nlohmann::json json(outcome.record.numbers);
    json["tokens"] = outcome.evaluation.tokens;
    json["context"] = outcome.evaluation.contextLength;
    for (const auto& [name, value] : outcome.record.facts) {
        if (!value.empty()) {
            json[name] = value;
        }
    }
    return json;
}

void printText(const Outcome& outcome) {
    const Evaluation& e = outcome.evaluation;
    const auto& facts = outcome.record.facts;
    std::printf("%s on %s: %lld tokens, context %d, %s\n", facts.at("subject").c_str(),
                facts.at("text").c_str(), static_cast<long long>(e.tokens), e.contextLength,
                durationText(e.seconds).c_str());
    std::printf("  perplexity            %.4f +- %.4f\n", e.perplexity, e.perplexityError);
    if (outcome.unigram) {
        std::printf("  unigram baseline      %.4f\n", *outcome.unigram);
    }
    if (!e.hasReference) {
        return;
    }
    std::printf("  reference perplexity  %.4f (%s)\n", e.referencePerplexity,
                facts.at("reference").c_str());
    std::printf("  KL divergence         mean %.5f  median %.5f  99 %% %.4f  99.9 %% %.4f  "
                "max %.4f nats\n",
                e.klMean, e.klMedian, e.klP99, e.klP999, e.klMax);
    std::printf("  top-1 agreement       %.2f %%\n", 100 * e.top1Agreement);
}

/// Where the report goes; empty: nowhere.
fs::path outFile(const Options& options, const Invocation& invocation) {
    if (options.out.empty()) {
        return invocation.job ? *invocation.job / "out" / "evaluation.h5" : fs::path();
    }
    requireOutsideArtifacts(options.out);
    return options.out;
}

void run(const Options& options, Invocation& invocation) {
    options.compute.apply();
    const fs::path out = outFile(options, invocation);
    if (!out.empty()) {
        requireWritable(out);
    }
    const Outcome outcome = evaluateFor(options, invocation);
    invocation.progress.event("metric", nlohmann::json(outcome.record.numbers));
    if (!out.empty()) {
        writeReport(outcome.report, out);
        invocation.progress.event("artifact", {{"path", out.string()}, {"kind", "report"}});
    }
    if (invocation.json) {
        std::printf("%s\n", jsonText(toJson(outcome)).c_str());
    } else {
        printText(outcome);
    }
}

} // namespace

void addEvaluateCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app =
        commands.add("evaluate", "Perplexity on a text, and what was lost against the original",
                     [options](Invocation& invocation) { run(*options, invocation); });
    app.add_option("subject", options->subject,
                   "Model (folder, .gguf, name in the Hugging Face cache) or compressed model")
        ->required()
        ->type_name("MODEL|ARTIFACT");
    app.add_option("--reference", options->reference,
                   "The original: adds KL divergence and top-1 agreement")
        ->type_name("MODEL");
    app.add_option("--text", options->text, "UTF-8 file; default: the demo model's held-out text")
        ->type_name("FILE");
    app.add_option("--context", options->context,
                   "Tokens of a window; default: 2048, or what the model has")
        ->check(positive());
    app.add_option("--max-tokens", options->maxTokens, "Only the beginning of the text")
        ->check(positive());
    app.add_option("--out", options->out,
                   "Also write a report file (in a job: its out/evaluation.h5)")
        ->type_name("FILE.h5");
    app.add_option("--baseline-unigram", options->baselineText,
                   "Also print the perplexity of a unigram model fitted on this text")
        ->type_name("FILE");
    options->compute.addTo(app);
}

} // namespace caldera::cli
