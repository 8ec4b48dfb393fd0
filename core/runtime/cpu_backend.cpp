#include "core/runtime/cpu_backend.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/machine.h"
#include "core/base/pause.h"
#include "core/base/text.h"
#include "core/runtime/attention.h"
#include "core/runtime/kv_cache.h"
#include "core/runtime/linear.h"
#include "core/runtime/rope.h"
#include "core/runtime/swappable_group.h"
#include "core/runtime/table.h"
#include "core/runtime/thread_pool.h"
#include "kernels/dense/dense.h"

namespace caldera {

namespace {

/// Prompt tokens that go through the model together: packed weights are decoded once for them.
constexpr int kPromptBatch = 64;

struct Layer {
    std::vector<float> inputNorm;
    std::vector<float> postAttentionNorm;
    SwappableGroup qkv;
    SwappableGroup o;
    SwappableGroup gateUp;
    SwappableGroup down;

    SwappableGroup& group(InputGroup which) {
        return which == InputGroup::Qkv      ? qkv
               : which == InputGroup::O      ? o
               : which == InputGroup::GateUp ? gateUp
                                             : down;
    }
};

/// Which linear of its group a module is.
size_t memberOf(Module module) {
    size_t member = 0;
    for (const Module other : kModules) {
        if (other == module) {
            break;
        }
        member += inputGroupOf(other) == inputGroupOf(module) ? 1 : 0;
    }
    return member;
}

SwappableGroup loadGroup(const Artifact& artifact, int layer, InputGroup group) {
    std::vector<ArtifactCell> cells;
    for (const Module module : kModules) {
        if (inputGroupOf(module) == group) {
            cells.push_back(artifact.cell({layer, module}));
        }
    }
    return SwappableGroup(std::move(cells));
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
    kernels::rmsNorm(x.data(), weight.data(), static_cast<int64_t>(x.size()),
                     static_cast<float>(epsilon), out);
}

/// Activations of a batch of tokens, row-major by token.
struct Activations {
    Activations(const ModelConfig& config, int tokens) {
        const auto rows = [tokens](int64_t columns) {
            return std::vector<float>(static_cast<size_t>(tokens * columns));
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

class CpuBackend : public Backend {
public:
    CpuBackend(std::shared_ptr<const Artifact> artifact, const EngineSettings& settings)
        : artifact_(std::move(artifact)), config_(artifact_->config()),
          poolTokens_(cpuPoolTokens(*artifact_, settings, readMachine().freeMemoryBytes)),
          pool_(settings.threads, settings.isPinned ? Pinning::Pinned : Pinning::Free),
          rope_(config_, settings.contextLength), attention_(config_, pool_),
          embedding_(artifact_->embedding()), head_(artifact_->head()),
          finalNorm_(artifact_->norm("model.norm.weight")),
          activations_(config_, std::max(kPromptBatch, settings.chats)),
          logits_(static_cast<size_t>(config_.vocabSize) * static_cast<size_t>(settings.chats)),
          samplers_(static_cast<size_t>(settings.chats)) {
        workspace_.activationBits =
            settings.activationBits > 0 ? settings.activationBits : kBestActivationBits;
        for (int slot = 0; slot < settings.chats; ++slot) {
            caches_.emplace_back(config_, settings.contextLength);
        }
        for (int layer = 0; layer < config_.layerCount; ++layer) {
            layers_.push_back(loadLayer(*artifact_, layer));
        }
    }

    const Artifact& artifact() const override { return *artifact_; }
    int contextLength() const override { return caches_.front().capacity(); }
    int slots() const override { return static_cast<int>(caches_.size()); }
    int64_t poolTokens() const override { return poolTokens_; }
    int promptBatch() const override { return kPromptBatch; }
    BackendMemory memory() const override {
        return {weightBytes(), KvCache::tokenBytes(config_), 0};
    }

    int length(int slot) const override { return caches_[static_cast<size_t>(slot)].length(); }
    void truncate(int slot, int length) noexcept override { cache(slot).truncate(length); }
    void append(int slot, std::span<const Token> tokens, bool wantsLogits,
                const std::stop_token& cancel) override;
    void step(std::span<const Next> next) override;
    std::span<const Token> choose(std::span<const TokenChoice> choices, int vocabulary) override;
    std::span<const float> logits() override { return rowsOfLogits(0, logitRows_); }
    void swapCells(std::span<const CellSwap> swaps) override;

private:
    /// One token on its way through the model. Neighbours in a batch may be of one sequence.
    struct Row {
        Token token;
        KvCache* cache;
        int position;
    };
    using Batch = std::span<const Row>;

    KvCache& cache(int slot) { return caches_[static_cast<size_t>(slot)]; }
    /// Throws Cancelled. The caches do not count the tokens yet, so it leaves no trace.
    void pass(Batch batch, const std::stop_token& cancel);
    void attend(const Layer& layer, int index, Batch batch);
    void storeKeys(int index, Batch batch);
    void feedForward(const Layer& layer, Batch batch);
    void normalise(std::span<const float> weight, Batch batch);
    void addChange(Batch batch);
    /// Logits of the rows [first, first + count) of the last batch.
    void makeLogits(size_t first, size_t count);
    std::span<float> rowsOfLogits(size_t first, size_t count) {
        const auto vocabulary = static_cast<size_t>(config_.vocabSize);
        return std::span(logits_).subspan(first * vocabulary, count * vocabulary);
    }
    int64_t weightBytes() const;

    std::shared_ptr<const Artifact> artifact_;
    const ModelConfig& config_;
    int64_t poolTokens_;
    ThreadPool pool_;
    RotaryEmbedding rope_;
    std::vector<KvCache> caches_; ///< by slot
    Attention attention_;
    Table embedding_;
    Table head_;
    std::vector<float> finalNorm_;
    std::vector<Layer> layers_;
    LinearWorkspace workspace_;
    Activations activations_;
    std::vector<float> logits_;                      ///< [slots, vocab]
    size_t logitRows_ = 0;                           ///< of them that are there
    std::vector<kernels::SampleWorkspace> samplers_; ///< by row
    std::vector<Token> chosen_;
};

void CpuBackend::append(int slot, std::span<const Token> tokens, bool wantsLogits,
                        const std::stop_token& cancel) {
    KvCache& sequence = cache(slot);
    std::vector<Row> rows;
    for (const Token token : tokens) {
        rows.push_back({token, &sequence, sequence.length() + static_cast<int>(rows.size())});
    }
    pass(rows, cancel);
    sequence.append(static_cast<int>(rows.size()));
    logitRows_ = 0;
    if (wantsLogits) {
        makeLogits(rows.size() - 1, 1);
    }
}

void CpuBackend::step(std::span<const Next> next) {
    std::vector<Row> rows;
    for (const auto& [slot, token] : next) {
        rows.push_back({token, &cache(slot), length(slot)});
    }
    pass(rows, {});
    for (const Row& row : rows) {
        row.cache->append(1);
    }
    makeLogits(0, rows.size());
}

void CpuBackend::swapCells(std::span<const CellSwap> swaps) {
    std::map<std::pair<int, InputGroup>, SwappableGroup> changed;
    for (const auto& [cell, with] : swaps) {
        const auto key = std::pair(cell.layer, inputGroupOf(cell.module));
        const auto known = changed.find(key);
        const SwappableGroup& before =
            known != changed.end() ? known->second
                                   : layers_[static_cast<size_t>(cell.layer)].group(key.second);
        changed.insert_or_assign(key, before.with(memberOf(cell.module), with));
    }
    for (auto& [key, group] : changed) {
        layers_[static_cast<size_t>(key.first)].group(key.second) = std::move(group);
    }
}

void CpuBackend::pass(Batch batch, const std::stop_token& cancel) {
    for (size_t t = 0; t < batch.size(); ++t) {
        embedding_.row(batch[t].token,
                       activations_.hidden.data() + t * static_cast<size_t>(config_.hiddenSize));
    }
    for (int index = 0; index < config_.layerCount; ++index) {
        checkCancelled(cancel);
        const Layer& layer = layers_[static_cast<size_t>(index)];
        normalise(layer.inputNorm, batch);
        attend(layer, index, batch);
        addChange(batch);
        normalise(layer.postAttentionNorm, batch);
        feedForward(layer, batch);
        addChange(batch);
    }
}

void CpuBackend::makeLogits(size_t first, size_t count) {
    const auto size = static_cast<size_t>(config_.hiddenSize);
    logitRows_ = count;
    for (size_t i = 0; i < count; ++i) {
        rmsNorm(std::span(activations_.hidden).subspan((first + i) * size, size), finalNorm_,
                config_.rmsNormEpsilon, activations_.normed.data() + i * size);
    }
    head_.multiply(pool_,
                   {activations_.normed.data(), static_cast<int64_t>(count), config_.hiddenSize},
                   {logits_.data(), config_.vocabSize});
}

std::span<const Token> CpuBackend::choose(std::span<const TokenChoice> choices, int vocabulary) {
    chosen_.resize(choices.size());
    pool_.run(std::ssize(choices), [&](int64_t i, int) {
        const auto row = static_cast<size_t>(i);
        const auto logits = rowsOfLogits(row, 1).first(static_cast<size_t>(vocabulary));
        chosen_[row] =
            kernels::sampleToken(choices[row].how, choices[row].seen, logits, samplers_[row]);
    });
    return chosen_;
}

void CpuBackend::normalise(std::span<const float> weight, Batch batch) {
    const auto size = static_cast<size_t>(config_.hiddenSize);
    pool_.run(std::ssize(batch), [&](int64_t t, int) {
        const size_t first = static_cast<size_t>(t) * size;
        rmsNorm(std::span(activations_.hidden).subspan(first, size), weight, config_.rmsNormEpsilon,
                activations_.normed.data() + first);
    });
}

void CpuBackend::addChange(Batch batch) {
    const int64_t size = config_.hiddenSize;
    pool_.run(std::ssize(batch), [&](int64_t t, int) {
        for (int64_t i = t * size; i < (t + 1) * size; ++i) {
            activations_.hidden[static_cast<size_t>(i)] +=
                activations_.change[static_cast<size_t>(i)];
        }
    });
}

/// Turns queries and keys by their positions; keys and values go to the caches.
void CpuBackend::storeKeys(int index, Batch batch) {
    Activations& a = activations_;
    const int64_t size = config_.headSize;
    pool_.run(std::ssize(batch), [&](int64_t t, int) {
        const auto& [token, cache, position] = batch[static_cast<size_t>(t)];
        rope_.rotate(a.q.data() + t * config_.headCount * size, config_.headCount, position);
        float* keys = a.k.data() + t * config_.kvHeadCount * size;
        const float* values = a.v.data() + t * config_.kvHeadCount * size;
        rope_.rotate(keys, config_.kvHeadCount, position);
        for (int head = 0; head < config_.kvHeadCount; ++head) {
            std::copy_n(keys + head * size, size, cache->keys(index, head) + position * size);
            std::copy_n(values + head * size, size, cache->values(index, head) + position * size);
        }
    });
}

void CpuBackend::attend(const Layer& layer, int index, Batch batch) {
    Activations& a = activations_;
    const std::array qkv = {a.q.data(), a.k.data(), a.v.data()};
    layer.qkv.apply(pool_, workspace_, a.normed.data(), std::ssize(batch), qkv);
    storeKeys(index, batch);
    const int64_t size = int64_t{config_.headCount} * config_.headSize;
    for (auto first = batch.begin(); first != batch.end();) {
        const auto end = std::find_if(
            first, batch.end(), [first](const Row& row) { return row.cache != first->cache; });
        const int64_t offset = (first - batch.begin()) * size;
        attention_.apply(*first->cache, index, first->position, end - first, a.q.data() + offset,
                         a.attended.data() + offset);
        first = end;
    }
    const std::array out = {a.change.data()};
    layer.o.apply(pool_, workspace_, a.attended.data(), std::ssize(batch), out);
}

void CpuBackend::feedForward(const Layer& layer, Batch batch) {
    Activations& a = activations_;
    const std::array gateUp = {a.gate.data(), a.up.data()};
    layer.gateUp.apply(pool_, workspace_, a.normed.data(), std::ssize(batch), gateUp);
    const int64_t size = config_.intermediateSize;
    pool_.run(std::ssize(batch), [&](int64_t t, int) {
        kernels::swiGlu(a.gate.data() + t * size, a.up.data() + t * size, size);
    });
    const std::array out = {a.change.data()};
    layer.down.apply(pool_, workspace_, a.gate.data(), std::ssize(batch), out);
}

int64_t CpuBackend::weightBytes() const {
    int64_t bytes = head_.bytes() + embedding_.rowBytes() +
                    static_cast<int64_t>(finalNorm_.size() * sizeof(float));
    for (const Layer& layer : layers_) {
        bytes += layer.qkv.bytes() + layer.o.bytes() + layer.gateUp.bytes() + layer.down.bytes();
        bytes += static_cast<int64_t>((layer.inputNorm.size() + layer.postAttentionNorm.size()) *
                                      sizeof(uint16_t));
    }
    return bytes;
}

} // namespace

int64_t cpuPoolTokens(const Artifact& artifact, const EngineSettings& settings, int64_t memory) {
    const int64_t tokenBytes = KvCache::tokenBytes(artifact.config());
    const int64_t held = std::max<int64_t>(memory - artifact.fileBytes(), 0) / tokenBytes /
                         kPageTokens * kPageTokens;
    const int64_t one = usedTokens(settings.contextLength);
    if (held < one) {
        const std::string context = std::to_string(settings.contextLength);
        const std::string needed = memoryText(static_cast<uint64_t>(one * tokenBytes));
        throw Error("engine.memory",
                    "A context of " + context + " tokens needs " + needed +
                        " for keys and values; beside " + artifact.name() +
                        " the free memory of this machine holds " + std::to_string(held) +
                        " tokens. Choose a smaller --context.",
                    {{"context", context}, {"needed", needed}, {"held", std::to_string(held)}});
    }
    return std::min(held, one * settings.chats);
}

std::unique_ptr<Backend> openCpuBackend(std::shared_ptr<const Artifact> artifact,
                                        const EngineSettings& settings) {
    return std::make_unique<CpuBackend>(std::move(artifact), settings);
}

} // namespace caldera
