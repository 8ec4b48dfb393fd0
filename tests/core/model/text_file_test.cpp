#include "core/model/text_file.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

class TextFileTest : public ::testing::Test {
protected:
    std::string complaint(const std::string& bytes) {
        writeFileAtomically(file_, bytes);
        try {
            readUtf8File(file_);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), "text.not-utf8");
            return error.what();
        }
        return {};
    }
    const test::ScratchFolder folder_;
    const std::filesystem::path file_ = folder_ / "text.txt";
};

TEST_F(TextFileTest, ReadsEveryCharacterThatUtf8Has) {
    const std::string text = "a\n\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82\n";
    writeFileAtomically(file_, text);
    EXPECT_EQ(readUtf8File(file_), text);
    EXPECT_EQ(complaint(""), "");
}

TEST_F(TextFileTest, SaysWhichByteIsNoUtf8) {
    const std::string sentence = complaint("caf\xC3\xA9\ncaf\xE9 au lait");
    EXPECT_NE(sentence.find("byte 9 (line 2) is 0xE9"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("iconv"), std::string::npos) << sentence;
    EXPECT_NE(complaint("cut \xE2\x82"), "") << "a character that the end cuts";
    EXPECT_NE(complaint("\xED\xA0\x80"), "") << "a surrogate";
    const std::string wide = complaint(std::string("\xFF\xFEh\0i\0", 6));
    EXPECT_NE(wide.find("UTF-16"), std::string::npos) << wide;
}

} // namespace
} // namespace caldera
