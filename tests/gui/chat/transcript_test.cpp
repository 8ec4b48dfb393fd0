#include "widgets/chat/transcript.h"

#include <QAccessible>
#include <QClipboard>
#include <QGuiApplication>
#include <QScrollBar>
#include <QTest>

#include <gtest/gtest.h>

#include "widgets/chat/message_text.h"
#include "widgets/chat/message_widget.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr int kPatience = 20000;

Conversation longConversation(int messages) {
    Conversation made = Conversation::create();
    for (int i = 0; i < messages; ++i)
        made.add(made.leaf(), i % 2 == 0 ? ChatRole::User : ChatRole::Assistant,
                 u"Message %1 has **some** words"_s.arg(i) + QString(i % 7 * 40, u'x') +
                     u"\n\nand a second paragraph."_s);
    return made;
}

class TranscriptTest : public ::testing::Test {
protected:
    TranscriptTest() {
        transcript_.resize(900, 600);
        static_cast<QWidget&>(transcript_).show();
    }
    bool isDrawn() {
        return QTest::qWaitFor([this] { return transcript_.isFullyRendered(); }, kPatience);
    }
    /// Where a message stands in the view.
    int topOf(const QString& id) const { return transcript_.widgetOf(id)->y(); }

    Transcript transcript_;
};

TEST_F(TranscriptTest, GivesWidgetsOnlyToMessagesNearTheOnesInSight) {
    const Conversation conversation = longConversation(10000);
    transcript_.show(conversation);
    ASSERT_TRUE(isDrawn());
    EXPECT_EQ(transcript_.messageCount(), 10000);
    EXPECT_LT(transcript_.widgetCount(), 100);
    ASSERT_TRUE(transcript_.widgetOf(conversation.leaf()));
    const QString first = conversation.path().first().id;
    EXPECT_FALSE(transcript_.widgetOf(first));
    transcript_.verticalScrollBar()->setValue(0);
    ASSERT_TRUE(isDrawn());
    ASSERT_TRUE(transcript_.widgetOf(first));
    EXPECT_TRUE(transcript_.widgetOf(first)->text()->toPlainText().startsWith("Message 0"_L1));
    EXPECT_FALSE(transcript_.widgetOf(conversation.leaf()));
    EXPECT_LT(transcript_.widgetCount(), 100);
}

TEST_F(TranscriptTest, ReachesEveryMessageByScrolling) {
    const Conversation conversation = longConversation(200);
    transcript_.show(conversation);
    transcript_.verticalScrollBar()->setValue(0);
    ASSERT_TRUE(isDrawn());
    QSet<QString> seen;
    const auto look = [&] {
        for (const ChatMessage& message : conversation.path()) {
            const MessageWidget* widget = transcript_.widgetOf(message.id);
            if (widget && widget->geometry().intersects(transcript_.viewport()->rect()))
                seen.insert(message.id);
        }
    };
    const QScrollBar* bar = transcript_.verticalScrollBar();
    for (int step = 0; step < 2000 && bar->value() < bar->maximum(); ++step) {
        look();
        QTest::keyClick(&transcript_, Qt::Key_PageDown);
        ASSERT_TRUE(isDrawn());
    }
    look();
    EXPECT_EQ(seen.size(), 200);
    EXPECT_TRUE(transcript_.isAtEnd());
}

TEST_F(TranscriptTest, KeepsWhatIsReadInPlaceWhenTheWidthChanges) {
    const Conversation conversation = longConversation(400);
    transcript_.show(conversation);
    ASSERT_TRUE(isDrawn());
    const QString id = conversation.path()[200].id;
    transcript_.reveal(id);
    ASSERT_TRUE(isDrawn());
    ASSERT_EQ(topOf(id), 0);
    transcript_.resize(500, 600);
    ASSERT_TRUE(isDrawn());
    EXPECT_EQ(topOf(id), 0);
    EXPECT_FALSE(transcript_.isAtEnd());
}

TEST_F(TranscriptTest, KeepsThePlaceInsideALongAnswer) {
    Conversation conversation = Conversation::create();
    conversation.add({}, ChatRole::User, u"Go on"_s);
    QString text;
    for (int i = 0; i < 300; ++i)
        text += u"Paragraph %1 "_s.arg(i) + QString(u"with words "_s).repeated(i % 20) + u"\n\n"_s;
    const QString id = conversation.add(conversation.leaf(), ChatRole::Assistant, text);
    transcript_.show(conversation);
    ASSERT_TRUE(isDrawn());
    transcript_.verticalScrollBar()->setValue(transcript_.verticalScrollBar()->maximum() / 2);
    ASSERT_TRUE(isDrawn());
    const MessageText* shown = transcript_.widgetOf(id)->text();
    const auto paragraphAtTop = [&] {
        const QPoint top = shown->mapFrom(transcript_.viewport(), QPoint(10, 0));
        return shown->blocks().placeAt(top).block;
    };
    const int before = paragraphAtTop();
    ASSERT_GT(before, 50);
    transcript_.resize(480, 600);
    ASSERT_TRUE(isDrawn());
    EXPECT_EQ(paragraphAtTop(), before);
    EXPECT_EQ(shown->blocks().width(), shown->width());
}

TEST_F(TranscriptTest, CopiesWhatIsMarkedAcrossBlocks) {
    Conversation conversation = Conversation::create();
    conversation.add({}, ChatRole::User, u"Show it"_s);
    const QString id = conversation.add(conversation.leaf(), ChatRole::Assistant,
                                        u"First **bold**.\n\n```py\nprint(1)\n```\n\nLast."_s);
    transcript_.show(conversation);
    ASSERT_TRUE(isDrawn());
    MessageText* text = transcript_.widgetOf(id)->text();
    QTest::mouseClick(text, Qt::LeftButton, {}, {5, 5});
    QTest::keySequence(text, QKeySequence::SelectAll);
    QTest::keySequence(text, QKeySequence::Copy);
    EXPECT_EQ(QGuiApplication::clipboard()->text(), u"First bold.\n\nprint(1)\n\nLast."_s);
    QTest::mousePress(text, Qt::LeftButton, {}, {0, 5});
    QTest::mouseMove(text, {text->width() - 1, text->height() - 2});
    QTest::mouseRelease(text, Qt::LeftButton, {}, {text->width() - 1, text->height() - 2});
    EXPECT_TRUE(text->selectedText().endsWith("print(1)\n\nLast."_L1))
        << text->selectedText().toStdString();
}

TEST_F(TranscriptTest, MarksAWordAndCopiesCodeByItsLink) {
    Conversation conversation = Conversation::create();
    conversation.add({}, ChatRole::User, u"Show it"_s);
    const QString id = conversation.add(conversation.leaf(), ChatRole::Assistant,
                                        u"Wonderful words.\n\n```py\nprint(1)\nprint(2)\n```"_s);
    transcript_.show(conversation);
    ASSERT_TRUE(isDrawn());
    MessageText* text = transcript_.widgetOf(id)->text();
    QTest::mouseDClick(text, Qt::LeftButton, {}, {10, 8});
    EXPECT_EQ(text->selectedText(), u"Wonderful"_s);
    const QRect head = text->blocks().rectOf(1);
    QPoint link;
    for (int x = head.right(); x > 0 && link.isNull(); --x) {
        if (!text->blocks().linkAt({x, head.center().y()}).isEmpty())
            link = {x, head.center().y()};
    }
    ASSERT_FALSE(link.isNull());
    QTest::mouseClick(text, Qt::LeftButton, {}, link);
    EXPECT_EQ(QGuiApplication::clipboard()->text(), u"print(1)\nprint(2)"_s);
}

TEST_F(TranscriptTest, ScreenReadersHearTheText) {
    Conversation conversation = Conversation::create();
    const QString id = conversation.add({}, ChatRole::Assistant, u"One **two**.\n\nThree."_s);
    transcript_.show(conversation);
    ASSERT_TRUE(isDrawn());
    QAccessibleInterface* heard =
        QAccessible::queryAccessibleInterface(transcript_.widgetOf(id)->text());
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->text(QAccessible::Name), u"Answer"_s);
    EXPECT_EQ(heard->text(QAccessible::Value), u"One two.\n\nThree."_s);
    ASSERT_TRUE(heard->textInterface());
    EXPECT_EQ(heard->textInterface()->text(4, 7), u"two"_s);
    EXPECT_EQ(heard->textInterface()->characterCount(), 16);
}

} // namespace
} // namespace caldera::studio
