#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <mutex>
#include <random>

#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/engine_options.h"
#include "app/cli/line_reader.h"
#include "app/cli/stop_signals.h"
#include "core/base/error.h"
#include "core/model/byte_level.h"
#include "core/serve/chat_answer.h"

namespace caldera::cli {

namespace {

struct Options {
    EngineOptions engine;
    SamplingOptions sampling;
    std::optional<uint64_t> seed;
    std::string system;
    std::optional<std::string> prompt;
};

/// What a model says must not steer the terminal.
std::string printable(const std::string& text) {
    std::string result;
    for (const char letter : text) {
        const auto code = static_cast<unsigned char>(letter);
        if (code >= 0x20 ? code != 0x7F : letter == '\n' || letter == '\t') {
            result += letter;
        }
    }
    return result;
}

std::string statisticsLine(const GenerationStatistics& s) {
    char line[200];
    std::snprintf(line, sizeof(line),
                  "%d tokens, %.1f a second | prompt %d tokens (%d known), %.1f a second | first "
                  "token after %.2f s",
                  s.generatedTokens, s.tokensPerSecond, s.promptTokens, s.reusedTokens,
                  s.promptTokensPerSecond, s.timeToFirstToken);
    return line;
}

/// Lets the first SIGINT of an answer stop the answer only.
class AnswerStop {
public:
    explicit AnswerStop(Invocation& invocation)
        : signals_(*invocation.signals),
          outer_(invocation.stop, [this] { source_.request_stop(); }) {
        signals_.interceptInterrupt([this] { return source_.request_stop(); });
    }
    ~AnswerStop() { signals_.interceptInterrupt({}); }
    AnswerStop(const AnswerStop&) = delete;
    AnswerStop& operator=(const AnswerStop&) = delete;

    std::stop_token token() const { return source_.get_token(); }

private:
    std::stop_source source_;
    StopSignals& signals_;
    std::stop_callback<std::function<void()>> outer_;
};

class Chat {
public:
    Chat(const Options& options, Invocation& invocation)
        : options_(options), invocation_(invocation), engine_(options.engine.open(invocation.stop)),
          isTerminal_(::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0) {
        forget();
    }

    /// One question from the command line.
    void answerOnce(const std::string& prompt) {
        messages_.push_back({"user", prompt});
        const std::string text = answer();
        checkCancelled(invocation_.stop);
        if (invocation_.json) {
            const nlohmann::json document = {{"answer", text},
                                             {"finish_reason", finish_},
                                             {"caldera", statisticsDocument(statistics_)}};
            std::cout << jsonText(document) << std::endl;
        }
    }

    void talk() {
        greet();
        LineReader lines;
        while (const auto line = ask(lines)) {
            if (*line == "/reset") {
                forget();
                tell("The conversation is forgotten.");
            } else if (*line == "/exit" || *line == "/quit") {
                return;
            } else if (line->starts_with('/')) {
                tell("Commands: /reset forgets the conversation, /exit ends. A message cannot "
                     "begin with a slash.");
            } else if (line->find_first_not_of(" \t\r") != std::string::npos) {
                reply(*line);
            }
        }
        if (unanswered_ > 0 && !isTerminal_) { // a script sees no sentence between answers
            throw Error("chat.unanswered",
                        std::to_string(unanswered_) +
                            (unanswered_ == 1 ? " question was" : " questions were") +
                            " not answered; why stands above, after each.");
        }
    }

private:
    void greet() const {
        const Artifact& artifact = engine_->artifact();
        char figures[80];
        std::snprintf(figures, sizeof(figures), "%.2f bits a weight, context %d",
                      artifact.bitsPerWeight(), engine_->contextLength());
        tell(artifact.name() + ": " + figures);
        tell("Ctrl+C stops an answer, /reset forgets the conversation, Ctrl+D ends.");
    }

    /// For the person, so not on stdout, where the answers are.
    static void tell(const std::string& sentence) { std::cerr << sentence << std::endl; }

    std::optional<std::string> ask(LineReader& lines) const {
        if (isTerminal_) {
            std::cout << "\n> " << std::flush;
        }
        return lines.read(invocation_.stop);
    }

    void forget() {
        messages_.clear();
        if (!options_.system.empty()) {
            messages_.push_back({"system", options_.system});
        }
    }

    void reply(const std::string& text) {
        if (const auto bad = firstNotUtf8(text)) {
            ++unanswered_;
            tell("That message is not UTF-8: byte " + std::to_string(bad->place) + " is " +
                 bad->hex + ". It was not asked; set the terminal to UTF-8, or convert the input.");
            return;
        }
        messages_.push_back({"user", text});
        try {
            messages_.push_back({"assistant", answer()});
        } catch (const RequestError& error) {
            messages_.pop_back();
            ++unanswered_;
            tell(std::string(error.what()) + " /reset begins anew.");
        } catch (const Cancelled&) { // the question was still being cut into tokens
            messages_.pop_back();
            tell("Stopped before the answer began; the question is forgotten.");
        }
    }

    /// The answer to messages_, streamed to stdout unless JSON was asked for.
    std::string answer() {
        ChatRequest request{messages_, options_.sampling, {}, false};
        request.sampling.seed = options_.seed ? *options_.seed + turn_++ : std::random_device()();
        const AnswerStop stop(invocation_);
        ChatAnswer chatAnswer(*engine_, std::move(request), stop.token());
        std::string text;
        const FinishReason reason = chatAnswer.generate(
            *engine_,
            [&](const AnswerPiece& piece) {
                text += piece.text;
                if (!invocation_.json) {
                    std::cout << printable(piece.text) << std::flush;
                }
                return true;
            },
            stop.token());
        statistics_ = chatAnswer.statistics();
        finish_ = reason == FinishReason::Stop     ? "stop"
                  : reason == FinishReason::Length ? "length"
                                                   : "cancelled";
        if (!invocation_.json) {
            std::cout << std::endl;
            tell("[" + statisticsLine(statistics_) + (finish_ == "stop" ? "" : ", " + finish_) +
                 "]");
        }
        return text;
    }

    const Options& options_;
    Invocation& invocation_;
    std::unique_ptr<Engine> engine_;
    bool isTerminal_;
    std::vector<ChatMessage> messages_;
    uint64_t turn_ = 0;
    int unanswered_ = 0;
    GenerationStatistics statistics_;
    std::string finish_;
};

void requireUtf8Option(const std::string& option, const std::string& text) {
    if (const auto bad = firstNotUtf8(text)) {
        throw UsageError("chat.not-utf8", option + " is not UTF-8: byte " +
                                              std::to_string(bad->place) + " is " + bad->hex +
                                              ". Set the terminal to UTF-8.");
    }
}

void run(const Options& options, Invocation& invocation) {
    if (invocation.json && !options.prompt) {
        throw UsageError("chat.json", "--json needs --prompt: one question, one document.");
    }
    requireUtf8Option("--prompt", options.prompt.value_or(""));
    requireUtf8Option("--system", options.system);
    Chat chat(options, invocation);
    if (options.prompt) {
        chat.answerOnce(*options.prompt);
    } else {
        chat.talk();
    }
}

} // namespace

void addChatCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& command =
        commands.add("chat", "Talk with a compressed model in the terminal",
                     [options](Invocation& invocation) { run(*options, invocation); });
    options->engine.addTo(command);
    SamplingOptions& sampling = options->sampling;
    command.add_option("--prompt", options->prompt, "Answer this one question, then end");
    command.add_option("--system", options->system, "What the model is told before anything else");
    command.add_option("--temperature", sampling.temperature, "0 always takes the likeliest token")
        ->check(between(0, 2))
        ->capture_default_str();
    command.add_option("--top-p", sampling.topP, "Share of probability to choose from")
        ->check(share())
        ->capture_default_str();
    command.add_option("--top-k", sampling.topK, "Likeliest tokens to choose from; 0 is all")
        ->check(notNegative())
        ->capture_default_str();
    command
        .add_option("--min-p", sampling.minP,
                    "Least probability, as a share of the likeliest token's; 0 is off")
        ->check(between(0, 1))
        ->capture_default_str();
    command
        .add_option("--repetition-penalty", sampling.repetitionPenalty,
                    "Above 1 makes tokens that were said less likely")
        ->check(between(0.1, 10))
        ->capture_default_str();
    command.add_option("--max-tokens", sampling.maxTokens, "Longest answer, in tokens")
        ->check(positive())
        ->capture_default_str();
    command.add_option("--seed", options->seed, "Repeats an answer (default: a new one each time)")
        ->check(seedNumber());
}

} // namespace caldera::cli
