#include "core/serve/score_answer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/model/model.h"
#include "core/serve/chance_document.h"
#include "core/serve/chat_answer.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

/// What complaints are about.
std::string keyOf(const ScoreRequest& request) {
    return request.messages.empty() ? "text" : "messages";
}

} // namespace

ScoredText scoredText(const Tokenizer& tokenizer, const ChatTemplate& chat,
                      const ScoreRequest& request, const std::stop_token& cancel) {
    constexpr auto kAsText = Tokenizer::Special::AsText;
    ScoredText text;
    if (request.messages.empty()) {
        text.scored = tokenizer.encode(request.text, Tokenizer::Special::Parse, cancel);
        if (text.scored.size() > 1) { // nothing stands before the first one
            text.prompt = {text.scored.front()};
            text.scored.erase(text.scored.begin());
        }
    } else if (!request.tokens.empty()) {
        text.prompt = encodeChat(tokenizer, chat, request.messages, cancel);
        text.scored = request.tokens;
    } else {
        auto before = request.messages;
        before.pop_back();
        text.prompt = encodeChat(tokenizer, chat, before, cancel);
        text.scored = tokenizer.encode(request.messages.back().content, kAsText, cancel);
    }
    if (text.prompt.empty() || text.scored.empty()) {
        throw RequestError(keyOf(request), "The text has no token that could be scored; one after "
                                           "at least one other is needed.");
    }
    const Token largest = *std::max_element(text.scored.begin(), text.scored.end());
    if (largest >= tokenizer.size()) {
        throw RequestError("tokens", "Token " + std::to_string(largest) +
                                         " is not in the vocabulary of " +
                                         std::to_string(tokenizer.size()) + " tokens.");
    }
    return text;
}

ScoreAnswer::ScoreAnswer(const Engine& engine, const ScoreRequest& request,
                         const std::stop_token& cancel)
    : isStreamed_(request.stream) {
    const Artifact& artifact = engine.artifact();
    ScoredText text = scoredText(*artifact.tokenizer(), artifact.chat(), request, cancel);
    prompt_ = std::move(text.prompt);
    sampling_.temperature = 0;
    sampling_.likeliest = request.likeliest;
    sampling_.handOver = kHandOver;
    sampling_.forced = std::move(text.scored);
    const size_t tokens = prompt_.size() + sampling_.forced.size();
    const auto context = static_cast<size_t>(engine.contextLength());
    if (tokens > context + 1) { // the last one is never run
        throw RequestError(keyOf(request), "The text is " + std::to_string(tokens) +
                                               " tokens; the context has room for " +
                                               std::to_string(context) +
                                               ". Shorten it, or choose a larger --context.");
    }
}

bool ScoreAnswer::score(Engine& engine, const Emit& onToken, const std::stop_token& cancel,
                        Json& end) {
    const Tokenizer& tokenizer = *engine.artifact().tokenizer();
    GenerationStatistics statistics;
    double sum = 0;
    const FinishReason reason = engine.generate(
        prompt_, {}, sampling_,
        [&](const GeneratedToken& token) {
            sum += token.logProbability;
            return onToken(chanceDocument(tokenizer, token));
        },
        statistics, cancel);
    end = {{"object", "caldera.scores"},
           {"model", engine.artifact().name()},
           {"log_likelihood", sum},
           {"caldera", statisticsDocument(statistics)}};
    return reason != FinishReason::Cancelled &&
           statistics.generatedTokens == static_cast<int>(sampling_.forced.size());
}

void ScoreAnswer::stream(Engine& engine, const Emit& emit, const std::stop_token& cancel) {
    Json end;
    const auto onToken = [&](const Json& token) {
        return emit({{"object", "caldera.score"}, {"tokens", Json::array({token})}});
    };
    if (score(engine, onToken, cancel, end)) {
        emit(end);
    }
}

Json ScoreAnswer::whole(Engine& engine, const std::stop_token& cancel) {
    Json tokens = Json::array();
    Json end;
    const auto onToken = [&](const Json& token) {
        tokens.push_back(token);
        return true;
    };
    if (!score(engine, onToken, cancel, end)) {
        throw Cancelled();
    }
    end["tokens"] = std::move(tokens);
    return end;
}

} // namespace caldera
