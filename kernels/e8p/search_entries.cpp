#include <array>

#include "kernels/e8p/codebook.h"
#include "kernels/e8p/search_entries.h"

namespace caldera::kernels {
namespace {

std::array<uint32_t, 256> makeEntries() {
    const E8pCodebook& book = E8pCodebook::instance();
    std::array<uint32_t, 256> entries{};
    for (int i = 0; i < 256; ++i) {
        for (int j = 0; j < 8; ++j) {
            entries[i] |= static_cast<uint32_t>(book.magnitudes(i)[j]) << (4 * j);
        }
        entries[i] |= book.hasOddSum(i) ? 1U << 31 : 0U;
    }
    return entries;
}

} // namespace

const uint32_t* e8pSearchEntries() {
    static const std::array<uint32_t, 256> entries = makeEntries();
    return entries.data();
}

} // namespace caldera::kernels
