#include "core/codec/transform.h"

#include <charconv>
#include <string_view>

#include "core/base/error.h"
#include "kernels/hadamard/hadamard.h"

namespace caldera {

int64_t transformBlock(const std::string& transform, int64_t size) {
    constexpr std::string_view kPrefix = "hadamard-";
    if (transform == "none") {
        return 1;
    }
    if (transform.starts_with(kPrefix)) {
        int64_t limit = 0;
        const char* end = transform.data() + transform.size();
        const auto [rest, error] = std::from_chars(transform.data() + kPrefix.size(), end, limit);
        if (error == std::errc() && rest == end && limit > 0) {
            return kernels::hadamardBlock(size, limit);
        }
    }
    throw Error("codec.transform",
                "The transform \"" + transform +
                    "\" is unknown: \"none\" or \"hadamard-\" and a block size was needed, for "
                    "example \"hadamard-128\".",
                {{"transform", transform}});
}

} // namespace caldera
