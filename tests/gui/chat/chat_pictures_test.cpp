#include <QLabel>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "tests/gui/chat/fake_server.h"
#include "tests/gui/pictures.h"
#include "widgets/chat/chat_view.h"
#include "widgets/chat/composer.h"
#include "widgets/chat/conversation_list.h"
#include "widgets/chat/throughput_panel.h"
#include "widgets/chat/transcript.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr int kPatience = 20000;

const QString kAnswer =
    u"A weight matrix *W* is written as **W ≈ Q + L R**:\n\n"
    "1. `Q` keeps every entry, but with only two bits each.\n"
    "2. `L` and `R` are thin; together they repair the directions that matter most to the inputs "
    "the layer really sees.\n\n"
    "### Why it works\n\n"
    "The error is weighted with the *Hessian* of the layer's inputs, so rare directions may be "
    "rough while common ones stay exact.\n\n"
    "```cpp\n"
    "// y = Q x + L (R x)\n"
    "std::vector<float> y = q.multiply(x);\n"
    "add(y, l.multiply(r.multiply(x)));\n"
    "```\n\n"
    "| part | bits | share |\n|:--|--:|--:|\n| Q | 2 | 91 % |\n| L, R | 4 | 9 % |\n\n"
    "> A rank of zero is allowed when the bits alone do.\n\n"
    "- Smaller files\n- The same **shape** of model\n"_s;

Conversation example() {
    Conversation made = Conversation::create();
    QString last = made.add({}, ChatRole::User, u"What does CALDERA do to a weight matrix?"_s);
    last = made.add(last, ChatRole::Assistant, kAnswer);
    ChatMessage* answer = made.find(last);
    answer->model = u"caldera-demo"_s;
    answer->statistics.tokensPerSecond = 41.3;
    answer->statistics.generatedTokens = 212;
    answer->statistics.timeToFirstToken = 0.21;
    answer->statistics.promptTokens = 31;
    answer->statistics.promptTokensPerSecond = 148;
    answer->statistics.p50 = 0.0238;
    answer->statistics.p95 = 0.0301;
    answer->statistics.p99 = 0.0412;
    answer->statistics.weightBytes = 38400000;
    answer->statistics.cacheBytes = 6300000;
    return made;
}

QList<QByteArray> streamOf(const QString& text, qsizetype until) {
    QList<QByteArray> pieces{kStreamHead};
    for (qsizetype at = 0; at < until; at += 4)
        pieces.append(FakeServer::token(text.mid(at, 4)));
    return pieces;
}

class ChatPictures : public ::testing::Test {
protected:
    ChatPictures() : view_(folder_.path(), QStringLiteral(FAKE_WORKER)) {
        view_.resize(1360, 820);
        view_.show();
    }
    ~ChatPictures() override { Theme::current().setChoice(SchemeChoice::System); }

    /// Both pictures; they must differ, for every colour follows the theme.
    void both(const QString& name) {
        const QImage dark = picture(view_, name, SchemeChoice::Dark);
        const QImage light = picture(view_, name, SchemeChoice::Light);
        EXPECT_GT(shareOf(dark, Theme::color(Token::Window, Scheme::Dark)), 0.15);
        EXPECT_GT(shareOf(light, Theme::color(Token::Window, Scheme::Light)), 0.15);
        EXPECT_LT(shareOf(light, Theme::color(Token::Text, Scheme::Dark)), 0.001);
    }
    void fillList() {
        for (const char* title :
             {"Explain LDLQ in one paragraph", "Haiku about quantization", "Rank or bits?",
              "Why is down_proj fragile in the middle layers of the network", "Hello"}) {
            Conversation other = Conversation::create();
            other.updated = other.updated.addDays(-1);
            other.title = QString::fromLatin1(title);
            view_.list()->model()->put(other);
        }
    }

    QTemporaryDir folder_;
    FakeServer server_;
    ChatView view_;
};

TEST_F(ChatPictures, OfAConversation) {
    view_.useServer(server_.url(), u"caldera-demo"_s);
    fillList();
    Q_EMIT view_.list()->restoreRequested(example());
    ASSERT_TRUE(
        QTest::qWaitFor([this] { return view_.transcript()->isFullyRendered(); }, kPatience));
    both(u"chat-talk"_s);
}

TEST_F(ChatPictures, OfAStreamingAnswer) {
    view_.useServer(server_.url(), u"caldera-demo"_s);
    server_.play(streamOf(kAnswer, kAnswer.size() / 2), true);
    view_.send(u"What does CALDERA do to a weight matrix?"_s);
    ASSERT_TRUE(QTest::qWaitFor(
        [this] { return view_.conversation().path().last().text.size() > 300; }, kPatience));
    QTest::qWait(1500);
    both(u"chat-streaming"_s);
    view_.stop();
    both(u"chat-stopped"_s);
}

TEST_F(ChatPictures, OfEmptyStates) {
    both(u"chat-no-artifact"_s);
    view_.openArtifact(u"/models/slow"_s, u"caldera-demo"_s);
    view_.composer()->setSettingsShown(true);
    QTest::qWait(300);
    both(u"chat-starting"_s);
    view_.openArtifact(u"/models/broken"_s, u"caldera-demo"_s);
    QTest::qWait(500);
    both(u"chat-failed"_s);
}

/// Texts that have less room than they need.
std::string cutTexts(const QWidget& view) {
    QStringList cut;
    for (const QLabel* label : view.findChildren<QLabel*>()) {
        const bool isCut = label->wordWrap()
                               ? label->height() < label->heightForWidth(label->width())
                               : label->width() < label->sizeHint().width();
        if (label->isVisible() && isCut)
            cut.append(label->text());
    }
    return cut.join(u" | "_s).toStdString();
}

TEST_F(ChatPictures, OfAnEngineOnAGpu) {
    view_.useServer(server_.url(), u"caldera-demo"_s);
    fillList();
    Q_EMIT view_.list()->restoreRequested(example());
    ASSERT_TRUE(
        QTest::qWaitFor([this] { return view_.transcript()->isFullyRendered(); }, kPatience));
    ThroughputPanel& panel = *view_.throughput();
    panel.setGpu(GpuFigures{0.83, 21'400'000'000, 85'000'000'000, 19'900'000'000});
    panel.setRoofline(61.2);
    panel.setContextLength(32768);
    both(u"chat-gpu"_s);
    EXPECT_EQ(cutTexts(view_), "");
    view_.resize(900, 600);
    both(u"chat-gpu-small"_s);
    EXPECT_EQ(cutTexts(view_), "");
}

} // namespace
} // namespace caldera::studio
