#include "core/base/printable.h"

#include <gtest/gtest.h>

using namespace caldera;

TEST(Printable, ShortPlainTextStaysAsItIs) {
    EXPECT_EQ(printable("", 16), "");
    EXPECT_EQ(printable("Größe: 5 µm", 100), "Größe: 5 µm");
}

TEST(Printable, ControlCharactersSteerNoTerminal) {
    EXPECT_EQ(printable("a\x1B[31mb\nc\td\x7F", 100), "a [31mb c d ");
    EXPECT_EQ(printable(std::string_view("a\0b", 3), 100), "a b");
}

TEST(Printable, LongTextLosesItsMiddleBetweenWholeCharacters) {
    const std::string text = printable(std::string(5000000, 'x') + "end", 40);
    EXPECT_EQ(text, std::string(17, 'x') + " ... " + std::string(14, 'x') + "end");
    std::string wide;
    for (int i = 0; i < 100; ++i) {
        wide += "€"; // three bytes
    }
    for (size_t most = 16; most < 40; ++most) {
        const std::string cut = printable(wide, most);
        EXPECT_LE(cut.size(), most);
        EXPECT_EQ((cut.size() - 5) % 3, 0U) << cut;
    }
}
