#include "widgets/chat/conversation.h"

#include <QAbstractItemModelTester>
#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QLabel>
#include <QRandomGenerator>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "tests/gui/chat/stored_conversations.h"
#include "widgets/chat/conversation_list.h"
#include "widgets/chat/conversation_store.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr int kPatience = 10000;

Conversation talk(const QString& question) {
    Conversation made = Conversation::create();
    const QString asked = made.add({}, ChatRole::User, question);
    made.add(asked, ChatRole::Assistant, u"Answer to "_s + question);
    return made;
}

QStringList texts(const Conversation& conversation) {
    QStringList all;
    for (const ChatMessage& message : conversation.path())
        all.append(message.text);
    return all;
}

TEST(Conversation, NamesItselfAfterTheFirstQuestion) {
    EXPECT_EQ(talk(u"  What is\n a Hessian? "_s).title, u"What is a Hessian?"_s);
    EXPECT_LE(talk(QString(500, u'x')).title.size(), 60);
}

TEST(Conversation, KeepsEveryVersion) {
    Conversation made = talk(u"One"_s);
    const QString question = made.path()[0].id;
    const QString first = made.path()[1].id;
    const QString second = made.add(question, ChatRole::Assistant, u"Another"_s);
    EXPECT_EQ(texts(made), (QStringList{u"One"_s, u"Another"_s}));
    EXPECT_EQ(made.siblings(second), (QStringList{first, second}));
    made.add(first, ChatRole::User, u"More"_s);
    made.show(second);
    EXPECT_EQ(texts(made), (QStringList{u"One"_s, u"Another"_s}));
    made.show(first);
    EXPECT_EQ(texts(made), (QStringList{u"One"_s, u"Answer to One"_s, u"More"_s}));
}

TEST(Conversation, ReadsWhatItWrote) {
    Conversation made = talk(u"Größe 🙂"_s);
    made.systemPrompt = u"Be brief."_s;
    made.sampling = {0.1, 0.5, 40, 0.05, 1.1, 99, 7};
    ChatMessage* answer = made.find(made.leaf());
    answer->end = ChatEnd::Stopped;
    answer->statistics.tokensPerSecond = 12.5;
    answer->statistics.weightBytes = 123456789012;
    EXPECT_EQ(Conversation::fromJson(made.toJson()), made);
}

TEST(Conversation, RefusesWhatIsNotAConversation) {
    EXPECT_TRUE(Conversation::fromJson({}).id.isEmpty());
    EXPECT_TRUE(Conversation::fromJson({{u"format"_s, u"caldera-chat/9"_s}}).id.isEmpty());
    // A message whose parent comes later, or is itself, would make a loop.
    QJsonObject json = talk(u"One"_s).toJson();
    QJsonArray messages = json["messages"_L1].toArray();
    QJsonObject looped = messages[0].toObject();
    looped[u"parent"_s] = looped["id"_L1];
    messages[0] = looped;
    json[u"messages"_s] = messages;
    EXPECT_TRUE(Conversation::fromJson(json).isEmpty());
}

TEST(Conversation, BringsWhatAFileSaysIntoRange) {
    QJsonObject json = talk(u"Hi"_s).toJson();
    json[u"title"_s] = QString(1 << 20, u'x') + u'\n';
    json[u"sampling"_s] = QJsonObject{
        {u"temperature"_s, 1e300}, {u"top_p"_s, -3},      {u"top_k"_s, -1},
        {u"min_p"_s, 7},           {u"max_tokens"_s, -5}, {u"repetition_penalty"_s, u"no"_s}};
    const Conversation read = Conversation::fromJson(json);
    EXPECT_EQ(read.title.size(), 200);
    EXPECT_EQ(read.sampling.temperature, 2);
    EXPECT_GT(read.sampling.topP, 0);
    EXPECT_EQ(read.sampling.topK, 0);
    EXPECT_EQ(read.sampling.minP, 1);
    EXPECT_EQ(read.sampling.maxTokens, 1);
    EXPECT_EQ(read.sampling.repetitionPenalty, 1);
}

TEST(Conversation, FindsItsWayInTenThousandMessages) {
    Conversation made = Conversation::create();
    for (int i = 0; i < 10000; ++i)
        made.add(made.leaf(), i % 2 == 0 ? ChatRole::User : ChatRole::Assistant,
                 u"Message %1"_s.arg(i));
    const Conversation read = Conversation::fromJson(made.toJson());
    EXPECT_EQ(read.path().size(), 10000);
    EXPECT_EQ(read.path(), made.path());
    EXPECT_TRUE(read.matches(u"message 9999"_s));
    for (const ChatMessage& message : read.path())
        ASSERT_EQ(read.siblings(message.id), QStringList{message.id});
}

TEST(ConversationStore, FindsConversationsAgain) {
    const QTemporaryDir folder;
    const Conversation one = talk(u"One"_s);
    const Conversation two = talk(u"Two"_s);
    {
        ConversationStore store(folder.path());
        store.save(one);
        store.save(two);
        store.remove(one.id);
    }
    QFile foreign(folder.filePath(u"notes.json"_s));
    ASSERT_TRUE(foreign.open(QIODevice::WriteOnly));
    foreign.write("not a conversation");
    foreign.close();
    ConversationStore store(folder.path());
    QSignalSpy loaded(&store, &ConversationStore::loaded);
    store.load();
    ASSERT_TRUE(loaded.wait(kPatience));
    EXPECT_EQ(loaded[0][0].value<QList<Conversation>>(), QList<Conversation>{two});
    EXPECT_TRUE(QFile::exists(foreign.fileName()));
}

TEST(ConversationStore, CountsThoseOfANewerStudioAndLeavesThem) {
    const QTemporaryDir folder;
    QJsonObject json = talk(u"One"_s).toJson();
    json[u"format"_s] = u"caldera-chat/2"_s;
    const QByteArray written = QJsonDocument(json).toJson();
    QFile newer(folder.filePath(json["id"_L1].toString() + u".json"_s));
    ASSERT_TRUE(newer.open(QIODevice::ReadWrite));
    newer.write(written);
    newer.flush();
    ConversationStore store(folder.path());
    QSignalSpy loaded(&store, &ConversationStore::loaded);
    store.load();
    ASSERT_TRUE(loaded.wait(kPatience));
    EXPECT_TRUE(loaded[0][0].value<QList<Conversation>>().isEmpty());
    EXPECT_EQ(loaded[0][1].toInt(), 1);
    ASSERT_TRUE(newer.seek(0));
    EXPECT_EQ(newer.readAll(), written);
    ConversationList list;
    EXPECT_TRUE(list.newer()->isHidden());
    list.showNewer(loaded[0][1].toInt());
    EXPECT_FALSE(list.newer()->isHidden());
    EXPECT_TRUE(list.newer()->text().contains("newer"_L1));
}

class AnswerPartsTest : public ::testing::Test {
protected:
    AnswerPartsTest() {
        asked_ = made_.add({}, ChatRole::User, u"Hi"_s);
        answer_ = made_.add(asked_, ChatRole::Assistant, u"Grüße "_s);
        made_.find(answer_)->end = ChatEnd::Streaming;
    }
    QString jsonFile() const { return folder_.filePath(made_.id + u".json"_s); }
    QString answerFile() const { return folder_.filePath(made_.id + u".answer"_s); }
    static QByteArray bytesOf(const QString& path) {
        QFile file(path);
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    }
    static void write(const QString& path, const QByteArray& bytes) {
        QFile file(path);
        ASSERT_TRUE(file.open(QIODevice::WriteOnly));
        file.write(bytes);
    }
    /// The answer as a studio that starts now finds it.
    ChatMessage found() const {
        const QList<Conversation> all = storedConversations(folder_.path());
        return all.size() == 1 ? *all.first().find(answer_) : ChatMessage();
    }

    const QTemporaryDir folder_;
    Conversation made_ = Conversation::create();
    QString asked_;
    QString answer_;
};

TEST_F(AnswerPartsTest, AreReadBehindWhatWasSaved) {
    {
        ConversationStore store(folder_.path());
        store.save(made_);
        store.append(made_.id, {answer_, 6, u"aus\nder "_s});
        store.append(made_.id, {answer_, 14, u"Ferne 🙂"_s});
    }
    EXPECT_EQ(found().text, u"Grüße aus\nder Ferne 🙂"_s);
    EXPECT_EQ(found().end, ChatEnd::Stopped);
}

TEST_F(AnswerPartsTest, AKillAnywhereLeavesABeginningOfTheAnswer) {
    const QStringList parts = {u"eins "_s, u"zwei ü "_s, u"drei 🙂"_s};
    QString whole = u"Grüße "_s;
    {
        ConversationStore store(folder_.path());
        store.save(made_);
        for (const QString& part : parts) {
            store.append(made_.id, {answer_, whole.size(), part});
            whole += part;
        }
    }
    const QByteArray all = bytesOf(answerFile());
    qsizetype last = 0;
    for (qsizetype length = 0; length <= all.size(); ++length) {
        write(answerFile(), all.left(length));
        const QString text = found().text;
        ASSERT_TRUE(whole.startsWith(text)) << text.toStdString();
        ASSERT_GE(text.size(), last) << "nothing that was there is lost";
        last = text.size();
    }
    EXPECT_EQ(last, whole.size());
}

TEST_F(AnswerPartsTest, OfWhatIsSavedByNowCountForNothing) {
    Conversation ended = made_;
    ended.find(answer_)->text = u"Grüße aus der Ferne."_s;
    ended.find(answer_)->end = ChatEnd::Complete;
    {
        ConversationStore store(folder_.path());
        store.save(made_);
        store.append(made_.id, {answer_, 6, u"aus der"_s});
        store.append(made_.id, {u"of no message"_s, 0, u"lost"_s});
        store.append(made_.id, {answer_, 400, u"after a gap"_s});
    }
    const QByteArray parts = bytesOf(answerFile());
    ASSERT_FALSE(parts.isEmpty());
    {
        ConversationStore store(folder_.path());
        store.save(ended);
    }
    EXPECT_FALSE(QFile::exists(answerFile())) << "all of it is in the conversation's file";
    write(answerFile(), parts); // killed between the two
    EXPECT_EQ(found(), *ended.find(answer_));
    ConversationStore(folder_.path()).remove(made_.id);
    EXPECT_TRUE(QDir(folder_.path()).isEmpty());
}

TEST_F(AnswerPartsTest, CostWhatTheyHoldHoweverLongTheConversationIs) {
    for (int i = 0; i < 2000; ++i)
        made_.add(made_.leaf(), i % 2 == 0 ? ChatRole::User : ChatRole::Assistant,
                  QString(500, u'x'));
    answer_ = made_.add(made_.leaf(), ChatRole::Assistant, {});
    {
        ConversationStore store(folder_.path());
        store.save(made_);
    }
    const QFileInfo saved(jsonFile());
    const QByteArray before = bytesOf(jsonFile());
    ASSERT_GT(before.size(), 1 << 20);
    {
        ConversationStore store(folder_.path());
        for (int i = 0; i < 100; ++i)
            store.append(made_.id, {answer_, i * 10, u"ten words "_s});
    }
    EXPECT_EQ(bytesOf(jsonFile()), before);
    EXPECT_EQ(QFileInfo(jsonFile()).lastModified(), saved.lastModified());
    EXPECT_LT(bytesOf(answerFile()).size(), 100 * 120);
    EXPECT_EQ(found().text.size(), 1000);
}

TEST(ConversationStore, SaysWhichFileIsTooLarge) {
    const QTemporaryDir folder;
    QFile large(folder.filePath(u"large.json"_s));
    ASSERT_TRUE(large.open(QIODevice::WriteOnly));
    ASSERT_TRUE(large.resize(qint64{65} << 20)); // takes no room: nothing is written in it
    ConversationStore store(folder.path());
    QSignalSpy failed(&store, &ConversationStore::failed);
    store.load();
    ASSERT_TRUE(failed.wait(kPatience));
    EXPECT_TRUE(failed[0][0].toString().contains("large.json"_L1));
    EXPECT_TRUE(large.exists());
}

TEST(ConversationStore, SaysWhenItCannotSave) {
    const QTemporaryDir folder;
    QFile blocked(folder.filePath(u"blocked"_s));
    ASSERT_TRUE(blocked.open(QIODevice::WriteOnly));
    ConversationStore store(blocked.fileName());
    QSignalSpy failed(&store, &ConversationStore::failed);
    store.save(talk(u"One"_s));
    ASSERT_TRUE(failed.wait(kPatience));
    EXPECT_TRUE(failed[0][0].toString().contains("One"_L1));
}

TEST(ConversationModel, KeepsTheRulesOfModelsUnderRandomChanges) {
    ConversationModel model;
    const QAbstractItemModelTester tester(&model,
                                          QAbstractItemModelTester::FailureReportingMode::Fatal);
    QRandomGenerator random(20261121);
    QList<Conversation> pool;
    for (int i = 0; i < 20; ++i)
        pool.append(talk(QString::number(i)));
    for (int step = 0; step < 400; ++step) {
        Conversation& one = pool[random.bounded(20)];
        switch (random.bounded(4)) {
        case 0:
            model.remove(one.id);
            break;
        case 1:
            if (const QString text = QString::number(random.bounded(20)); random.bounded(2))
                model.setFilter(text, conversationsWith(text, pool));
            else
                model.setFilter({});
            break;
        default:
            one.updated = one.updated.addSecs(random.bounded(-50, 100));
            model.put(one);
        }
        for (int row = 1; row < model.rowCount(); ++row) {
            const auto updated = [&](int at) {
                const QString id = model.index(at).data(ConversationModel::IdRole).toString();
                return std::find_if(pool.begin(), pool.end(),
                                    [&](const Conversation& c) { return c.id == id; })
                    ->updated;
            };
            ASSERT_GE(updated(row - 1), updated(row)) << "newest first, step " << step;
        }
    }
}

TEST(ConversationModel, FindsByTheWordsOfMessages) {
    ConversationModel model;
    const QList<Conversation> all = {talk(u"Lattices"_s), talk(u"Weather"_s)};
    model.setAll(all);
    const QString text = u"answer to LATT"_s;
    model.setFilter(text, conversationsWith(text, all));
    ASSERT_EQ(model.rowCount(), 1);
    EXPECT_EQ(model.index(0).data().toString(), u"Lattices"_s);
    EXPECT_EQ(model.foundIn(all[0].id), all[0].leaf());
    model.put(talk(u"On the answer to lattices"_s));
    EXPECT_EQ(model.rowCount(), 2) << "a new one is found by its title";
    model.setFilter({});
    EXPECT_EQ(model.rowCount(), 3);
}

TEST(ConversationSearch, FindsTheLastMessageOnScreenThatHoldsTheText) {
    Conversation one = Conversation::create();
    QStringList ids;
    for (int i = 0; i < 10000; ++i)
        ids.append(one.add(one.leaf(), i % 2 == 0 ? ChatRole::User : ChatRole::Assistant,
                           u"Message %1 of many"_s.arg(i)));
    const QString other = one.add(ids[10], ChatRole::User, u"Only in another version"_s);
    one.show(ids[11]);
    EXPECT_EQ(one.lastWith(u"message 4711 "_s), ids[4711]);
    EXPECT_EQ(one.lastWith(u"OF MANY"_s), ids.last());
    const auto found = conversationsWith(u"another version"_s, {one});
    EXPECT_TRUE(found.contains(one.id));
    EXPECT_TRUE(found[one.id].isEmpty()) << "it is not on screen";
    EXPECT_TRUE(conversationsWith(u"nowhere"_s, {one}).isEmpty());
    EXPECT_TRUE(conversationsWith(u"many"_s, {one}, [] { return false; }).isEmpty());
}

TEST(ConversationModel, RenamesAndRefusesAnEmptyName) {
    ConversationModel model;
    const Conversation one = talk(u"One"_s);
    model.setAll({one});
    QSignalSpy renamed(&model, &ConversationModel::renamed);
    EXPECT_FALSE(model.setData(model.index(0), u"   "_s, Qt::EditRole));
    EXPECT_TRUE(model.setData(model.index(0), u"My name"_s, Qt::EditRole));
    ASSERT_EQ(renamed.count(), 1);
    EXPECT_EQ(renamed[0][0].toString(), one.id);
}

} // namespace
} // namespace caldera::studio
