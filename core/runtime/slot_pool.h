// Who has which slot of a backend, and what each slot remembers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/runtime/backend.h"

namespace caldera {

/// Shares the slots and the pool of a backend out among answers. A slot that was left keeps its
/// tokens until the slot or its room is needed, so that a conversation goes on where it stood.
class SlotPool {
public:
    explicit SlotPool(Backend& backend);

    /// A slot for an answer that will have at most `most` tokens, the prompt included. The slot
    /// holds what it shares with the prompt, at most all but the last token. Nothing when all slots
    /// are taken, or the pool has no room until another answer ends.
    std::optional<int> take(std::span<const Token> prompt, int64_t most);
    /// The tokens stay; only what they really take counts from now on.
    void leave(int slot);
    /// After a failure: what the slot holds is not to be trusted.
    void forget(int slot);

    int length(int slot) const { return static_cast<int>(at(slot).tokens.size()); }
    /// Notes what was appended to the backend's slot.
    void append(int slot, std::span<const Token> tokens);
    /// Tokens of the pool that are in use or promised, in whole pages.
    int64_t usedTokens() const;

private:
    struct Slot {
        std::vector<Token> tokens;
        int64_t promised = 0; ///< tokens of the pool; 0: idle
        uint64_t lastUse = 0; ///< number of the use; 0: never
        bool isIdle() const { return promised == 0; }
        int64_t used() const;
    };
    Slot& at(int slot) { return slots_[static_cast<size_t>(slot)]; }
    const Slot& at(int slot) const { return slots_[static_cast<size_t>(slot)]; }
    int64_t promisedTokens() const;
    std::optional<int> choose(std::span<const Token> prompt) const;
    /// The idle slot whose last use is longest ago.
    std::optional<int> oldest(bool withTokens) const;
    void truncate(int slot, size_t length);

    Backend& backend_;
    std::vector<Slot> slots_;
    uint64_t uses_ = 0;
};

} // namespace caldera
