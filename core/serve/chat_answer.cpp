#include "core/serve/chat_answer.h"

#include <chrono>
#include <random>
#include <utility>

#include "core/base/elapsed.h"
#include "core/model/model.h"
#include "core/serve/stop_filter.h"

namespace caldera {

namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr double kRateInterval = 0.1; // seconds between two live figures

std::string newId() {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::random_device device;
    std::string id = "chatcmpl-";
    for (int word = 0; word < 3; ++word) {
        auto bits = static_cast<uint32_t>(device());
        for (int digit = 0; digit < 8; ++digit, bits >>= 4) {
            id += kDigits[bits & 15U];
        }
    }
    return id;
}

int64_t unixTime() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

/// Speed of the answer so far, seldom enough not to crowd the stream.
class LiveRate {
public:
    void countToken() {
        if (tokens_++ == 0) {
            first_ = Clock::now();
        }
    }
    /// Adds "caldera" to a chunk when it is time.
    void addTo(Json& chunk) {
        const double elapsed = secondsSince(first_);
        if (tokens_ < 2 || elapsed <= 0 || (shown_ && secondsSince(last_) < kRateInterval)) {
            return;
        }
        shown_ = true;
        last_ = Clock::now();
        chunk["caldera"] = {{"generated_tokens", tokens_},
                            {"tokens_per_second", (tokens_ - 1) / elapsed}};
    }

private:
    int tokens_ = 0;
    bool shown_ = false;
    Clock::time_point first_{};
    Clock::time_point last_{};
};

} // namespace

Json statisticsDocument(const GenerationStatistics& statistics) {
    return {{"prompt_tokens", statistics.promptTokens},
            {"reused_tokens", statistics.reusedTokens},
            {"generated_tokens", statistics.generatedTokens},
            {"time_to_first_token", statistics.timeToFirstToken},
            {"prompt_tokens_per_second", statistics.promptTokensPerSecond},
            {"tokens_per_second", statistics.tokensPerSecond},
            {"p50", statistics.p50},
            {"p95", statistics.p95},
            {"p99", statistics.p99},
            {"weight_bytes", statistics.weightBytes},
            {"cache_bytes", statistics.cacheBytes},
            {"device_bytes", statistics.deviceBytes}};
}

ChatAnswer::ChatAnswer(const Engine& engine, ChatRequest request)
    : request_(std::move(request)), id_(newId()), model_(engine.artifact().name()),
      created_(unixTime()) {
    const Artifact& artifact = engine.artifact();
    prompt_ = encodeChat(*artifact.tokenizer(), artifact.chat(), request_.messages);
    stop_ = stopTokens(artifact.config(), *artifact.tokenizer(), artifact.chat());
    const auto context = static_cast<size_t>(engine.contextLength());
    if (prompt_.size() >= context) {
        throw RequestError("messages",
                           "The messages are " + std::to_string(prompt_.size()) +
                               " tokens; the context has room for " + std::to_string(context) +
                               ", the answer included. Shorten the conversation, or choose a "
                               "larger --context.");
    }
}

FinishReason ChatAnswer::generate(Engine& engine, const OnText& onText,
                                  const std::stop_token& cancel) {
    const Tokenizer& tokenizer = *engine.artifact().tokenizer();
    Utf8Stream characters;
    StopFilter filter(request_.stop);
    bool isWanted = true;
    const auto pass = [&](const std::string& text) {
        if (!text.empty()) {
            isWanted = isWanted && onText(text);
        }
        return isWanted && !filter.found();
    };
    const FinishReason reason = engine.generate(
        prompt_, stop_, request_.sampling,
        [&](Token token) {
            return pass(filter.push(characters.push(tokenizer.decode({&token, 1}))));
        },
        statistics_, cancel);
    if (!isWanted) {
        return FinishReason::Cancelled;
    }
    if (reason != FinishReason::Cancelled && !filter.found()) {
        pass(filter.push(characters.finish()));
        pass(filter.finish());
    }
    return reason;
}

Json ChatAnswer::document(const char* object) const {
    return {{"id", id_}, {"object", object}, {"created", created_}, {"model", model_}};
}

void ChatAnswer::addEnd(Json& document, FinishReason reason) const {
    document["choices"][0]["finish_reason"] = reason == FinishReason::Length ? "length" : "stop";
    document["usage"] = {{"prompt_tokens", statistics_.promptTokens},
                         {"completion_tokens", statistics_.generatedTokens},
                         {"total_tokens", statistics_.promptTokens + statistics_.generatedTokens},
                         {"prompt_tokens_details", {{"cached_tokens", statistics_.reusedTokens}}}};
    document["caldera"] = statisticsDocument(statistics_);
}

void ChatAnswer::stream(Engine& engine, const Emit& emit, const std::stop_token& cancel) {
    const auto chunk = [this](const Json& delta) {
        Json result = document("chat.completion.chunk");
        result["choices"] =
            Json::array({{{"index", 0}, {"delta", delta}, {"finish_reason", nullptr}}});
        return result;
    };
    if (!emit(chunk({{"role", "assistant"}, {"content", ""}}))) {
        return;
    }
    LiveRate rate;
    const FinishReason reason = generate(
        engine,
        [&](const std::string& text) {
            rate.countToken();
            Json piece = chunk({{"content", text}});
            rate.addTo(piece);
            return emit(piece);
        },
        cancel);
    if (reason != FinishReason::Cancelled) {
        Json last = chunk(Json::object());
        addEnd(last, reason);
        emit(last);
    }
}

Json ChatAnswer::whole(Engine& engine, const std::stop_token& cancel) {
    std::string text;
    const FinishReason reason = generate(
        engine,
        [&text](const std::string& piece) {
            text += piece;
            return true;
        },
        cancel);
    if (reason == FinishReason::Cancelled) {
        throw Cancelled();
    }
    Json answer = document("chat.completion");
    answer["choices"] =
        Json::array({{{"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}}});
    addEnd(answer, reason);
    return answer;
}

} // namespace caldera
