// Which token of a text a number means.
#include "app/cli/blamed_text.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/base/file.h"

namespace caldera::cli {
namespace {

BlamedText textWith(const std::string& tokenizerName, std::optional<int64_t> token) {
    const std::filesystem::path file = std::filesystem::path(CALDERA_SOURCE_DIR) /
                                       "tests/golden/tokenizer" / (tokenizerName + ".json");
    const auto tokenizer =
        Tokenizer::fromJson(nlohmann::json::parse(readTextFile(file)), file.string());
    BlamedTextOptions options;
    options.token = token;
    return blamedText(options, {"a b c d e f", std::nullopt}, *tokenizer, {});
}

TEST(BlamedText, TokensCountFromOne) {
    EXPECT_EQ(textWith("qwen2", 2).place, 1);
    EXPECT_EQ(textWith("qwen2", 1).place, 0) << "which is refused later: nothing stands before it";
    EXPECT_EQ(textWith("qwen2", std::nullopt).place, std::nullopt);
}

TEST(BlamedText, ABeginTokenIsNotCounted) {
    EXPECT_EQ(textWith("llama3", 1).place, 1);
    EXPECT_EQ(textWith("llama3", 1).origin, 1);
}

} // namespace
} // namespace caldera::cli
