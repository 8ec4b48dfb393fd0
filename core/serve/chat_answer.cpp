#include "core/serve/chat_answer.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "core/base/elapsed.h"
#include "core/base/random_hex.h"
#include "core/model/model.h"
#include "core/serve/chance_document.h"
#include "core/serve/stop_filter.h"

namespace caldera {

namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr double kRateInterval = 0.1; // seconds between two live figures

int64_t unixTime() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

/// Speed of the answer so far, seldom enough not to crowd the stream.
class LiveRate {
public:
    void count(int tokens) {
        if (tokens_ == 0) {
            first_ = Clock::now();
            atFirst_ = tokens;
        }
        tokens_ += tokens;
    }
    /// Adds "caldera" to a chunk when it is time.
    void addTo(Json& chunk) {
        const double elapsed = secondsSince(first_);
        if (tokens_ == atFirst_ || elapsed <= 0 ||
            (shown_ && secondsSince(last_) < kRateInterval)) {
            return;
        }
        shown_ = true;
        last_ = Clock::now();
        chunk["caldera"] = {{"generated_tokens", tokens_},
                            {"tokens_per_second", (tokens_ - atFirst_) / elapsed}};
    }

private:
    int tokens_ = 0;
    int atFirst_ = 0; ///< tokens that came together first
    bool shown_ = false;
    Clock::time_point first_{};
    Clock::time_point last_{};
};

/// Tokens whose text is not shown yet: a stop text may begin in them, or a character be unfinished.
class UnshownTokens {
public:
    /// A token, and the characters that are whole with it.
    void add(const GeneratedToken& token, size_t characters) {
        tokens_.push_back({token, said_});
        said_ += characters;
    }
    /// Those that begin before the end of what has been shown.
    std::vector<GeneratedToken> show(size_t characters) {
        shown_ += characters;
        const auto end = std::find_if(tokens_.begin(), tokens_.end(),
                                      [this](const Unshown& each) { return each.begin >= shown_; });
        return take(end);
    }
    std::vector<GeneratedToken> rest() { return take(tokens_.end()); }

private:
    struct Unshown {
        GeneratedToken token;
        size_t begin;
    };
    std::vector<GeneratedToken> take(std::vector<Unshown>::iterator end) {
        std::vector<GeneratedToken> taken;
        std::transform(tokens_.begin(), end, std::back_inserter(taken),
                       [](Unshown& each) { return std::move(each.token); });
        tokens_.erase(tokens_.begin(), end);
        return taken;
    }

    std::vector<Unshown> tokens_;
    size_t said_ = 0;
    size_t shown_ = 0;
};

/// Makes pieces of tokens: whole characters, up to a stop text, what is handed over at once as one.
class PieceStream {
public:
    PieceStream(const Tokenizer& tokenizer, const ChatRequest& request,
                const ChatAnswer::OnPiece& onPiece)
        : tokenizer_(tokenizer), filter_(request.stop),
          wantsChances_(request.sampling.likeliest >= 0), onPiece_(onPiece) {}

    /// False: no more tokens are needed.
    bool take(const GeneratedToken& token) {
        ++piece_.taken;
        const std::string text = characters_.push(tokenizer_.decode({&token.token, 1}));
        if (wantsChances_) {
            unshown_.add(token, text.size());
        }
        return pass(filter_.push(text), token.isFollowed);
    }
    /// What was held back, after the last token.
    void finish() {
        if (filter_.found()) {
            return;
        }
        pass(filter_.push(characters_.finish()), false);
        pass(filter_.finish(), false);
        if (auto tokens = unshown_.rest(); !tokens.empty() && isWanted_ && !filter_.found()) {
            onPiece_({"", std::move(tokens), 0}); // of marks that have no text
        }
    }
    /// Whether somebody still reads.
    bool isWanted() const { return isWanted_; }

private:
    bool pass(const std::string& text, bool isFollowed) {
        piece_.text += text;
        std::ranges::move(unshown_.show(text.size()), std::back_inserter(piece_.tokens));
        if ((!isFollowed || filter_.found()) && !piece_.text.empty()) {
            isWanted_ = isWanted_ && onPiece_(std::exchange(piece_, {}));
        }
        return isWanted_ && !filter_.found();
    }

    const Tokenizer& tokenizer_;
    StopFilter filter_;
    bool wantsChances_;
    const ChatAnswer::OnPiece& onPiece_;
    Utf8Stream characters_;
    UnshownTokens unshown_;
    AnswerPiece piece_;
    bool isWanted_ = true;
};

std::vector<Token> promptOf(const Artifact& artifact, const ChatRequest& request,
                            const std::stop_token& cancel) {
    const Tokenizer& tokenizer = *artifact.tokenizer();
    if (!request.continues) {
        return encodeChat(tokenizer, artifact.chat(), request.messages, cancel);
    }
    std::vector<ChatMessage> before = request.messages;
    const std::string begun = before.back().content;
    before.pop_back();
    std::vector<Token> prompt = encodeChat(tokenizer, artifact.chat(), before, cancel);
    const std::vector<Token> tokens = tokenizer.encode(begun, Tokenizer::Special::AsText, cancel);
    prompt.insert(prompt.end(), tokens.begin(), tokens.end());
    return prompt;
}

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

ChatAnswer::ChatAnswer(const Engine& engine, ChatRequest request, const std::stop_token& cancel)
    : request_(std::move(request)), id_("chatcmpl-" + randomHex(24)),
      model_(engine.artifact().name()), created_(unixTime()) {
    const Artifact& artifact = engine.artifact();
    prompt_ = promptOf(artifact, request_, cancel);
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

FinishReason ChatAnswer::generate(Engine& engine, const OnPiece& onPiece,
                                  const std::stop_token& cancel) {
    PieceStream pieces(*engine.artifact().tokenizer(), request_, onPiece);
    SamplingOptions sampling = request_.sampling;
    sampling.handOver = kHandOver;
    const FinishReason reason = engine.generate(
        prompt_, stop_, sampling,
        [&pieces](const GeneratedToken& token) { return pieces.take(token); }, statistics_, cancel);
    if (!pieces.isWanted()) {
        return FinishReason::Cancelled;
    }
    if (reason != FinishReason::Cancelled) {
        pieces.finish();
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

Json ChatAnswer::chancesOf(const Engine& engine, const std::vector<GeneratedToken>& tokens) const {
    if (request_.sampling.likeliest < 0) {
        return nullptr;
    }
    Json content = Json::array();
    for (const GeneratedToken& token : tokens) {
        content.push_back(chanceDocument(*engine.artifact().tokenizer(), token));
    }
    return {{"content", std::move(content)}, {"refusal", nullptr}};
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
        [&](const AnswerPiece& piece) {
            rate.count(piece.taken);
            Json next = chunk({{"content", piece.text}});
            next["choices"][0]["logprobs"] = chancesOf(engine, piece.tokens);
            rate.addTo(next);
            return emit(next);
        },
        cancel);
    if (reason != FinishReason::Cancelled) {
        Json last = chunk(Json::object());
        addEnd(last, reason);
        const Json usage = last["usage"];
        if (emit(last) && request_.includesUsage) {
            Json extra = document("chat.completion.chunk");
            extra["choices"] = Json::array();
            extra["usage"] = usage;
            emit(extra);
        }
    }
}

Json ChatAnswer::whole(Engine& engine, const std::stop_token& cancel) {
    AnswerPiece all;
    const FinishReason reason = generate(
        engine,
        [&all](const AnswerPiece& piece) {
            all.text += piece.text;
            all.tokens.insert(all.tokens.end(), piece.tokens.begin(), piece.tokens.end());
            return true;
        },
        cancel);
    if (reason == FinishReason::Cancelled) {
        throw Cancelled();
    }
    Json answer = document("chat.completion");
    answer["choices"] = Json::array({{{"index", 0},
                                      {"message", {{"role", "assistant"}, {"content", all.text}}},
                                      {"logprobs", chancesOf(engine, all.tokens)}}});
    addEnd(answer, reason);
    return answer;
}

} // namespace caldera
