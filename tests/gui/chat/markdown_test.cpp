#include "widgets/chat/markdown_stream.h"

#include <QRandomGenerator>
#include <QTextBlock>
#include <QTextDocument>
#include <QTextTable>

#include <gtest/gtest.h>

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

const QString kSample = u"# Title\n\n"
                        "A paragraph with **bold**, `code` and [a link](https://example.org).\n"
                        "It goes on.\n\n"
                        "1. First\n\n"
                        "   More of the first.\n"
                        "2. Second\n"
                        "   - nested\n\n"
                        "```cpp\nint main() {\n\n    return 0;\n}\n```\n"
                        "After the code.\n\n"
                        "| a | b |\n|---|--:|\n| 1 | 2 |\n\n"
                        "> quoted\n\n"
                        "~~~\nplain\n~~~\n\n"
                        "Last &amp; least <b>html</b> ![picture](file:///etc/passwd)\n"_s;

QString shape(const QTextDocument& document) {
    QString all;
    for (QTextBlock block = document.begin(); block.isValid(); block = block.next())
        all += QString::number(block.blockFormat().leftMargin()) + u'|' + block.text() + u'\n';
    return all;
}

QString whole(const QString& text) {
    QTextDocument document;
    MarkdownStream stream(document, MarkdownStyle::fromTheme());
    stream.feed(text);
    stream.finish();
    return shape(document);
}

TEST(MarkdownStream, EndsTheSameHoweverTheTextCame) {
    const QString expected = whole(kSample);
    QRandomGenerator random(20261121);
    for (int round = 0; round < 20; ++round) {
        QTextDocument document;
        MarkdownStream stream(document, MarkdownStyle::fromTheme());
        for (qsizetype at = 0; at < kSample.size();) {
            const qsizetype size = 1 + random.bounded(round + 1);
            stream.feed(kSample.mid(at, size));
            stream.flush();
            at += size;
        }
        stream.finish();
        ASSERT_EQ(shape(document), expected) << "round " << round;
    }
}

TEST(MarkdownStream, RendersWhatItReads) {
    QTextDocument document;
    MarkdownStream stream(document, MarkdownStyle::fromTheme());
    stream.feed(kSample);
    stream.finish();
    const QString text = document.toPlainText();
    EXPECT_TRUE(text.contains("Title\n"_L1));
    EXPECT_FALSE(text.contains("**"_L1));
    EXPECT_FALSE(text.contains("```"_L1));
    EXPECT_TRUE(text.contains("1.\tFirst"_L1));
    EXPECT_TRUE(text.contains("2.\tSecond"_L1));
    EXPECT_TRUE(text.contains("Last & least <b>html</b>"_L1));
    EXPECT_EQ(codeOfBlock(document, 0), u"int main() {\n\n    return 0;\n}"_s);
    EXPECT_EQ(codeOfBlock(document, 1), u"plain"_s);
    EXPECT_TRUE(codeOfBlock(document, 2).isEmpty());
}

TEST(MarkdownStream, ShowsCodeWhileItIsWritten) {
    QTextDocument document;
    MarkdownStream stream(document, MarkdownStyle::fromTheme());
    stream.feed(u"Look:\n```py\nprint(1)\npri"_s);
    stream.flush();
    EXPECT_EQ(codeOfBlock(document, 0), u"print(1)"_s);
    stream.feed(u"nt(2)\n"_s);
    stream.flush();
    EXPECT_EQ(codeOfBlock(document, 0), u"print(1)\nprint(2)"_s);
}

TEST(MarkdownStream, ClosesAFenceThatNeverEnds) {
    QTextDocument document;
    MarkdownStream stream(document, MarkdownStyle::fromTheme());
    stream.feed(u"```\nopen"_s);
    stream.finish();
    EXPECT_EQ(codeOfBlock(document, 0), u"open"_s);
}

TEST(MarkdownStream, SurvivesAnyPunctuation) {
    const QString marks = u"`~*_#>-|[]()!\n \\<&1.+:x"_s;
    QRandomGenerator random(20261121);
    for (int round = 0; round < 200; ++round) {
        QTextDocument document;
        MarkdownStream stream(document, MarkdownStyle::fromTheme());
        QString source;
        for (int i = 0; i < 120; ++i) {
            const QString piece(1, marks[random.bounded(static_cast<int>(marks.size()))]);
            source += piece;
            stream.feed(piece);
            if (random.bounded(5) == 0)
                stream.flush();
        }
        stream.finish();
        ASSERT_EQ(shape(document), whole(source)) << source.toStdString();
    }
}

TEST(MarkdownWriter, RecognisesItsCopyLinks) {
    EXPECT_EQ(MarkdownWriter::copyIndex(MarkdownWriter::copyLink(12)), 12);
    EXPECT_EQ(MarkdownWriter::copyIndex(u"https://example.org"_s), -1);
    EXPECT_EQ(MarkdownWriter::copyIndex(u"copy:x"_s), -1);
}

} // namespace
} // namespace caldera::studio
