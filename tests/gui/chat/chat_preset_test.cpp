// Presets, the context's room, and what is exported.
#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QJsonDocument>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "widgets/chat/chat_settings.h"
#include "widgets/chat/context_fit.h"
#include "widgets/chat/conversation_export.h"
#include "widgets/chat/conversation_store.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

ChatPreset pirate() {
    ChatPreset preset{u"Käpt'n"_s, u"Talk like a pirate."_s, {}};
    preset.sampling.temperature = 1.25;
    preset.sampling.minP = 0.1;
    preset.sampling.seed = 7;
    return preset;
}

class ChatPresets : public ::testing::Test {
protected:
    ChatPresets() : store_(folder_.path()), loaded_(&store_, &ConversationStore::presetsLoaded) {}

    QList<ChatPreset> next() {
        EXPECT_TRUE(!loaded_.isEmpty() || loaded_.wait());
        return loaded_.takeFirst()[0].value<QList<ChatPreset>>();
    }
    QStringList files() const {
        return QDir(folder_.path() + u"/presets"_s).entryList(QDir::Files);
    }

    QTemporaryDir folder_;
    ConversationStore store_;
    QSignalSpy loaded_;
};

TEST_F(ChatPresets, AreKeptAsFiles) {
    store_.savePreset(pirate());
    EXPECT_EQ(next(), QList{pirate()});
    ChatPreset changed = pirate();
    changed.systemPrompt = u"Talk like a captain."_s;
    store_.savePreset(changed);
    EXPECT_EQ(next(), QList{changed}) << "the same name is replaced";
    ASSERT_EQ(files().size(), 1);
    // A file that somebody sent, under a name of its own; others are left alone.
    ChatPreset sent = pirate();
    sent.name = u"A gift"_s;
    QFile file(folder_.path() + u"/presets/from-a-friend.json"_s);
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write(QJsonDocument(sent.toJson()).toJson());
    file.close();
    QFile foreign(folder_.path() + u"/presets/foreign.json"_s);
    ASSERT_TRUE(foreign.open(QIODevice::WriteOnly));
    foreign.write("[1, 2");
    foreign.close();
    store_.loadPresets();
    EXPECT_EQ(next(), (QList{sent, changed}));
    store_.removePreset(sent);
    EXPECT_EQ(next(), QList{changed});
    EXPECT_EQ(files().size(), 2);
}

TEST_F(ChatPresets, OfANewerStudioAreNotWrittenOver) {
    store_.savePreset(pirate());
    next();
    QJsonObject json = pirate().toJson();
    json[u"format"_s] = u"caldera-preset/2"_s;
    const QByteArray written = QJsonDocument(json).toJson();
    QFile newer(folder_.path() + u"/presets/"_s + pirate().fileName());
    ASSERT_TRUE(newer.open(QIODevice::ReadWrite | QIODevice::Truncate));
    newer.write(written);
    newer.close();
    QSignalSpy failed(&store_, &ConversationStore::failed);
    store_.savePreset(pirate());
    ASSERT_TRUE(!failed.isEmpty() || failed.wait());
    EXPECT_TRUE(failed[0][0].toString().contains(u"newer"_s));
    ASSERT_TRUE(newer.open(QIODevice::ReadOnly));
    EXPECT_EQ(newer.readAll(), written);
}

TEST_F(ChatPresets, OfLikeNamesHaveFilesOfTheirOwn) {
    ChatPreset one{u"a b"_s, {}, {}};
    ChatPreset other{u"a/b"_s, {}, {}};
    EXPECT_NE(one.fileName(), other.fileName());
    EXPECT_FALSE(other.fileName().contains(u'/'));
    EXPECT_FALSE((ChatPreset{u"../../x"_s, {}, {}}).fileName().contains(u'/'));
}

TEST_F(ChatPresets, OfAnyoneDoNoHarm) {
    ASSERT_TRUE(QDir().mkpath(folder_.path() + u"/presets"_s));
    const QByteArrayList samplings = {
        R"({"seed": 4294967301})",
        R"({"seed": -9223372036854775808, "temperature": -1})",
        R"({"seed": 1e300, "top_k": 1e18, "max_tokens": 1e18})",
        R"({"temperature": 0.123456, "min_p": 0.0004, "top_p": 0.9999})",
        R"({"repetition_penalty": 0.1, "top_k": 1048576})",
        R"({"repetition_penalty": 1e9, "top_p": 0})",
        R"({"temperature": null, "top_p": "x", "top_k": {}, "seed": []})",
        R"([])"};
    for (int i = 0; i < samplings.size(); ++i) {
        QFile file(folder_.path() + u"/presets/%1.json"_s.arg(i));
        ASSERT_TRUE(file.open(QIODevice::WriteOnly));
        file.write(R"({"format": "caldera-preset/1", "name": "\u202e&<b>)" + QByteArray::number(i) +
                   R"(</b>\n", "system_prompt": 7, "sampling": )" + samplings[i] + "}");
    }
    for (const char* other : {"{", "", "\0\0", R"({"format": "caldera-preset/9", "name": "x"})",
                              R"({"format": "caldera-preset/1", "name": "  "})"}) {
        QFile file(folder_.path() + u"/presets/not-%1.json"_s.arg(qHash(QByteArray(other))));
        ASSERT_TRUE(file.open(QIODevice::WriteOnly));
        file.write(other);
    }
    store_.loadPresets();
    const QList<ChatPreset> presets = next();
    ASSERT_EQ(presets.size(), samplings.size());
    ChatSettings settings;
    settings.setPresets(presets);
    QComboBox* box = settings.presets();
    const auto first = static_cast<int>(box->count() - presets.size());
    for (int i = 0; i < presets.size(); ++i) {
        box->setCurrentIndex(first + i);
        Q_EMIT box->activated(first + i);
        const ChatSampling& set = settings.sampling();
        EXPECT_EQ(set, presets[i].sampling) << "no field changes what it cannot show";
        EXPECT_TRUE(set.temperature >= 0 && set.temperature <= 2);
        EXPECT_TRUE(set.topP > 0 && set.topP <= 1 && set.minP >= 0 && set.minP <= 1);
        EXPECT_TRUE(set.topK >= 0 && set.maxTokens >= 1);
        EXPECT_TRUE(set.repetitionPenalty >= 0.1 && set.repetitionPenalty <= 10);
        EXPECT_TRUE(set.seed >= -1 && set.seed <= 0x7FFFFFFF);
    }
}

TEST(ChatSettingsTest, ShowWhichPresetIsSet) {
    ChatSettings settings;
    settings.setPresets({pirate()});
    QComboBox* box = settings.presets();
    ASSERT_EQ(box->count(), builtInPresets().size() + 2); // "None" before, ours at the end
    EXPECT_EQ(box->currentIndex(), 1) << "what a new conversation has";
    QSignalSpy changed(&settings, &ChatSettings::changed);
    box->setCurrentIndex(box->count() - 1);
    Q_EMIT box->activated(box->count() - 1);
    EXPECT_GE(changed.count(), 1);
    EXPECT_EQ(settings.systemPrompt(), pirate().systemPrompt);
    EXPECT_EQ(settings.sampling(), pirate().sampling);
    settings.set(u"Something else"_s, pirate().sampling);
    EXPECT_EQ(box->currentIndex(), 0);
    QSignalSpy saved(&settings, &ChatSettings::presetSaved);
    settings.savePreset(u"  "_s);
    settings.savePreset(u" My  own "_s);
    ASSERT_EQ(saved.count(), 1);
    const auto preset = saved[0][0].value<ChatPreset>();
    EXPECT_EQ(preset.name, u"My own"_s);
    EXPECT_EQ(preset.systemPrompt, u"Something else"_s);
    EXPECT_EQ(preset.sampling, pirate().sampling);
}

/// A question and its answer of so many counted tokens.
Conversation counted(int tokens) {
    Conversation conversation = Conversation::create();
    const QString question = conversation.add({}, ChatRole::User, u"Hello"_s);
    const QString answer = conversation.add(question, ChatRole::Assistant, u"Hi"_s);
    conversation.find(answer)->statistics.promptTokens = tokens - 10;
    conversation.find(answer)->statistics.generatedTokens = 10;
    return conversation;
}

TEST(ContextFitTest, CountsWhatTheEngineCounted) {
    const ContextFit fit = contextFit(counted(300), {}, 4096);
    EXPECT_EQ(fit.used, 300);
    EXPECT_TRUE(fit.exact);
    EXPECT_EQ(fit.state, ContextState::Fits);
    EXPECT_EQ(fit.room, 3796);
}

TEST(ContextFitTest, WarnsBeforeTheAnswerIsCut) {
    Conversation conversation = counted(3500); // 512 tokens are the limit of an answer
    EXPECT_EQ(contextFit(conversation, {}, 4096).state, ContextState::Fits);
    const QString draft(600, u'x');
    const ContextFit tight = contextFit(conversation, draft, 4096);
    EXPECT_EQ(tight.state, ContextState::Tight);
    EXPECT_FALSE(tight.exact);
    EXPECT_EQ(contextFit(conversation, QString(3000, u'x'), 4096).state, ContextState::Full);
    EXPECT_EQ(contextFit(conversation, QString(3000, u'x'), 0).state, ContextState::Fits)
        << "the server does not tell its context";
    // An earlier branch has its room back.
    conversation.add({}, ChatRole::User, u"Hello again"_s);
    EXPECT_EQ(contextFit(conversation, draft, 4096).state, ContextState::Fits);
}

TEST(ConversationExportTest, HoldsWhatWasSaid) {
    Conversation conversation = counted(20);
    conversation.title = u"A: talk / with *stars*"_s;
    conversation.systemPrompt = u"Be brief.\nBe kind."_s;
    const QString markdown = markdownOf(conversation);
    EXPECT_TRUE(markdown.startsWith("# A: talk"_L1));
    EXPECT_TRUE(markdown.contains("> Be brief.\n> Be kind."_L1));
    EXPECT_TRUE(markdown.contains("**You:**\n\nHello"_L1));
    EXPECT_LT(markdown.indexOf("Hello"_L1), markdown.indexOf("Hi"_L1));
    EXPECT_EQ(Conversation::fromJson(QJsonDocument::fromJson(jsonOf(conversation)).object()),
              conversation);
    EXPECT_EQ(fileNameOf(conversation), u"A-talk-with-stars"_s);
    EXPECT_EQ(fileNameOf(Conversation::create()), u"conversation"_s);
}

} // namespace
} // namespace caldera::studio
