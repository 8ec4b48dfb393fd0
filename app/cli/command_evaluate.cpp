#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/Parallel.h>

#include "app/cli/command.h"
#include "app/cli/compute_options.h"
#include "app/cli/evaluate_output.h"
#include "app/cli/evaluated_model.h"
#include "app/cli/preflight_options.h"
#include "app/cli/report_file.h"
#include "core/artifact/artifact.h"
#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/paths.h"
#include "core/compress/work_folder.h"
#include "core/evaluate/choice_accuracy.h"
#include "core/evaluate/evaluate.h"
#include "core/evaluate/reference_store.h"
#include "core/evaluate/vocabulary_check.h"
#include "core/linalg/device.h"
#include "core/linalg/numerics.h"
#include "core/model/text_file.h"
#include "core/plan/time_estimate.h"
#include "core/report/value_interval.h"

namespace caldera::cli {

namespace {

namespace fs = std::filesystem;

/// Context when none is given, unless the model has fewer positions.
constexpr int kDefaultContext = 2048;
constexpr int64_t kKeptBytesOfToken = 4506; ///< of a reference: docs/formats/reference.md

struct Options {
    std::string subject;
    std::string reference;
    fs::path text;
    int context = 0;
    int64_t maxTokens = 0;
    std::vector<fs::path> tasks;
    fs::path labels;
    int64_t limit = 0;
    uint64_t seed = 1;
    bool keepsReference = false;
    fs::path out;
    fs::path baselineText;
    ComputeOptions compute;
    PreflightOptions preflight;
};

/// The answers of questions that do not have them: those that were given, else what lies beside the
/// file as PIQA is published (valid.jsonl, valid-labels.lst).
fs::path labelsOf(const Options& options, const fs::path& task) {
    if (!options.labels.empty()) {
        return options.labels;
    }
    const fs::path beside = task.parent_path() / (task.stem().string() + "-labels.lst");
    return fs::is_regular_file(beside) ? beside : fs::path();
}

/// What the evaluated model is compared with.
struct Reference {
    std::string name;
    std::shared_ptr<const TransformerWeights> weights; ///< null: predictions that were kept
    std::string identity;
    fs::path kept;
};

std::optional<Reference> openReference(const Options& options, const EvaluatedModel& subject,
                                       torch::Device device, const Invocation& invocation) {
    if (options.reference.empty()) {
        return std::nullopt;
    }
    if (isReferenceStore(options.reference)) {
        return Reference{ReferenceStore::open(options.reference).facts().name, nullptr, "",
                         options.reference};
    }
    const EvaluatedModel original = openEvaluated(options.reference, device, invocation);
    requireSameTokens(*subject.tokenizer, *original.tokenizer);
    return Reference{original.name, original.weights, original.identity, {}};
}

/// Files of the same name in different folders get names that differ.
void addNamed(EvaluationRecord record, std::vector<EvaluationRecord>& records) {
    const std::string name = record.name;
    const auto isTaken = [&] {
        return std::any_of(records.begin(), records.end(), [&](const EvaluationRecord& other) {
            return other.name == record.name;
        });
    };
    for (int number = 2; isTaken(); ++number) {
        record.name = name + "-" + std::to_string(number);
    }
    records.push_back(std::move(record));
}

/// One run of the command: the models, and what is found out about them.
class EvaluateRun {
public:
    /// `work` empty: a run that is killed begins anew.
    EvaluateRun(const Options& options, const fs::path& work, Invocation& invocation)
        : options_(options), invocation_(invocation),
          subject_(openEvaluated(options.subject, deviceOf(options.compute.device), invocation)),
          reference_(
              openReference(options, subject_, deviceOf(options.compute.device), invocation)) {
        if (!work.empty()) {
            work_.scores = cellsFolder(work);
            work_.states = hiddenFolder(work);
        }
        work_.key = subject_.identity + ' ' + (reference_ ? reference_->identity : std::string()) +
                    ' ' + options.compute.device + ' ' + numericsName();
    }

    EvaluateOutcome::Text onText(const fs::path& file) {
        EvaluateRequest request = textRequest(file);
        const std::string hash = sha256Hex(request.text);
        EvaluateOutcome::Text text;
        text.evaluation = evaluate(request, invocation_.progress, invocation_.stop);
        text.record = toRecord(file.stem().string(), text.evaluation);
        addFacts(file, hash, text.record);
        if (!text.evaluation.keptFolder.empty()) {
            text.record.facts[kKeptPredictions] = text.evaluation.keptFolder.string();
        }
        if (!options_.baselineText.empty()) {
            text.unigram = unigramPerplexity(*subject_.tokenizer,
                                             readUtf8File(options_.baselineText), request.text);
            text.record.numbers["unigram_perplexity"] = *text.unigram;
        }
        return text;
    }

    EvaluateOutcome::Task onTask(const fs::path& file) {
        ChoiceRequest request;
        request.subject = subject_.weights;
        request.reference = reference_ ? reference_->weights : nullptr;
        request.tokenizer = subject_.tokenizer;
        const std::string text = readUtf8File(file);
        request.questions = parseQuestions(text, file, labelsOf(options_, file), options_.limit);
        request.seed = options_.seed;
        request.work = work_;
        EvaluateOutcome::Task task;
        task.evaluation = evaluateChoices(request, invocation_.progress, invocation_.stop);
        task.record = toRecord(file.stem().string(), task.evaluation);
        addFacts(file, sha256Hex(text), task.record);
        return task;
    }

    ReportSubject subject() const {
        return {subject_.name, subject_.identity, subject_.weights->config().layerCount};
    }

    Report report(const EvaluateOutcome& outcome) const {
        Report report;
        report.run = RunFacts{subject_.name, subject_.identity, invocation_.commandLine,
                              options_.compute.device, numericsName()}
                         .attributes();
        report.layerCount = subject_.weights->config().layerCount;
        if (outcome.text) {
            addNamed(outcome.text->record, report.evaluations);
        }
        for (const EvaluateOutcome::Task& task : outcome.tasks) {
            addNamed(task.record, report.evaluations);
        }
        return report;
    }

private:
    EvaluateRequest textRequest(const fs::path& file) const {
        EvaluateRequest request;
        request.text = readUtf8File(file);
        request.subject = subject_.weights;
        request.tokenizer = subject_.tokenizer;
        request.maxTokens = options_.maxTokens;
        request.seed = options_.seed;
        request.work = work_;
        const int positions = subject_.weights->config().maxPositions;
        const int fitting = positions > 0 ? std::min(kDefaultContext, positions) : kDefaultContext;
        request.contextLength = options_.context > 0 ? options_.context : fitting;
        if (reference_) {
            request.reference = reference_->weights;
            request.kept = reference_->kept;
            if (options_.keepsReference && reference_->weights != nullptr) {
                request.keep = KeepReference{cacheFolder() / "references", reference_->name,
                                             reference_->identity};
            }
        }
        return request;
    }

    void addFacts(const fs::path& file, const std::string& hash, EvaluationRecord& record) const {
        record.facts.insert({{"text", file.filename().string()},
                             {kTextHash, hash},
                             {"subject", subject_.name},
                             {"reference", reference_ ? reference_->name : std::string()},
                             {"command", invocation_.commandLine}});
        record.numbers.insert(subject_.size.begin(), subject_.size.end());
    }

    const Options& options_;
    Invocation& invocation_;
    EvaluatedModel subject_;
    std::optional<Reference> reference_;
    EvaluationWork work_;
};

/// The text that is evaluated; empty: questions alone.
fs::path textOf(const Options& options) {
    return options.text.empty() && !options.tasks.empty() ? fs::path() : heldOutText(options.text);
}

ModelConfig shapeOf(const std::string& model) {
    return isArtifact(model) ? Artifact::open(model)->config() : openModel(model)->config;
}

/// Refuses as reading does: a pipe, a folder, what is not there.
int64_t sizeOf(const fs::path& file) {
    return static_cast<int64_t>(MappedFile(file).bytes().size());
}

/// An upper bound: a token has a byte at least, most have four.
int64_t tokensOf(const Options& options, const ModelConfig& config) {
    int64_t bytes = 0;
    if (const fs::path text = textOf(options); !text.empty()) {
        bytes = sizeOf(text);
    }
    for (const fs::path& task : options.tasks) {
        bytes += sizeOf(task);
    }
    const int64_t context = std::max(options.context, std::max(kDefaultContext, 1));
    const int64_t whole = std::max<int64_t>(bytes, std::min<int64_t>(context, config.maxPositions));
    return options.maxTokens > 0 ? std::min(options.maxTokens, whole) : whole;
}

/// Everything that would stop the run after hours of work.
void requireSoundInputs(const Options& options, const ModelConfig& config) {
    if (options.context > 0) {
        requireContext(options.context, config);
    }
    if (!options.baselineText.empty()) {
        sizeOf(options.baselineText);
    }
    for (const fs::path& task : options.tasks) {
        readQuestions(task, labelsOf(options, task), options.limit);
    }
}

PlannedWork plannedWork(const Options& options, const ModelConfig& config,
                        const fs::path& workFiles) {
    const Processor on = processorOf(options.compute.device);
    const bool hasReference = !options.reference.empty() && !isReferenceStore(options.reference);
    EvaluateMemory passes;
    passes.tokens = tokensOf(options, config);
    passes.context = options.context > 0 ? options.context : kDefaultContext;
    passes.hiddenBytes = EvaluateRequest().hiddenBytes;
    passes.hasReference = hasReference;
    PlannedWork work;
    work.kind = "evaluate";
    work.device = options.compute.device;
    work.memory = evaluateMemory(config, passes, on);
    const int models = hasReference ? 2 : 1;
    const int64_t likely = std::max<int64_t>(passes.tokens / kBytesOfToken, 1);
    work.documentedSeconds =
        on == Processor::Cpu
            ? evaluateSeconds(config, likely, models, computingThreads(options.compute.threads))
            : evaluateSecondsOnGpu(config, likely, models);
    if (!workFiles.empty()) { // the states of the layer at work, and those before
        const int64_t states = std::min<int64_t>(passes.tokens * config.hiddenSize *
                                                     static_cast<int64_t>(sizeof(float)),
                                                 passes.hiddenBytes);
        work.disk.push_back({workFiles, 2 * models * states});
    }
    if (options.keepsReference) {
        work.disk.push_back({cacheFolder() / "references", passes.tokens * kKeptBytesOfToken});
    }
    return work;
}

EvaluateOutcome evaluateAll(const Options& options, EvaluateRun& work, Invocation& invocation) {
    EvaluateOutcome outcome;
    if (const fs::path text = textOf(options); !text.empty()) {
        outcome.text = work.onText(text);
        invocation.progress.event("metric", nlohmann::json(outcome.text->record.numbers));
    }
    for (const fs::path& task : options.tasks) {
        outcome.tasks.push_back(work.onTask(task));
        invocation.progress.event("metric", nlohmann::json(outcome.tasks.back().record.numbers));
    }
    return outcome;
}

/// What the options contradict.
void requireSense(const Options& options) {
    if (!options.labels.empty() && options.tasks.size() != 1) {
        throw UsageError("evaluate.labels", "--labels holds the answers of one task: give one "
                                            "--task FILE.jsonl with it.");
    }
    if (!options.tasks.empty() && isReferenceStore(options.reference)) {
        throw UsageError("evaluate.kept-task",
                         options.reference +
                             " keeps predictions of a text, which say nothing of --task. Give the "
                             "reference itself, or evaluate the questions without --reference.");
    }
}

void requireRoomFor(const fs::path& out, const Options& options) {
    if (!out.empty()) {
        requireReportOrNone(out);
        if (!options.preflight.checks) {
            requireWritable(out);
        }
    }
}

/// What else the file holds of the same model stays.
void keepReport(const EvaluateRun& work, const EvaluateOutcome& outcome, const fs::path& out,
                const Invocation& invocation) {
    Report report = work.report(outcome);
    writeKeeping(report, out);
    removeWorkFiles(workFolder(out, invocation));
    tellReport(out, invocation);
}

void run(const Options& options, Invocation& invocation) {
    requireSense(options);
    const fs::path out = reportFile(options.out, invocation, "evaluation.h5");
    const fs::path workFiles = out.empty() ? fs::path() : workFolder(out, invocation);
    options.compute.applyAsIn(workFiles);
    const auto start = std::chrono::steady_clock::now();
    requireRoomFor(out, options);
    const ModelConfig config = shapeOf(options.subject);
    requireSoundInputs(options, config);
    const PlannedWork planned = plannedWork(options, config, workFiles);
    const bool isFresh = workFiles.empty() || !hasWorkFiles(workFiles);
    if (!options.preflight.mayBegin(planned, invocation)) {
        return;
    }
    std::optional<HeldWorkFolder> held;
    EvaluateRun work(options, workFiles, invocation);
    if (!out.empty()) {
        earlierReport(out, work.subject()); // refuses another model's before the work
        held.emplace(workFiles, at::get_num_threads());
    }
    const EvaluateOutcome outcome = evaluateAll(options, work, invocation);
    if (isFresh) {
        rememberSpeed(planned, secondsSince(start), invocation);
    }
    if (!out.empty()) {
        keepReport(work, outcome, out, invocation);
    }
    if (invocation.json) {
        std::printf("%s\n", jsonText(toJson(outcome)).c_str());
    } else {
        printText(outcome);
    }
}

void addModelOptions(CLI::App& app, Options& options) {
    app.add_option("SUBJECT", options.subject,
                   "Model (folder, .gguf, name in the Hugging Face cache) or compressed model")
        ->required()
        ->type_name("MODEL|ARTIFACT");
    app.add_option("--reference", options.reference,
                   "The original, or a folder of its kept predictions: adds what was lost")
        ->type_name("MODEL|FOLDER");
    app.add_flag("--keep-reference", options.keepsReference,
                 "Keep what the original predicts, so that it runs once for a text");
}

void addTextOptions(CLI::App& app, Options& options) {
    app.add_option("--text", options.text,
                   "UTF-8 file, or builtin: the demo model's held-out text; default, without a "
                   "task: builtin")
        ->type_name("FILE|builtin");
    app.add_option("--task", options.tasks,
                   "Multiple-choice questions, one JSON object a line; may be given several times")
        ->type_name("FILE.jsonl");
    app.add_option("--labels", options.labels,
                   "The right choices, a number a line, for a task that does not hold them")
        ->type_name("FILE");
    app.add_option("--limit", options.limit, "Only so many questions of each task")
        ->check(positive());
    app.add_option("--seed", options.seed, "Of the confidence intervals")
        ->check(seedNumber(kMostReportedSeed))
        ->capture_default_str();
    app.add_option("--context", options.context,
                   "Tokens of a window; default: 2048, or what the model has")
        ->check(positive());
    app.add_option("--max-tokens", options.maxTokens, "Only the beginning of the text")
        ->check(positive());
}

} // namespace

void addEvaluateCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app =
        commands.add("evaluate", "Perplexity on a text, answers to questions, and what was lost",
                     [options](Invocation& invocation) { run(*options, invocation); });
    addModelOptions(app, *options);
    addTextOptions(app, *options);
    app.add_option("--out", options->out,
                   "Also write a report file; an earlier, stopped run of the same goes on (in a "
                   "job: its out/evaluation.h5)")
        ->type_name("FILE.h5");
    app.add_option("--baseline-unigram", options->baselineText,
                   "Also print the perplexity of a unigram model fitted on this text")
        ->type_name("FILE");
    options->compute.addTo(app);
    options->preflight.addTo(app);
}

} // namespace caldera::cli
