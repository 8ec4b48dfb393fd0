// Tokens that are found in the text before anything is cut: "<|im_start|>" and the like.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caldera {

struct AddedToken {
    int32_t id = 0;
    std::string content;
    bool special = false;
    bool normalized = false; ///< looked for in normalized text
    bool singleWord = false; ///< only where no word character adjoins
    bool leftStrip = false;  ///< swallows white space before it
    bool rightStrip = false; ///< swallows white space after it
};

/// Finds the leftmost, then longest token at each place.
class AddedTokenFinder {
public:
    void add(AddedToken token);

    /// Calls visit(text, token) for stretches of plain text and tokens in order; nullptr is plain.
    /// With `asText`, special tokens stay plain text.
    void visit(std::string_view text, bool asText,
               const std::function<void(std::string_view, const AddedToken*)>& visitor) const;

private:
    const AddedToken* longestAt(std::string_view text, size_t position) const;

    std::vector<AddedToken> tokens_;
    std::array<std::vector<size_t>, 256> byFirstByte_; ///< longest first
};

} // namespace caldera
