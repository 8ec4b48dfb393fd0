#include "widgets/chat/markdown_stream.h"

#include <QHash>
#include <QRandomGenerator>
#include <QTextBlock>
#include <QTextDocument>
#include <QTextTable>

#include <utility>

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

QString shape(const BlockStack& blocks) {
    QString all;
    for (int i = 0; i < blocks.count(); ++i) {
        all += u"#%1\n"_s.arg(static_cast<int>(blocks.kind(i)));
        const QTextDocument& document = blocks.document(i);
        for (QTextBlock block = document.begin(); block.isValid(); block = block.next())
            all += QString::number(block.blockFormat().leftMargin()) + u'|' + block.text() + u'\n';
    }
    return all;
}

/// The code of the block whose head is the `index`-th.
QString codeOf(const BlockStack& blocks, int index) {
    for (int i = 0; i < blocks.count(); ++i) {
        if (blocks.kind(i) == BlockKind::CodeHead && index-- == 0)
            return blocks.codeBelow(i);
    }
    return {};
}

QString whole(const QString& text) {
    BlockStack blocks;
    MarkdownStream stream(blocks, MarkdownStyle::fromTheme());
    stream.feed(text);
    stream.finish();
    return shape(blocks);
}

TEST(MarkdownStream, EndsTheSameHoweverTheTextCame) {
    const QString expected = whole(kSample);
    QRandomGenerator random(20261121);
    for (int round = 0; round < 20; ++round) {
        BlockStack blocks;
        MarkdownStream stream(blocks, MarkdownStyle::fromTheme());
        for (qsizetype at = 0; at < kSample.size();) {
            const qsizetype size = 1 + random.bounded(round + 1);
            stream.feed(kSample.mid(at, size));
            stream.flush();
            at += size;
        }
        stream.finish();
        ASSERT_EQ(shape(blocks), expected) << "round " << round;
    }
}

TEST(MarkdownStream, RendersWhatItReads) {
    BlockStack blocks;
    MarkdownStream stream(blocks, MarkdownStyle::fromTheme());
    stream.feed(kSample);
    stream.finish();
    const QString text = blocks.toPlainText();
    EXPECT_TRUE(text.contains("Title\n"_L1));
    EXPECT_FALSE(text.contains("**"_L1));
    EXPECT_FALSE(text.contains("```"_L1));
    EXPECT_TRUE(text.contains("1.\tFirst"_L1));
    EXPECT_TRUE(text.contains("2.\tSecond"_L1));
    EXPECT_TRUE(text.contains("Last & least <b>html</b>"_L1));
    EXPECT_EQ(codeOf(blocks, 0), u"int main() {\n\n    return 0;\n}"_s);
    EXPECT_EQ(codeOf(blocks, 1), u"plain"_s);
    EXPECT_TRUE(codeOf(blocks, 2).isEmpty());
}

TEST(MarkdownStream, ShowsCodeWhileItIsWritten) {
    BlockStack blocks;
    MarkdownStream stream(blocks, MarkdownStyle::fromTheme());
    stream.feed(u"Look:\n```py\nprint(1)\npri"_s);
    stream.flush();
    EXPECT_EQ(codeOf(blocks, 0), u"print(1)"_s);
    stream.feed(u"nt(2)\n"_s);
    stream.flush();
    EXPECT_EQ(codeOf(blocks, 0), u"print(1)\nprint(2)"_s);
}

TEST(MarkdownStream, ClosesAFenceThatNeverEnds) {
    BlockStack blocks;
    MarkdownStream stream(blocks, MarkdownStyle::fromTheme());
    stream.feed(u"```\nopen"_s);
    stream.finish();
    EXPECT_EQ(codeOf(blocks, 0), u"open"_s);
}

TEST(MarkdownStream, SurvivesAnyPunctuation) {
    const QString marks = u"`~*_#>-|[]()!\n \\<&1.+:x"_s;
    QRandomGenerator random(20261121);
    for (int round = 0; round < 200; ++round) {
        BlockStack blocks;
        MarkdownStream stream(blocks, MarkdownStyle::fromTheme());
        QString source;
        for (int i = 0; i < 120; ++i) {
            const QString piece(1, marks[random.bounded(static_cast<int>(marks.size()))]);
            source += piece;
            stream.feed(piece);
            if (random.bounded(5) == 0)
                stream.flush();
        }
        stream.finish();
        ASSERT_EQ(shape(blocks), whole(source)) << source.toStdString();
    }
}

/// Counts the characters that are written into blocks, again or for the first time.
class WrittenCharacters {
public:
    void watch(const BlockStack& blocks) {
        for (int i = qMax(0, blocks.count() - 4); i < blocks.count(); ++i) {
            QTextDocument* document = &blocks.document(i);
            if (std::exchange(seen_[document], true))
                continue;
            count_ += document->characterCount();
            QObject::connect(document, &QTextDocument::contentsChange, &context_,
                             [this](int, int, int added) { count_ += added; });
        }
    }
    qint64 take() { return std::exchange(count_, 0); }

private:
    QObject context_;
    QHash<QTextDocument*, bool> seen_;
    qint64 count_ = 0;
};

/// The most characters that one flush wrote while the first and the second half of `text` came.
std::pair<qint64, qint64> costOfAFlush(const QString& text) {
    BlockStack blocks;
    blocks.setWidth(700);
    MarkdownStream stream(blocks, MarkdownStyle::fromTheme());
    WrittenCharacters written;
    std::pair<qint64, qint64> most;
    for (qsizetype at = 0; at < text.size(); at += 60) {
        stream.feed(text.mid(at, 60));
        stream.flush();
        written.watch(blocks);
        const qint64 cost = written.take();
        qint64& half = at < text.size() / 2 ? most.first : most.second;
        half = qMax(half, cost);
    }
    return most;
}

TEST(MarkdownStream, TheCostOfATokenDoesNotGrowWithTheAnswer) {
    constexpr int kRepeats = 600;
    QString prose;
    QString lines;
    QString code = u"```\n"_s;
    QString list;
    QString table = u"| number | word |\n|---|---|\n"_s;
    for (int i = 0; i < kRepeats; ++i) {
        prose += u"A paragraph with **bold** number %1.\n\n"_s.arg(i);
        lines += u"words without an end, "_s;
        code += u"sum += table[%1] * weight;\n"_s.arg(i);
        list += u"%1. An item of a list\n"_s.arg(i);
        table += u"| %1 | number %1 |\n"_s.arg(i);
    }
    const QString codeLine = u"```\n"_s + QString(lines).remove(u' ').repeated(3);
    for (const QString& text : {prose, lines, code, list, table, codeLine}) {
        const auto [early, late] = costOfAFlush(text);
        EXPECT_LE(late, early * 5 / 4 + 200) << text.left(60).toStdString();
        EXPECT_LE(late, 4 * MarkdownStream::kLongestBlock) << text.left(60).toStdString();
    }
}

TEST(MarkdownStream, CutsALongBlockWithoutLoss) {
    QString code;
    for (int i = 0; i < 1000; ++i)
        code += u"line %1 of the code"_s.arg(i) + (i < 999 ? u"\n"_s : QString());
    QString table = u"| number | word |\n|---|---|\n"_s;
    for (int i = 0; i < 1000; ++i)
        table += u"| %1 | word%1 |\n"_s.arg(i);
    BlockStack blocks;
    MarkdownStream stream(blocks, MarkdownStyle::fromTheme());
    stream.feed(u"```py\n"_s + code + u"\n```\n\n"_s + table);
    stream.finish();
    EXPECT_EQ(codeOf(blocks, 0), code);
    const QString text = blocks.toPlainText();
    EXPECT_TRUE(text.contains(code));
    EXPECT_FALSE(text.contains(u'|')) << "every row is a row of a table";
    for (int i = 0; i < 1000; ++i)
        ASSERT_EQ(text.count(u"word%1\n"_s.arg(i)), 1) << i;
}

TEST(MarkdownStream, CutsALongLineBetweenWords) {
    QStringList words;
    for (int i = 0; i < 3000; ++i)
        words.append(u"word%1"_s.arg(i));
    const QString line = words.join(u' ');
    BlockStack blocks;
    MarkdownStream stream(blocks, MarkdownStyle::fromTheme());
    stream.feed(line);
    stream.finish();
    EXPECT_GT(blocks.count(), 3);
    EXPECT_EQ(blocks.toPlainText(), line);
}

TEST(MarkdownWriter, RecognisesItsCopyLinks) {
    EXPECT_EQ(MarkdownWriter::copyIndex(MarkdownWriter::copyLink(12)), 12);
    EXPECT_EQ(MarkdownWriter::copyIndex(u"https://example.org"_s), -1);
    EXPECT_EQ(MarkdownWriter::copyIndex(u"copy:x"_s), -1);
}

} // namespace
} // namespace caldera::studio
