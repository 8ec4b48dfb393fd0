#include "core/runtime/slot_pool.h"

#include <algorithm>
#include <numeric>

namespace caldera {

namespace {

/// The last token of a prompt is always run, for its logits.
size_t sharedLength(std::span<const Token> prompt, std::span<const Token> tokens) {
    const std::span<const Token> limit = prompt.first(prompt.size() - 1);
    const auto end = std::mismatch(limit.begin(), limit.end(), tokens.begin(), tokens.end()).first;
    return static_cast<size_t>(end - limit.begin());
}

} // namespace

SlotPool::SlotPool(Backend& backend)
    : backend_(backend), slots_(static_cast<size_t>(backend.slots())) {}

int64_t SlotPool::Slot::used() const {
    return isIdle() ? caldera::usedTokens(static_cast<int64_t>(tokens.size())) : promised;
}

std::optional<int> SlotPool::take(std::span<const Token> prompt, int64_t most) {
    const int64_t needed = caldera::usedTokens(most);
    const auto slot = choose(prompt);
    if (!slot || promisedTokens() + needed > backend_.poolTokens()) {
        return std::nullopt;
    }
    truncate(*slot, sharedLength(prompt, at(*slot).tokens));
    at(*slot).promised = needed;
    at(*slot).lastUse = ++uses_;
    while (usedTokens() > backend_.poolTokens()) {
        forget(*oldest(true)); // there is one, for the promises alone have room
    }
    return slot;
}

void SlotPool::leave(int slot) {
    at(slot).promised = 0;
    at(slot).lastUse = at(slot).tokens.empty() ? 0 : ++uses_;
}

void SlotPool::forget(int slot) {
    truncate(slot, 0);
    at(slot).lastUse = 0;
}

void SlotPool::append(int slot, std::span<const Token> tokens) {
    at(slot).tokens.insert(at(slot).tokens.end(), tokens.begin(), tokens.end());
}

int64_t SlotPool::usedTokens() const {
    return std::accumulate(slots_.begin(), slots_.end(), int64_t{0},
                           [](int64_t sum, const Slot& slot) { return sum + slot.used(); });
}

int64_t SlotPool::promisedTokens() const {
    return std::accumulate(slots_.begin(), slots_.end(), int64_t{0},
                           [](int64_t sum, const Slot& slot) { return sum + slot.promised; });
}

/// The conversation that goes on, unless more of it would be lost than is saved: a prompt that only
/// begins alike, as with the same system message, takes the slot that was idle longest.
std::optional<int> SlotPool::choose(std::span<const Token> prompt) const {
    std::optional<int> best;
    size_t longest = 0;
    for (int slot = 0; slot < static_cast<int>(slots_.size()); ++slot) {
        const size_t shared = at(slot).isIdle() ? sharedLength(prompt, at(slot).tokens) : 0;
        if (shared > longest) {
            best = slot;
            longest = shared;
        }
    }
    return best && 2 * longest >= at(*best).tokens.size() ? best : oldest(false);
}

std::optional<int> SlotPool::oldest(bool withTokens) const {
    std::optional<int> result;
    for (int slot = 0; slot < static_cast<int>(slots_.size()); ++slot) {
        const Slot& candidate = at(slot);
        const bool suits = candidate.isIdle() && !(withTokens && candidate.tokens.empty());
        if (suits && (!result || candidate.lastUse < at(*result).lastUse)) {
            result = slot;
        }
    }
    return result;
}

void SlotPool::truncate(int slot, size_t length) {
    backend_.truncate(slot, static_cast<int>(length));
    at(slot).tokens.resize(length);
}

} // namespace caldera
