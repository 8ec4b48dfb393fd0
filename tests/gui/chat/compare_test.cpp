// A/B: how two models differ on tokens, what the session asks, what the view shows.
#include <cmath>
#include <csignal>

#include <QAction>
#include <QDir>
#include <QFile>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "tests/gui/chat/fake_server.h"
#include "tests/gui/chat/long_answer.h"
#include "tests/gui/pictures.h"
#include "widgets/chat/chance_table.h"
#include "widgets/chat/compare_view.h"
#include "widgets/chat/engine_process.h"
#include "widgets/chat/token_text.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
using Stage = CompareSession::Stage;

constexpr int kPatience = 20000;
constexpr const char* kChat = "/v1/chat/completions";
constexpr const char* kScores = "/caldera/v1/scores";

/// A token of probability `share`; the other words have what is said of them.
QJsonObject token(int id, const QString& text, double share,
                  const QList<std::tuple<int, QString, double>>& top) {
    QJsonArray list;
    for (const auto& [other, word, chance] : top)
        list.append(
            QJsonObject{{u"id"_s, other}, {u"token"_s, word}, {u"logprob"_s, std::log(chance)}});
    return {{u"id"_s, id},
            {u"token"_s, text},
            {u"logprob"_s, std::log(share)},
            {u"top_logprobs"_s, list}};
}

QByteArray said(const QJsonObject& one) {
    const QJsonObject choice{{u"delta"_s, QJsonObject{{u"content"_s, one[u"token"_s]}}},
                             {u"logprobs"_s, QJsonObject{{u"content"_s, QJsonArray{one}}}}};
    return FakeServer::event({{u"choices"_s, QJsonArray{choice}}});
}

QByteArray scored(const QJsonObject& one) {
    return FakeServer::event({{u"object"_s, u"caldera.score"_s}, {u"tokens"_s, QJsonArray{one}}});
}

ScoredToken known(const QJsonObject& json) {
    return ScoredToken::fromJson(json);
}

TEST(ScoredTokenTest, DivergenceOfWholeDistributionsIsExact) {
    const auto r = known(token(1, u"a"_s, 0.7, {{1, u"a"_s, 0.7}, {2, u"b"_s, 0.3}}));
    const auto s = known(token(1, u"a"_s, 0.4, {{2, u"b"_s, 0.6}, {1, u"a"_s, 0.4}}));
    EXPECT_NEAR(leastDivergence(r, s), 0.7 * std::log(0.7 / 0.4) + 0.3 * std::log(0.3 / 0.6), 1e-9);
    EXPECT_NEAR(leastDivergence(r, r), 0, 1e-12);
}

TEST(ScoredTokenTest, DivergenceOfPartsIsABound) {
    // Of the reference's 0.5, 0.3, 0.2 and the subject's 0.3, 0.3, 0.4 only some are named.
    const double all = 0.5 * std::log(0.5 / 0.3) + 0.2 * std::log(0.2 / 0.4);
    const auto r = known(token(1, u"a"_s, 0.5, {{1, u"a"_s, 0.5}, {2, u"b"_s, 0.3}}));
    const auto s = known(token(1, u"a"_s, 0.3, {{3, u"c"_s, 0.4}, {2, u"b"_s, 0.3}}));
    EXPECT_NEAR(leastDivergence(r, s), all, 1e-9) << "one token is left, so nothing is lost";
    const auto few = known(token(1, u"a"_s, 0.3, {{3, u"c"_s, 0.4}}));
    EXPECT_LE(leastDivergence(r, few), all + 1e-12);
    EXPECT_GT(leastDivergence(r, few), 0);
}

TEST(ScoredTokenTest, FindsWhereAnswersPart) {
    const QList<ScoredToken> one = {known(token(1, u"a"_s, 1, {})), known(token(2, u"b"_s, 1, {}))};
    QList<ScoredToken> other = one;
    EXPECT_EQ(firstDifference(one, other), -1);
    other[1].id = 3;
    EXPECT_EQ(firstDifference(one, other), 1);
    other.removeLast();
    EXPECT_EQ(firstDifference(one, other), 1) << "one of them ends";
}

TEST(TokenTextTest, KnowsItsTokensByPlace) {
    TokenText text;
    text.resize(600, 200);
    text.show();
    const QList<ScoredToken> tokens = {known(token(1, u"Hello"_s, 1, {})),
                                       known(token(2, u" wide"_s, 1, {})),
                                       known(token(3, u"\nworld"_s, 1, {}))};
    text.setTokens(tokens.first(2));
    text.setTokens(tokens);
    EXPECT_EQ(text.toPlainText(), u"Hello wide\nworld"_s);
    EXPECT_EQ(text.count(), 3);
    const auto middleOf = [&text](int position) {
        QTextCursor cursor(text.document());
        cursor.setPosition(position);
        const QRect left = text.cursorRect(cursor);
        cursor.setPosition(position + 1);
        return QPoint((left.left() + text.cursorRect(cursor).left()) / 2, left.center().y());
    };
    EXPECT_EQ(text.tokenAt(middleOf(0)), 0);
    EXPECT_EQ(text.tokenAt(middleOf(4)), 0);
    EXPECT_EQ(text.tokenAt(middleOf(6)), 1);
    EXPECT_EQ(text.tokenAt(middleOf(12)), 2);
    QSignalSpy chosen(&text, &TokenText::tokenChosen);
    QTest::mouseClick(text.viewport(), Qt::LeftButton, {}, middleOf(7));
    ASSERT_EQ(chosen.count(), 1);
    EXPECT_EQ(chosen[0][0].toLongLong(), 1);
    text.choose(1);
    QTest::keyClick(&text, Qt::Key_Right);
    EXPECT_EQ(chosen.last()[0].toLongLong(), 2);
    text.setTokens({tokens[1]});
    EXPECT_EQ(text.toPlainText(), u" wide"_s);
}

class Compare : public ::testing::Test {
protected:
    Compare() : view_(QStringLiteral(FAKE_WORKER)) {
        view_.resize(1000, 760);
        view_.show();
        const auto red = token(10, u" red"_s, 0.6, {{10, u" red"_s, 0.6}, {11, u" blue"_s, 0.3}});
        const auto sky = token(12, u" sky"_s, 0.9, {{12, u" sky"_s, 0.9}});
        reference_.playOn(kChat, {kStreamHead, said(red), said(sky), FakeServer::end()});
        const auto blue = token(11, u" blue"_s, 0.5, {{11, u" blue"_s, 0.5}, {10, u" red"_s, 0.4}});
        subject_.playOn(kChat, {kStreamHead, said(blue), said(sky), FakeServer::end()});
        const auto redAgain =
            token(10, u" red"_s, 0.4, {{11, u" blue"_s, 0.5}, {10, u" red"_s, 0.4}});
        subject_.playOn(kScores, {kStreamHead, scored(redAgain), scored(sky), "data: [DONE]\n\n"});
        view_.setSubject({u"small"_s, subject_.url(), "s", {}});
    }
    bool reaches(Stage stage) {
        return QTest::qWaitFor([this, stage] { return view_.session().stage() == stage; },
                               kPatience);
    }

    FakeServer reference_;
    FakeServer subject_;
    CompareView view_;
};

TEST_F(Compare, ScoresTheSubjectAlongTheReferencesAnswer) {
    EXPECT_FALSE(view_.arithmetic()->isVisible());
    view_.setReference(CompareSide{u"large"_s, reference_.url(), "r", {}});
    view_.ask(u"Which colour?"_s);
    ASSERT_TRUE(reaches(Stage::Done));
    EXPECT_EQ(view_.followed()->toPlainText(), u" red sky"_s);
    EXPECT_EQ(view_.other()->toPlainText(), u" blue sky"_s);
    ASSERT_EQ(view_.session().divergences().size(), 2);
    EXPECT_NEAR(view_.session().divergences()[0],
                0.6 * std::log(0.6 / 0.4) + 0.3 * std::log(0.3 / 0.5), 0.02);
    EXPECT_NEAR(view_.session().divergences()[1], 0, 1e-9);
    EXPECT_TRUE(view_.arithmetic()->isVisible()) << "beside the figures: how they were computed";
    EXPECT_TRUE(
        view_.summary().startsWith(u"First difference at token 1: \"␣red\" and \"␣blue\"."_s))
        << view_.summary().toStdString();
    // Both are asked for their likeliest answer, and for what they know about it.
    for (const FakeServer* server : {&reference_, &subject_}) {
        EXPECT_EQ(server->requests().first()["temperature"_L1].toDouble(-1), 0);
        EXPECT_EQ(server->requests().first()["top_logprobs"_L1].toInt(), 20);
    }
    const QJsonObject scores = subject_.requests().last();
    EXPECT_EQ(scores["tokens"_L1].toArray(), (QJsonArray{10, 12}));
    EXPECT_TRUE(subject_.lastHead().contains("Authorization: Bearer s"));
    view_.chooseToken(0);
    const QAbstractItemModel& chances = *view_.chances()->model();
    ASSERT_EQ(chances.rowCount(), 2);
    EXPECT_EQ(chances.index(0, 0).data().toString(), u"␣red"_s);
    EXPECT_EQ(chances.index(0, 1).data().toString(), u"60.0"_s);
    EXPECT_EQ(chances.index(0, 2).data().toString(), u"40.0"_s);
    EXPECT_TRUE(chances.index(0, 0).data(Qt::FontRole).value<QFont>().bold())
        << "what the answer took";
    EXPECT_FALSE(chances.index(1, 0).data(Qt::FontRole).value<QFont>().bold());
    EXPECT_TRUE(chances.headerData(1, Qt::Horizontal).toString().endsWith(u", %"_s));
}

TEST_F(Compare, TheLikeliestTokensAreCopiedAndExportedLikeOtherTables) {
    view_.setReference(CompareSide{u"large"_s, reference_.url(), "r", {}});
    view_.ask(u"Which colour?"_s);
    ASSERT_TRUE(reaches(Stage::Done));
    QSignalSpy filled(view_.chances()->model(), &QAbstractItemModel::modelReset);
    view_.chooseToken(0);
    view_.chooseToken(0);
    EXPECT_EQ(filled.count(), 1) << "a place that is shown is not filled in again";
    const QStringList lines = view_.chances()->csv().split(u'\n', Qt::SkipEmptyParts);
    ASSERT_EQ(lines.size(), 3);
    EXPECT_TRUE(lines[0].contains(u"large (reference), %"_s)) << lines[0].toStdString();
    EXPECT_TRUE(lines[1].contains(u"␣red"_s)) << lines[1].toStdString();
    EXPECT_TRUE(lines[2].contains(u"␣blue"_s)) << lines[2].toStdString();
}

TEST_F(Compare, AsksWhichCellsMovedTheChosenToken) {
    view_.setReference(CompareSide{u"large"_s, reference_.url(), "r", {}});
    view_.ask(u"Which colour?"_s);
    ASSERT_TRUE(reaches(Stage::Done));
    const auto button = [this] {
        for (QPushButton* found : view_.findChildren<QPushButton*>()) {
            if (found->text().contains("Which cells"_L1))
                return found;
        }
        return static_cast<QPushButton*>(nullptr);
    };
    view_.chooseToken(1);
    EXPECT_FALSE(button()->isVisible()) << "the open model is no artifact of this machine";
    view_.setBlamable(true);
    ASSERT_TRUE(button()->isVisible());
    QSignalSpy asked(&view_, &CompareView::blameRequested);
    button()->click();
    ASSERT_EQ(asked.count(), 1);
    const auto question = asked[0][0].value<BlameQuestion>();
    EXPECT_EQ(question.token, 1);
    EXPECT_EQ(question.request["tokens"_L1].toArray(), (QJsonArray{10, 12}));
    EXPECT_EQ(question.word, u"␣sky"_s);
}

TEST_F(Compare, TheOriginalIsOfferedFirstWhereItIsThere) {
    const QTemporaryDir folder;
    const QString path = folder.filePath(u"good-"_s + QString::number(reference_.url().port()));
    EXPECT_FALSE(view_.originalAction()->isVisible());
    ASSERT_TRUE(QDir().mkpath(path));
    view_.setOriginal(folder.filePath(u"gone"_s));
    view_.setOriginal(path);
    ASSERT_TRUE(QTest::qWaitFor([this] { return view_.originalAction()->isVisible(); }, kPatience));
    EXPECT_TRUE(view_.originalAction()->text().contains(u"good-"_s));
    view_.originalAction()->trigger();
    view_.ask(u"Which colour?"_s);
    ASSERT_TRUE(reaches(Stage::Done));
    EXPECT_EQ(view_.followed()->toPlainText(), u" red sky"_s);
    view_.setOriginal(folder.filePath(u"gone"_s));
    EXPECT_FALSE(view_.originalAction()->isVisible());
}

TEST_F(Compare, AnOriginalThatFitsAnswersByItself) {
    view_.setReference(u"/models/good-"_s + QString::number(reference_.url().port()));
    view_.ask(u"Which colour?"_s);
    ASSERT_TRUE(reaches(Stage::Done));
    EXPECT_TRUE(view_.session().followsReference());
    EXPECT_EQ(view_.followed()->toPlainText(), u" red sky"_s);
    EXPECT_EQ(view_.other()->toPlainText(), u" blue sky"_s);
}

TEST_F(Compare, AnOriginalThatDoesNotFitIsScoredInOnePass) {
    view_.setReference(u"/models/tight-original"_s);
    view_.ask(u"Which colour?"_s);
    ASSERT_TRUE(reaches(Stage::Done));
    EXPECT_FALSE(view_.session().followsReference());
    EXPECT_EQ(view_.followed()->toPlainText(), u" blue sky"_s);
    ASSERT_EQ(view_.session().referenceAlong().size(), 2);
    EXPECT_EQ(view_.session().referenceAlong()[0].likeliest[0].id, 2);
    EXPECT_GT(view_.session().divergences()[0], 0);
}

TEST_F(Compare, ALongAnswerCostsNoMoreATokenThanAShortOne) {
    constexpr int kTokens = 2000;
    constexpr int kTogether = 50;       // that come in one turn
    constexpr double kProcessor = 10e3; // ms; all of it anew for each token would be minutes
    QList<std::tuple<int, QString, double>> top;
    for (int i = 0; i < 20; ++i)
        top.append({i, u"w%1"_s.arg(i), 0.04});
    QList<QByteArray> answer{kStreamHead};
    QList<QByteArray> scores{kStreamHead};
    for (int i = 0; i < kTokens; i += kTogether) {
        const auto one = token(i % 20, u" word"_s, 0.04, top);
        answer.append(said(one).repeated(kTogether));
        scores.append(scored(one).repeated(kTogether));
    }
    reference_.playOn(kChat, answer + QList{FakeServer::end()});
    subject_.playOn(kScores, scores + QList<QByteArray>{"data: [DONE]\n\n"});
    view_.setReference(CompareSide{u"large"_s, reference_.url(), "r", {}});
    const double before = TurnWatch::now();
    view_.ask(u"Go on"_s);
    ASSERT_TRUE(
        QTest::qWaitFor([this] { return view_.session().stage() == Stage::Done; }, 4 * kPatience));
    EXPECT_LT(TurnWatch::now() - before, kProcessor);
    EXPECT_EQ(view_.session().divergences().size(), kTokens);
    EXPECT_EQ(view_.followed()->count(), kTokens);
}

TEST_F(Compare, StartsTheReferencesEngineAgainWhenItWasKilled) {
    const QTemporaryDir folder;
    const QString path = folder.filePath(u"good-"_s + QString::number(reference_.url().port()));
    ASSERT_TRUE(QDir().mkpath(path));
    QFile manifest(path + u"/manifest.json"_s);
    ASSERT_TRUE(manifest.open(QIODevice::WriteOnly));
    view_.setReference(path);
    const auto isReady = [this] { return view_.engine()->state() == EngineProcess::State::Ready; };
    ASSERT_TRUE(QTest::qWaitFor(isReady, kPatience));
    const qint64 first = view_.engine()->processId();
    ::kill(static_cast<pid_t>(first), SIGKILL);
    ASSERT_TRUE(QTest::qWaitFor(
        [this] { return view_.engine()->state() == EngineProcess::State::Failed; }, kPatience));
    view_.ask(u"Which colour?"_s);
    ASSERT_TRUE(reaches(Stage::Done));
    EXPECT_NE(view_.engine()->processId(), first);
    EXPECT_EQ(view_.followed()->toPlainText(), u" red sky"_s);
}

TEST_F(Compare, AReferenceThatDoesNotFitIsBegunAllTheSame) {
    const QTemporaryDir folder;
    const QString path = folder.filePath(u"tight-"_s + QString::number(reference_.url().port()));
    ASSERT_TRUE(QDir().mkpath(path));
    QFile manifest(path + u"/manifest.json"_s);
    ASSERT_TRUE(manifest.open(QIODevice::WriteOnly));
    view_.setReference(path);
    ASSERT_TRUE(QTest::qWaitFor(
        [this] { return view_.engine()->state() == EngineProcess::State::Failed; }, kPatience));
    const auto buttons = view_.findChildren<QAbstractButton*>();
    const auto begin = std::find_if(buttons.begin(), buttons.end(), [](QAbstractButton* button) {
        return button->text() == u"Begin all the same" && button->isVisible();
    });
    ASSERT_NE(begin, buttons.end());
    (*begin)->click();
    EXPECT_TRUE(QTest::qWaitFor(
        [this] { return view_.engine()->state() == EngineProcess::State::Ready; }, kPatience));
}

TEST_F(Compare, ModelsOfOtherTokensAreNotCompared) {
    const auto other = token(10, u" rouge"_s, 0.4, {{11, u" bleu"_s, 0.5}});
    subject_.playOn(kScores, {kStreamHead, scored(other), "data: [DONE]\n\n"});
    QSignalSpy failed(&view_.session(), &CompareSession::failed);
    view_.setReference(CompareSide{u"large"_s, reference_.url(), "r", {}});
    view_.ask(u"Which colour?"_s);
    ASSERT_TRUE(failed.wait(kPatience));
    EXPECT_TRUE(failed[0][0].toString().contains(u"other tokens"_s))
        << failed[0][0].toString().toStdString();
    EXPECT_TRUE(view_.session().divergences().isEmpty());
    EXPECT_EQ(view_.session().stage(), Stage::Idle);
}

TEST_F(Compare, SaysWhatWentWrongAndStops) {
    QSignalSpy failed(&view_.session(), &CompareSession::failed);
    view_.setReference(u"/models/broken"_s);
    view_.ask(u"Which colour?"_s);
    ASSERT_TRUE(failed.wait(kPatience));
    EXPECT_EQ(failed[0][0].toString(), u"The model has no layer 3. Fetch it again."_s);
    EXPECT_EQ(view_.session().stage(), Stage::Idle);
    const auto* banner = view_.findChild<ErrorBanner*>();
    EXPECT_FALSE(banner->isHidden());
    view_.setReference(u"/models/endless"_s);
    EXPECT_TRUE(banner->isHidden()) << "it was about another one";
    EXPECT_TRUE(view_.followed()->toPlainText().isEmpty());
    view_.ask(u"Which colour?"_s);
    ASSERT_TRUE(QTest::qWaitFor([this] { return view_.session().fraction() == 0.5; }, kPatience));
    view_.stop();
    EXPECT_EQ(view_.session().stage(), Stage::Idle);
}

TEST_F(Compare, LooksAsItShould) {
    picture(view_, u"compare-empty"_s, SchemeChoice::Dark);
    view_.setReference(CompareSide{u"large"_s, reference_.url(), "r", {}});
    view_.ask(u"Which colour?"_s);
    ASSERT_TRUE(reaches(Stage::Done));
    view_.chooseToken(0);
    const QImage dark = picture(view_, u"compare"_s, SchemeChoice::Dark);
    const QImage light = picture(view_, u"compare"_s, SchemeChoice::Light);
    EXPECT_NE(dark, light);
    Theme::current().setChoice(SchemeChoice::System);
}

} // namespace
} // namespace caldera::studio
