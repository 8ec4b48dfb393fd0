#include "core/runtime/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "core/base/error.h"
#include "core/base/half.h"
#include "core/codec/codec_tables.h"
#include "core/runtime/attention.h"
#include "core/runtime/kv_cache.h"
#include "core/runtime/linear.h"
#include "core/runtime/rope.h"
#include "core/runtime/sampler.h"
#include "core/runtime/table.h"
#include "core/runtime/token_clock.h"

namespace caldera {

namespace {

/// Prompt tokens that go through the model together: packed weights are decoded once for them.
constexpr size_t kPromptBatch = 64;

struct Layer {
    std::vector<float> inputNorm;
    std::vector<float> postAttentionNorm;
    GroupLinear qkv;
    GroupLinear o;
    GroupLinear gateUp;
    GroupLinear down;
};

GroupLinear loadGroup(const Artifact& artifact, int layer, InputGroup group) {
    std::vector<ArtifactCell> cells;
    for (const Module module : kModules) {
        if (inputGroupOf(module) == group) {
            cells.push_back(artifact.cell({layer, module}));
        }
    }
    return GroupLinear(std::move(cells));
}

Layer loadLayer(const Artifact& artifact, int layer) {
    const std::string prefix = "model.layers." + std::to_string(layer);
    return {artifact.norm(prefix + ".input_layernorm.weight"),
            artifact.norm(prefix + ".post_attention_layernorm.weight"),
            loadGroup(artifact, layer, InputGroup::Qkv),
            loadGroup(artifact, layer, InputGroup::O),
            loadGroup(artifact, layer, InputGroup::GateUp),
            loadGroup(artifact, layer, InputGroup::Down)};
}

/// x [size] / rms(x) * weight.
void rmsNorm(std::span<const float> x, std::span<const float> weight, double epsilon, float* out) {
    double squares = 0;
    for (const float value : x) {
        squares += static_cast<double>(value) * value;
    }
    const auto scale =
        static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(x.size()) + epsilon));
    for (size_t i = 0; i < x.size(); ++i) {
        out[i] = x[i] * scale * weight[i];
    }
}

/// Activations of a batch of tokens, row-major by token.
struct Activations {
    explicit Activations(const ModelConfig& config) {
        const auto rows = [](int64_t columns) {
            return std::vector<float>(kPromptBatch * static_cast<size_t>(columns));
        };
        const int64_t queries = config.shapeOf(Module::QProj).rows;
        const int64_t keys = config.shapeOf(Module::KProj).rows;
        hidden = rows(config.hiddenSize);
        normed = rows(config.hiddenSize);
        change = rows(config.hiddenSize);
        q = rows(queries);
        k = rows(keys);
        v = rows(keys);
        attended = rows(queries);
        gate = rows(config.intermediateSize);
        up = rows(config.intermediateSize);
    }
    std::vector<float> hidden; ///< the residual stream
    std::vector<float> normed;
    std::vector<float> change; ///< what a sublayer adds to the residual stream
    std::vector<float> q, k, v, attended, gate, up;
};

class CpuEngine : public Engine {
public:
    CpuEngine(std::shared_ptr<const Artifact> artifact, int contextLength, int threads)
        : artifact_(std::move(artifact)), config_(artifact_->config()), pool_(threads),
          rope_(config_, contextLength), cache_(config_, contextLength), attention_(config_, pool_),
          embedding_(artifact_->embedding()), head_(artifact_->head()),
          finalNorm_(artifact_->norm("model.norm.weight")), activations_(config_),
          logits_(static_cast<size_t>(config_.vocabSize)) {
        for (int layer = 0; layer < config_.layerCount; ++layer) {
            layers_.push_back(loadLayer(*artifact_, layer));
        }
    }

    const Artifact& artifact() const override { return *artifact_; }
    int contextLength() const override { return cache_.capacity(); }
    void reset() override { cache_.truncate(0); }

    std::span<const float> forward(std::span<const Token> tokens) override {
        append(tokens, {});
        return logits_;
    }

    FinishReason generate(std::span<const Token> prompt, std::span<const Token> stop,
                          const SamplingOptions& options, const std::function<bool(Token)>& onToken,
                          GenerationStatistics& statistics, const std::stop_token& cancel) override;

private:
    struct Batch {
        std::span<const Token> tokens;
        int first = 0; ///< position of the first token
        int64_t count() const { return static_cast<int64_t>(tokens.size()); }
    };

    void checkTokens(std::span<const Token> tokens) const;
    void append(std::span<const Token> tokens, const std::stop_token& cancel);
    void appendBatch(std::span<const Token> tokens, const std::stop_token& cancel);
    void attend(const Layer& layer, int index, const Batch& batch);
    void feedForward(const Layer& layer, const Batch& batch);
    void normalise(std::span<const float> weight, const Batch& batch);
    void addChange(const Batch& batch);
    int64_t weightBytes() const;
    /// Keeps what the cache and the prompt share, at most all but the last prompt token.
    int reusePrefix(std::span<const Token> prompt);
    /// One answer in the making.
    struct Answer {
        std::span<const Token> prompt;
        std::span<const Token> stop;
        int maxTokens;
        const std::function<bool(Token)>& onToken;
        Sampler sampler;
        TokenClock clock;
    };
    FinishReason sampleUntilEnd(Answer& answer, const std::stop_token& cancel);

    std::shared_ptr<const Artifact> artifact_;
    const ModelConfig& config_;
    ThreadPool pool_;
    RotaryEmbedding rope_;
    KvCache cache_;
    Attention attention_;
    Table embedding_;
    Table head_;
    std::vector<float> finalNorm_;
    std::vector<Layer> layers_;
    LinearWorkspace workspace_;
    Activations activations_;
    std::vector<float> logits_;
};

void CpuEngine::checkTokens(std::span<const Token> tokens) const {
    const auto room = static_cast<size_t>(cache_.capacity() - cache_.length());
    if (tokens.size() > room) {
        const auto needed = static_cast<size_t>(cache_.length()) + tokens.size();
        throw Error(
            "engine.context-full",
            "The conversation has " + std::to_string(needed) +
                " tokens, more than the context of " + std::to_string(cache_.capacity()) +
                ". Shorten it, or start with a larger context.",
            {{"tokens", std::to_string(needed)}, {"context", std::to_string(cache_.capacity())}});
    }
    for (const Token token : tokens) {
        if (token < 0 || token >= config_.vocabSize) {
            throw Error("engine.token",
                        "Token " + std::to_string(token) + " is not in the vocabulary of " +
                            std::to_string(config_.vocabSize) +
                            " tokens; the tokenizer does not belong to this model.",
                        {{"token", std::to_string(token)}});
        }
    }
}

void CpuEngine::append(std::span<const Token> tokens, const std::stop_token& cancel) {
    checkTokens(tokens);
    while (!tokens.empty()) {
        const size_t count = std::min(tokens.size(), kPromptBatch);
        appendBatch(tokens.first(count), cancel);
        tokens = tokens.subspan(count);
        if (tokens.empty()) {
            const std::span<const float> last =
                std::span(activations_.hidden)
                    .subspan((count - 1) * static_cast<size_t>(config_.hiddenSize),
                             static_cast<size_t>(config_.hiddenSize));
            rmsNorm(last, finalNorm_, config_.rmsNormEpsilon, activations_.normed.data());
            head_.multiply(pool_, activations_.normed.data(), logits_);
        }
    }
}

/// The cache only counts the tokens when all layers are done, so a cancelled batch leaves no trace.
void CpuEngine::appendBatch(std::span<const Token> tokens, const std::stop_token& cancel) {
    const Batch batch{tokens, cache_.length()};
    for (size_t t = 0; t < tokens.size(); ++t) {
        embedding_.row(tokens[t],
                       activations_.hidden.data() + t * static_cast<size_t>(config_.hiddenSize));
    }
    for (int index = 0; index < config_.layerCount; ++index) {
        if (cancel.stop_requested()) {
            throw Cancelled();
        }
        const Layer& layer = layers_[static_cast<size_t>(index)];
        normalise(layer.inputNorm, batch);
        attend(layer, index, batch);
        addChange(batch);
        normalise(layer.postAttentionNorm, batch);
        feedForward(layer, batch);
        addChange(batch);
    }
    cache_.append(tokens);
}

void CpuEngine::normalise(std::span<const float> weight, const Batch& batch) {
    const auto size = static_cast<size_t>(config_.hiddenSize);
    pool_.run(batch.count(), [&](int64_t t, int) {
        const size_t first = static_cast<size_t>(t) * size;
        rmsNorm(std::span(activations_.hidden).subspan(first, size), weight, config_.rmsNormEpsilon,
                activations_.normed.data() + first);
    });
}

void CpuEngine::addChange(const Batch& batch) {
    const int64_t size = config_.hiddenSize;
    pool_.run(batch.count(), [&](int64_t t, int) {
        for (int64_t i = t * size; i < (t + 1) * size; ++i) {
            activations_.hidden[static_cast<size_t>(i)] +=
                activations_.change[static_cast<size_t>(i)];
        }
    });
}

void CpuEngine::attend(const Layer& layer, int index, const Batch& batch) {
    Activations& a = activations_;
    const std::array qkv = {a.q.data(), a.k.data(), a.v.data()};
    layer.qkv.apply(pool_, workspace_, a.normed.data(), batch.count(), qkv);
    const int64_t size = config_.headSize;
    pool_.run(batch.count(), [&](int64_t t, int) {
        const int position = batch.first + static_cast<int>(t);
        rope_.rotate(a.q.data() + t * config_.headCount * size, config_.headCount, position);
        float* keys = a.k.data() + t * config_.kvHeadCount * size;
        const float* values = a.v.data() + t * config_.kvHeadCount * size;
        rope_.rotate(keys, config_.kvHeadCount, position);
        for (int head = 0; head < config_.kvHeadCount; ++head) {
            std::copy_n(keys + head * size, size, cache_.keys(index, head) + position * size);
            std::copy_n(values + head * size, size, cache_.values(index, head) + position * size);
        }
    });
    attention_.apply(cache_, index, batch.first, batch.count(), a.q.data(), a.attended.data());
    const std::array out = {a.change.data()};
    layer.o.apply(pool_, workspace_, a.attended.data(), batch.count(), out);
}

void CpuEngine::feedForward(const Layer& layer, const Batch& batch) {
    Activations& a = activations_;
    const std::array gateUp = {a.gate.data(), a.up.data()};
    layer.gateUp.apply(pool_, workspace_, a.normed.data(), batch.count(), gateUp);
    const int64_t size = config_.intermediateSize;
    pool_.run(batch.count(), [&](int64_t t, int) {
        kernels::swiGlu(a.gate.data() + t * size, a.up.data() + t * size, size);
    });
    const std::array out = {a.change.data()};
    layer.down.apply(pool_, workspace_, a.gate.data(), batch.count(), out);
}

int64_t CpuEngine::weightBytes() const {
    int64_t bytes = head_.bytes() + embedding_.rowBytes() +
                    static_cast<int64_t>(finalNorm_.size() * sizeof(float));
    for (const Layer& layer : layers_) {
        bytes += layer.qkv.bytes() + layer.o.bytes() + layer.gateUp.bytes() + layer.down.bytes();
        bytes += static_cast<int64_t>((layer.inputNorm.size() + layer.postAttentionNorm.size()) *
                                      sizeof(uint16_t));
    }
    return bytes;
}

int CpuEngine::reusePrefix(std::span<const Token> prompt) {
    const std::span<const Token> limit = prompt.first(prompt.size() - 1);
    const auto shared =
        std::mismatch(limit.begin(), limit.end(), cache_.tokens().begin(), cache_.tokens().end());
    const auto length = static_cast<int>(shared.first - limit.begin());
    cache_.truncate(length);
    return length;
}

FinishReason CpuEngine::generate(std::span<const Token> prompt, std::span<const Token> stop,
                                 const SamplingOptions& options,
                                 const std::function<bool(Token)>& onToken,
                                 GenerationStatistics& statistics, const std::stop_token& cancel) {
    if (prompt.empty()) {
        throw Error("engine.prompt-empty", "The prompt has no token; at least one is needed.");
    }
    statistics = {};
    statistics.promptTokens = static_cast<int>(prompt.size());
    statistics.reusedTokens = reusePrefix(prompt);
    statistics.weightBytes = weightBytes();
    Answer answer{prompt, stop, options.maxTokens, onToken, Sampler(options), TokenClock()};
    FinishReason reason = FinishReason::Cancelled;
    try {
        append(prompt.subspan(static_cast<size_t>(statistics.reusedTokens)), cancel);
        answer.clock.promptDone();
        reason = sampleUntilEnd(answer, cancel);
    } catch (const Cancelled&) {
        reason = FinishReason::Cancelled;
    }
    answer.clock.report(statistics);
    statistics.cacheBytes = cache_.bytes();
    return reason;
}

FinishReason CpuEngine::sampleUntilEnd(Answer& answer, const std::stop_token& cancel) {
    std::vector<Token> history(answer.prompt.begin(), answer.prompt.end());
    // Rows of the head beyond the tokenizer's last token are padding.
    const auto vocabulary =
        std::min(logits_.size(), static_cast<size_t>(artifact_->tokenizer()->size()));
    for (int count = 0; count < answer.maxTokens; ++count) {
        if (cancel.stop_requested()) {
            return FinishReason::Cancelled;
        }
        const Token token = answer.sampler.choose(std::span(logits_).first(vocabulary), history);
        if (std::find(answer.stop.begin(), answer.stop.end(), token) != answer.stop.end()) {
            return FinishReason::Stop;
        }
        answer.clock.tokenDone();
        if (!answer.onToken(token)) {
            return FinishReason::Stop;
        }
        history.push_back(token);
        if (cache_.length() == cache_.capacity() || count + 1 == answer.maxTokens) {
            return FinishReason::Length;
        }
        append({&token, 1}, cancel);
    }
    return FinishReason::Length;
}

} // namespace

std::unique_ptr<Engine> Engine::open(std::shared_ptr<const Artifact> artifact, int contextLength,
                                     int threads) {
    const int longest = artifact->config().maxPositions;
    if (contextLength < 1 || contextLength > longest) {
        throw Error(
            "engine.context",
            "A context of " + std::to_string(contextLength) + " tokens was asked for; " +
                artifact->name() + " takes 1 to " + std::to_string(longest) + ".",
            {{"context", std::to_string(contextLength)}, {"longest", std::to_string(longest)}});
    }
    checkCodecTables(artifact->codecTables(), artifact->name());
    return std::make_unique<CpuEngine>(std::move(artifact), contextLength, threads);
}

} // namespace caldera
