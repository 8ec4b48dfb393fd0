#include "core/model/added_tokens.h"

#include <algorithm>

#include <utf8proc.h>

namespace caldera {

namespace {

/// The character at the start of valid UTF-8; length is set to its bytes.
int32_t characterAt(std::string_view text, size_t& length) {
    utf8proc_int32_t character = 0;
    const auto read = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &character);
    length = read > 0 ? static_cast<size_t>(read) : 1;
    return character;
}

size_t startOfLastCharacter(std::string_view text) {
    size_t start = text.size() - 1;
    while (start > 0 && (static_cast<uint8_t>(text[start]) & 0xC0) == 0x80) {
        --start;
    }
    return start;
}

bool isWhiteSpace(int32_t character) {
    const auto category = utf8proc_category(character);
    return (character >= 9 && character <= 13) || character == 0x85 ||
           category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP;
}

bool isWordCharacter(int32_t character) {
    const auto category = utf8proc_category(character);
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NL) ||
           category == UTF8PROC_CATEGORY_PC;
}

bool endsInWord(std::string_view text) {
    size_t length = 0;
    return !text.empty() &&
           isWordCharacter(characterAt(text.substr(startOfLastCharacter(text)), length));
}

bool beginsWithWord(std::string_view text) {
    size_t length = 0;
    return !text.empty() && isWordCharacter(characterAt(text, length));
}

size_t withoutTrailingSpace(std::string_view text) {
    size_t length = 0;
    while (!text.empty() &&
           isWhiteSpace(characterAt(text.substr(startOfLastCharacter(text)), length))) {
        text = text.substr(0, startOfLastCharacter(text));
    }
    return text.size();
}

size_t leadingSpace(std::string_view text) {
    size_t position = 0;
    size_t length = 0;
    while (position < text.size() && isWhiteSpace(characterAt(text.substr(position), length))) {
        position += length;
    }
    return position;
}

} // namespace

void AddedTokenFinder::add(AddedToken token) {
    if (token.content.empty()) {
        return;
    }
    auto& bucket = byFirstByte_[static_cast<uint8_t>(token.content[0])];
    const auto place = std::find_if(bucket.begin(), bucket.end(), [&](size_t other) {
        return tokens_[other].content.size() < token.content.size();
    });
    bucket.insert(place, tokens_.size());
    tokens_.push_back(std::move(token));
}

const AddedToken* AddedTokenFinder::longestAt(std::string_view text, size_t position) const {
    for (const size_t index : byFirstByte_[static_cast<uint8_t>(text[position])]) {
        if (text.substr(position).starts_with(tokens_[index].content)) {
            return &tokens_[index];
        }
    }
    return nullptr;
}

void AddedTokenFinder::visit(
    std::string_view text, bool asText,
    const std::function<void(std::string_view, const AddedToken*)>& visitor) const {
    size_t done = 0;
    size_t position = 0;
    while (position < text.size()) {
        const AddedToken* token = longestAt(text, position);
        if (token == nullptr) {
            ++position;
            continue;
        }
        size_t begin = position;
        size_t end = position + token->content.size();
        position = end;
        const bool insideWord = token->singleWord && (endsInWord(text.substr(0, begin)) ||
                                                      beginsWithWord(text.substr(end)));
        if ((asText && token->special) || insideWord) {
            continue;
        }
        if (token->leftStrip) {
            begin = std::max(done, withoutTrailingSpace(text.substr(0, begin)));
        }
        if (token->rightStrip) {
            end += leadingSpace(text.substr(end));
        }
        if (done < begin) {
            visitor(text.substr(done, begin - done), nullptr);
        }
        visitor(text.substr(begin, end - begin), token);
        done = end;
        position = std::max(position, end);
    }
    if (done < text.size()) {
        visitor(text.substr(done), nullptr);
    }
}

} // namespace caldera
