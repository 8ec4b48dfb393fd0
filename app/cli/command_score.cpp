#include <chrono>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "app/cli/command.h"
#include "app/cli/compute_options.h"
#include "app/cli/evaluated_model.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/evaluate/continuation_scores.h"
#include "core/linalg/device.h"
#include "core/serve/chance_document.h"
#include "core/serve/http_answer.h"
#include "core/serve/score_answer.h"

namespace caldera::cli {

namespace {

struct Options {
    std::string model;
    std::string request;
    bool lines = false;
    ComputeOptions compute;
};

/// Progress as a document a line, for a program that shows it: at most some ten a second.
class LineProgress : public Progress {
public:
    void stage(const std::string& name) override {
        std::cout << nlohmann::json{{"event", "stage"}, {"stage", name}} << std::endl;
    }
    void advance(int64_t done, int64_t total) override {
        constexpr auto kInterval = std::chrono::milliseconds(100);
        const auto now = std::chrono::steady_clock::now();
        if (now - last_ >= kInterval || done == total) {
            last_ = now;
            std::cout << nlohmann::json{{"event", "progress"}, {"done", done}, {"total", total}}
                      << std::endl;
        }
    }
    void event(const std::string&, nlohmann::json) override {}

private:
    std::chrono::steady_clock::time_point last_{};
};

std::string readRequest(const std::string& file) {
    if (file != "-") {
        return readTextFile(file, kMostBodyBytes);
    }
    std::string text;
    for (char letter = 0; std::cin.get(letter) && text.size() <= kMostBodyBytes;) {
        text += letter;
    }
    return text;
}

nlohmann::json scores(const Options& options, const Invocation& invocation, Progress& progress) {
    const ScoreRequest request = parseScoreRequest(readRequest(options.request));
    const EvaluatedModel model =
        openEvaluated(options.model, deviceOf(options.compute.device), invocation);
    const ScoredText text = scoredText(*model.tokenizer, model.chat, request);
    nlohmann::json tokens = nlohmann::json::array();
    double sum = 0;
    for (const ScoredPlace& place :
         scoreContinuation(*model.weights, text.prompt, text.scored,
                           {request.likeliest, static_cast<int64_t>(model.tokenizer->size())},
                           progress, invocation.stop)) {
        GeneratedToken token(place.token);
        token.logProbability = place.logProbability;
        for (size_t i = 0; i < place.likeliest.size(); ++i) {
            token.likeliest.push_back({place.likeliest[i], place.likeliestLogProbabilities[i]});
        }
        sum += place.logProbability;
        tokens.push_back(chanceDocument(*model.tokenizer, token));
    }
    return {{"object", "caldera.scores"},
            {"model", model.name},
            {"log_likelihood", sum},
            {"tokens", std::move(tokens)}};
}

void printLine(const nlohmann::json& document) {
    std::cout << document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
              << std::endl;
}

/// Whoever reads lines finds the reason among them, too.
void runInLines(const Options& options, const Invocation& invocation) {
    LineProgress lines;
    try {
        printLine(scores(options, invocation, lines));
    } catch (const Error& error) {
        printLine({{"error", {{"code", error.code()}, {"message", error.what()}}}});
        throw;
    }
}

void run(const Options& options, Invocation& invocation) {
    options.compute.apply();
    if (options.lines) {
        return runInLines(options, invocation);
    }
    std::cout << jsonText(scores(options, invocation, invocation.progress)) << std::endl;
}

} // namespace

void addScoreCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app = commands.add(
        "score", "How likely a model finds a text, token by token, one layer in memory at a time",
        [options](Invocation& invocation) { run(*options, invocation); });
    app.add_option("MODEL", options->model,
                   "Model (folder, .gguf, name in the Hugging Face cache) or compressed model")
        ->required()
        ->type_name("MODEL|ARTIFACT");
    app.add_option("--request", options->request,
                   "What to score, as POST /caldera/v1/scores takes it; -: standard input")
        ->default_val("-")
        ->type_name("FILE.json");
    app.add_flag("--lines", options->lines,
                 "A JSON document a line: progress, then the scores (for programs)");
    options->compute.addTo(app);
}

} // namespace caldera::cli
