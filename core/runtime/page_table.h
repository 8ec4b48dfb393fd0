// Which pages of a GPU's cache belong to which sequence.
#pragma once

#include <cstdint>
#include <vector>

namespace caldera {

/// Pages are taken as sequences grow and given back as they shrink.
class PageTable {
public:
    /// `width`: pages that one sequence can have.
    PageTable(int slots, int width, int pages);

    int width() const { return width_; }
    /// Makes room for `length` tokens of a slot. True when the slot's row changed. The pool is
    /// large enough: its users keep within it.
    bool grow(int slot, int length);
    /// Gives back the pages at and after `length` tokens.
    void shrink(int slot, int length);
    /// [slots, width] numbers of pages.
    const std::vector<int32_t>& entries() const { return entries_; }
    const int32_t* row(int slot) const {
        return entries_.data() + static_cast<int64_t>(slot) * width_;
    }

private:
    int width_;
    std::vector<int32_t> entries_;
    std::vector<int> counts_; ///< pages of each slot
    std::vector<int32_t> free_;
};

} // namespace caldera
