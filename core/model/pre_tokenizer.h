// Cuts text into the pieces that byte-pair encoding works on: "words" with their leading space.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace caldera {

/// Pieces of a text; `owned` holds those that are no part of the text itself.
struct Pieces {
    std::vector<std::string_view> list;
    std::deque<std::string> owned;
};

/// One step: every piece of `pieces` is replaced by its parts. Immutable, thread-safe. Throws
/// Cancelled when it is stopped.
class PreTokenizer {
public:
    virtual ~PreTokenizer() = default;
    virtual void split(Pieces& pieces, const std::stop_token& stop) const = 0;
};

/// The steps that tokenizer.json describes, ending in ByteLevel (whose mapping of bytes to
/// characters is left to the caller). Throws Error("tokenizer.pre-tokenizer", "tokenizer.regex").
std::vector<std::unique_ptr<const PreTokenizer>> parsePreTokenizer(const nlohmann::json& json,
                                                                   const std::string& where);

/// GPT-2's pattern, which ByteLevel uses by itself.
extern const char* const kGpt2Pattern;

} // namespace caldera
