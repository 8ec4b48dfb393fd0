#include "core/runtime/page_table.h"

#include "core/runtime/backend.h"

namespace caldera {

namespace {

int pagesFor(int length) {
    return static_cast<int>(usedTokens(length) / kPageTokens);
}

} // namespace

PageTable::PageTable(int slots, int width, int pages)
    : width_(width), entries_(static_cast<size_t>(slots) * static_cast<size_t>(width)),
      counts_(static_cast<size_t>(slots)) {
    for (int page = pages - 1; page >= 0; --page) { // low numbers first
        free_.push_back(page);
    }
}

bool PageTable::grow(int slot, int length) {
    int& count = counts_[static_cast<size_t>(slot)];
    const int wanted = pagesFor(length);
    const bool isChanged = count < wanted;
    for (; count < wanted; ++count) {
        entries_[static_cast<size_t>(slot) * static_cast<size_t>(width_) +
                 static_cast<size_t>(count)] = free_.back();
        free_.pop_back();
    }
    return isChanged;
}

void PageTable::shrink(int slot, int length) {
    int& count = counts_[static_cast<size_t>(slot)];
    for (const int wanted = pagesFor(length); count > wanted; --count) {
        free_.push_back(row(slot)[count - 1]);
    }
}

} // namespace caldera
