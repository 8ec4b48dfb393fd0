#include "core/runtime/cuda/device_cache.h"

#include "core/runtime/backend.h"

namespace caldera {

static_assert(kPageTokens == kernels::kPageTokens);

DeviceCache::DeviceCache(const ModelConfig& config, int pages, int bits)
    : numbers_(static_cast<int64_t>(pages) * kPageTokens * config.kvHeadCount * config.headSize),
      vectors_(static_cast<int64_t>(pages) * kPageTokens * config.kvHeadCount), bits_(bits),
      keys_(static_cast<size_t>(numbers_ * config.layerCount * bits / 8)), values_(keys_.size()),
      keyScale_(bits == 8 ? static_cast<size_t>(vectors_ * config.layerCount) : 0),
      valueScale_(keyScale_.size()) {}

kernels::StepCache DeviceCache::layer(int index) const {
    kernels::StepCache cache;
    const int64_t bytes = numbers_ * bits_ / 8;
    cache.keys = keys_.data() + index * bytes;
    cache.values = values_.data() + index * bytes;
    if (bits_ == 8) {
        cache.keyScale = keyScale_.data() + index * vectors_;
        cache.valueScale = valueScale_.data() + index * vectors_;
    }
    cache.bits = bits_;
    return cache;
}

} // namespace caldera
