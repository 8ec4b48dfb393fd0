#include "widgets/chat/blame_question.h"

#include <QJsonArray>

#include <gtest/gtest.h>

#include "widgets/chat/block_stack.h"
#include "widgets/chat/markdown_stream.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

ChatRequest conversationWith(const QString& answer) {
    ChatRequest request;
    request.systemPrompt = u"Be short."_s;
    ChatMessage question;
    question.text = u"Why?"_s;
    ChatMessage reply;
    reply.role = ChatRole::Assistant;
    reply.text = answer;
    request.messages = {question, reply};
    return request;
}

QString shown(const QString& markdown) {
    BlockStack blocks;
    MarkdownStream stream(blocks, MarkdownStyle::fromTheme());
    stream.feed(markdown);
    stream.finish();
    return blocks.toPlainText();
}

/// What stands in the answer at the byte that is asked about, when the `index`-th `word` of what is
/// shown is pointed at.
QByteArray askedAt(const QString& answer, const QString& word, int index) {
    const QString text = shown(answer);
    qsizetype place = -1;
    for (int i = 0; i <= index; ++i)
        place = text.indexOf(word, place + 1);
    const auto question = questionAbout(conversationWith(answer), text, place);
    return question ? answer.toUtf8().mid(question->byte) : "nothing";
}

TEST(BlameQuestion, FindsTheWordBehindTheMarks) {
    const QString answer = u"# The sun\n\nThe **sun** is a *star*; the sün is `sun`.\n\n"
                           "```py\nsun = 1\n```\n\nAnd sunlight, not sun."_s;
    EXPECT_TRUE(askedAt(answer, u"sun"_s, 0).startsWith("sun\n\nThe **"));
    EXPECT_TRUE(askedAt(answer, u"sun"_s, 1).startsWith("sun** is"));
    EXPECT_TRUE(askedAt(answer, u"sün"_s, 0).startsWith("sün is"));
    EXPECT_TRUE(askedAt(answer, u"sun"_s, 2).startsWith("sun`."));
    EXPECT_TRUE(askedAt(answer, u"sun = "_s, 0).startsWith("sun = 1"));
    EXPECT_TRUE(askedAt(answer, u"sunlight"_s, 0).startsWith("sunlight, not"));
    EXPECT_EQ(askedAt(answer, u"sun."_s, 1), "sun.");
    EXPECT_EQ(askedAt(answer, u"star"_s, 0), "star*; the sün is `sun`.\n\n"
                                             "```py\nsun = 1\n```\n\nAnd sunlight, not sun.");
}

TEST(BlameQuestion, AsksWithTheWholeConversation) {
    const auto question =
        questionAbout(conversationWith(u"Because of light"_s), u"Because of light"_s, 13);
    ASSERT_TRUE(question);
    EXPECT_EQ(question->word, u"light"_s);
    EXPECT_EQ(question->byte, 11);
    const QJsonArray messages = question->request[u"messages"].toArray();
    ASSERT_EQ(messages.size(), 3);
    EXPECT_EQ(messages[0].toObject()[u"role"].toString(), u"system"_s);
    EXPECT_EQ(messages[2].toObject()[u"content"].toString(), u"Because of light"_s);
    EXPECT_FALSE(question->request.contains(u"tokens"_s));
}

TEST(BlameQuestion, AsksNothingBetweenWords) {
    EXPECT_FALSE(questionAbout(conversationWith(u"a b"_s), u"a b"_s, 1));
    EXPECT_FALSE(questionAbout(conversationWith(u"a b"_s), u"a b"_s, 3));
    EXPECT_FALSE(questionAbout(conversationWith(u"a b"_s), u"elsewhere"_s, 1));
    EXPECT_EQ(wordAt(u"so, yes"_s, 2), u","_s);
}

} // namespace
} // namespace caldera::studio
