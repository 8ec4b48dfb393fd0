#include "core/runtime/kv_cache.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/runtime/backend.h"

namespace caldera {

KvCache::KvCache(const ModelConfig& config, int capacity)
    : layers_(config.layerCount), heads_(config.kvHeadCount), headSize_(config.headSize),
      capacity_(capacity), keys_(reserve()), values_(reserve()) {}

int64_t KvCache::tokenBytes(const ModelConfig& config) {
    return int64_t{2} * static_cast<int64_t>(sizeof(float)) * config.layerCount *
           config.kvHeadCount * config.headSize;
}

KvCache::Memory KvCache::reserve() const {
    const size_t bytes = static_cast<size_t>(offset(layers_, 0)) * sizeof(float);
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        const std::string needed = memoryText(2 * bytes);
        throw Error(
            "engine.memory",
            "A context of " + std::to_string(capacity_) + " tokens needs " + needed +
                " for keys and values, more than this machine gives. Choose a smaller context.",
            {{"context", std::to_string(capacity_)}, {"needed", needed}});
    }
    return Memory(static_cast<float*>(memory), Release{bytes});
}

void KvCache::Release::operator()(float* values) const {
    ::munmap(values, bytes);
}

void KvCache::truncate(int length) noexcept {
    const auto first = static_cast<int>(usedTokens(length));
    const int end = length_;
    length_ = length;
    for (int head = 0; first < end && head < layers_ * heads_; ++head) {
        giveBack(keys(0, head), first, end);
        giveBack(values(0, head), first, end);
    }
}

/// Positions [first, end) of one head, as far as they fill whole pages of the system.
void KvCache::giveBack(float* values, int first, int end) const noexcept {
    static const auto kPage = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
    auto* begin = reinterpret_cast<char*>(values + int64_t{first} * headSize_);
    auto* last = reinterpret_cast<char*>(values + int64_t{end} * headSize_);
    begin += (kPage - reinterpret_cast<uintptr_t>(begin) % kPage) % kPage;
    last -= reinterpret_cast<uintptr_t>(last) % kPage;
    if (begin < last) {
        ::madvise(begin, static_cast<size_t>(last - begin), MADV_DONTNEED);
    }
}

} // namespace caldera
