#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>

#include "app/cli/blamed_text.h"
#include "app/cli/command.h"
#include "app/cli/compute_options.h"
#include "app/cli/report_file.h"
#include "core/artifact/artifact.h"
#include "core/base/error.h"
#include "core/base/printable.h"
#include "core/blame/blame.h"
#include "core/compress/work_folder.h"
#include "core/linalg/device.h"
#include "core/linalg/numerics.h"
#include "core/runtime/cell_source.h"

namespace caldera::cli {

namespace {

namespace fs = std::filesystem;

constexpr size_t kPrinted = 10; ///< cells
constexpr size_t kTokenBytes = 60;

struct Options {
    std::string artifact;
    std::string reference;
    BlamedTextOptions text;
    fs::path out;
    ComputeOptions compute;
};

struct Outcome {
    Blame blame;
    std::string token;  ///< as text
    std::string before; ///< the end of what stands before it
    Report report;
};

/// `out` and `work` empty: nothing is written.
Outcome blameFor(const Options& options, const fs::path& out, const fs::path& work,
                 Invocation& invocation) {
    // What is cheapest to mend is said first; reading a whole artifact comes last.
    const torch::Device device = deviceOf(options.compute.device);
    const BlamedSource source = readBlamedSource(options.text);
    const auto artifact = Artifact::open(options.artifact);
    const auto model = openModel(options.reference);
    requireOriginal(*model, *artifact, options.reference, {"blame.models", "--reference"});
    earlierReport(out, {artifact->name(), artifact->hash(), artifact->config().layerCount});
    BlameRequest request;
    request.subject = artifactWeights(artifact, device);
    request.original = modelWeights(model, device);
    BlamedText text = blamedText(options.text, source, *artifact->tokenizer(), artifact->chat());
    request.tokens = std::move(text.tokens);
    request.place = text.place;
    request.firstPlace = text.firstPlace;
    request.origin = text.origin;
    request.work = work.empty() ? work : cellsFolder(work);
    request.key = artifact->hash() + ' ' + model->fingerprint + ' ' + options.compute.device + ' ' +
                  numericsName();

    checkBlame(request); // before a folder is made for it
    artifact->verify(invocation.stop);
    std::optional<HeldWorkFolder> held;
    if (!work.empty()) {
        held.emplace(work, at::get_num_threads());
    }
    Outcome outcome;
    outcome.blame = findBlame(request, invocation.progress, invocation.stop);
    const std::vector<Token> token = {outcome.blame.token};
    outcome.token = printable(artifact->tokenizer()->decode(token), kTokenBytes);
    outcome.report.run = RunFacts{artifact->name(), artifact->hash(), invocation.commandLine,
                                  options.compute.device, numericsName()}
                             .attributes();
    outcome.before = textBefore(*artifact->tokenizer(), request.tokens, outcome.blame.place);
    outcome.report.run["before"] = outcome.before;
    outcome.report.layerCount = artifact->config().layerCount;
    outcome.report.fidelity = {toMetric(outcome.blame, outcome.token)};
    return outcome;
}

std::vector<std::pair<double, Cell>> ranked(const Blame& blame) {
    std::vector<std::pair<double, Cell>> cells;
    for (const auto& [cell, gain] : blame.gains) {
        cells.emplace_back(gain, cell);
    }
    std::stable_sort(cells.begin(), cells.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    return cells;
}

nlohmann::json toJson(const Outcome& outcome) {
    nlohmann::json json(outcome.report.fidelity.front().numbers);
    json["place"] = outcome.blame.place;
    json["number"] = outcome.blame.number;
    json["candidates"] = outcome.blame.candidates;
    json["token"] = outcome.blame.token;
    json["text"] = outcome.token;
    json["before"] = outcome.before;
    for (const auto& [gain, cell] : ranked(outcome.blame)) {
        json["cells"].push_back({{"cell", cellName(cell)}, {"gain", gain}});
    }
    return json;
}

void printText(const Outcome& outcome) {
    const Blame& blame = outcome.blame;
    std::printf("After \"%s\"\n", outcome.before.c_str());
    const std::string chosen =
        blame.candidates > 0
            ? " (which lost most of the " + std::to_string(blame.candidates) + " looked at)"
            : "";
    std::printf("Token %lld%s, \"%s\": %.4f nats in the original, %.4f here\n",
                static_cast<long long>(blame.number), chosen.c_str(), outcome.token.c_str(),
                blame.originalLog, blame.subjectLog);
    std::printf("  what putting original weights back gains, nats\n");
    const auto cells = ranked(blame);
    for (size_t at = 0; at < std::min(cells.size(), kPrinted); ++at) {
        std::printf("  %-40s  %+.5f\n", cellName(cells[at].second).c_str(), cells[at].first);
    }
    std::printf("  %-40s  %+.5f\n  %-40s  %+.5f\n", "embeddings", blame.embeddingGain, "lm_head",
                blame.headGain);
}

void run(const Options& options, Invocation& invocation) {
    const fs::path out = reportFile(options.out, invocation, "blame.h5");
    const fs::path work = out.empty() ? fs::path() : workFolder(out, invocation);
    options.compute.applyAsIn(work);
    if (!out.empty()) {
        requireReportOrNone(out);
        requireWritable(out);
    }
    Outcome outcome = blameFor(options, out, work, invocation);
    if (!out.empty()) {
        writeKeeping(outcome.report, out);
        removeWorkFiles(work);
        tellReport(out, invocation);
    }
    if (invocation.json) {
        std::printf("%s\n", jsonText(toJson(outcome)).c_str());
    } else {
        printText(outcome);
    }
}

void addTextOptions(CLI::App& app, BlamedTextOptions& options) {
    CLI::Option* text = app.add_option("--text", options.text,
                                       "UTF-8 file; default: the demo model's held-out text")
                            ->type_name("FILE");
    app.add_option("--text-tokens", options.tokens,
                   "Tokens of it, from its beginning, among which the one that lost most "
                   "is looked for")
        ->check(between(2, 1 << 20))
        ->capture_default_str();
    CLI::Option* request =
        app.add_option("--request", options.request,
                       "Instead of a text: messages and an answer, as POST /caldera/v1/scores "
                       "takes them")
            ->type_name("FILE.json")
            ->excludes(text);
    CLI::Option* token =
        app.add_option(
               "--token", options.token,
               "Which token is explained, from 1: of a text, whose first one has nothing before "
               "it, or with --request of the answer; default: the one that lost most of "
               "those that are looked at")
            ->check(between(1, 1 << 30));
    app.add_option("--byte", options.byte,
                   "Explain the token that holds this byte of the answer, from 0")
        ->check(notNegative())
        ->needs(request)
        ->excludes(token);
}

} // namespace

void addBlameCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app =
        commands.add("blame", "Which cells moved the probability of a token: each is swapped back",
                     [options](Invocation& invocation) { run(*options, invocation); });
    app.add_option("ARTIFACT", options->artifact, "Compressed model")
        ->required()
        ->type_name("ARTIFACT");
    app.add_option("--reference", options->reference, "The model that it was made from")
        ->required()
        ->type_name("MODEL");
    addTextOptions(app, options->text);
    app.add_option("--out", options->out,
                   "Also write a report file; an earlier, stopped run of the same goes on (in a "
                   "job: its out/blame.h5)")
        ->type_name("FILE.h5");
    options->compute.addTo(app);
}

} // namespace caldera::cli
