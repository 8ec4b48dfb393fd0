#include "core/runtime/kv_cache.h"

#include <new>

#include "core/base/error.h"
#include "core/base/text.h"

namespace caldera {

KvCache::KvCache(const ModelConfig& config, int capacity)
    : layers_(config.layerCount), heads_(config.kvHeadCount), headSize_(config.headSize),
      capacity_(capacity) {
    const auto size = static_cast<size_t>(offset(layers_, 0));
    // Without initialisation, so that untouched pages cost nothing.
    keys_.reset(new (std::nothrow) float[size]);
    values_.reset(new (std::nothrow) float[size]);
    if (!keys_ || !values_) {
        const std::string needed = byteText(2 * size * sizeof(float));
        throw Error("engine.memory",
                    "A context of " + std::to_string(capacity) + " tokens needs " + needed +
                        " for keys and values, more than this machine gives. Choose a smaller "
                        "context.",
                    {{"context", std::to_string(capacity)}, {"needed", needed}});
    }
}

int64_t KvCache::bytes() const {
    return int64_t{2} * static_cast<int64_t>(sizeof(float)) * layers_ * heads_ * headSize_ *
           length();
}

void KvCache::append(std::span<const Token> tokens) {
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
}

} // namespace caldera
