#include "widgets/chat/compare_session.h"

#include <QJsonDocument>
#include <QtConcurrent>

#include <algorithm>
#include <utility>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kAnswerLikeliest = 20; // the most that a chat's answer can tell
constexpr int kScoreLikeliest = 50;
constexpr qsizetype kLongestLine = 64 << 20;
constexpr qsizetype kShortLine = 16 << 10; // is read in no time

} // namespace

CompareSession::CompareSession(QString worker, QObject* parent)
    : QObject(parent), worker_(std::move(worker)) {
    connectSide(reference_);
    connectSide(subject_);
}

CompareSession::~CompareSession() {
    stop();
}

void CompareSession::connectSide(Side& side) {
    connect(&side.client, &ChatClient::tokens, this, [this, &side](const QJsonArray& tokens) {
        (stage_ == Stage::Answering ? side.answer : side.along) +=
            ScoredToken::listFromJson(tokens);
        measure();
        Q_EMIT changed();
    });
    connect(&side.client, &ChatClient::finished, this, [this, &side] { takeEnd(side); });
    connect(&side.client, &ChatClient::failed, this, &CompareSession::fail);
}

void CompareSession::start(const CompareSide& reference, const CompareSide& subject,
                           const ChatRequest& question) {
    clear();
    question_ = question;
    question_.sampling.temperature = 0;
    question_.likeliest = kAnswerLikeliest;
    followsReference_ = !reference.server.isEmpty();
    for (auto [side, what] : {std::pair(&reference_, &reference), std::pair(&subject_, &subject)}) {
        side->what = *what;
        side->hasAnswered = what->server.isEmpty();
        side->client.setToken(what->token);
    }
    setStage(Stage::Answering);
    for (Side* side : {&reference_, &subject_}) {
        if (!side->hasAnswered)
            side->client.send(side->what.server, question_);
    }
}

void CompareSession::stop() {
    reference_.client.cancel();
    subject_.client.cancel();
    ++passes_;
    if (pass_) {
        pass_->disconnect(this);
        connect(pass_, &QProcess::finished, pass_, &QObject::deleteLater);
        pass_->terminate();
        pass_.clear();
    }
    fraction_ = -1;
    if (stage_ != Stage::Done)
        stage_ = Stage::Idle;
}

void CompareSession::clear() {
    stop();
    stage_ = Stage::Idle;
    followsReference_ = true;
    divergences_.clear();
    for (Side* side : {&reference_, &subject_}) {
        side->answer.clear();
        side->along.clear();
    }
}

void CompareSession::takeEnd(Side& side) {
    if (stage_ == Stage::Scoring) {
        setStage(Stage::Done);
        return;
    }
    side.hasAnswered = true;
    if (reference_.hasAnswered && subject_.hasAnswered)
        scoreAlong();
}

void CompareSession::scoreAlong() {
    Side& followed = followsReference_ ? reference_ : subject_;
    Side& other = followsReference_ ? subject_ : reference_;
    if (followed.answer.isEmpty()) {
        fail(tr("%1 gave no answer to compare along. Ask something else.").arg(followed.what.name));
        return;
    }
    QList<int> ids;
    for (const ScoredToken& token : std::as_const(followed.answer))
        ids.append(token.id);
    setStage(Stage::Scoring);
    if (other.what.server.isEmpty())
        scoreByPass(other, ids);
    else
        other.client.score(other.what.server, question_, ids, kScoreLikeliest);
}

void CompareSession::scoreByPass(const Side& side, const QList<int>& tokens) {
    clock_.start();
    passOutput_.clear();
    isReading_ = false;
    passCode_.reset();
    pass_ = new QProcess(this);
    connect(pass_, &QProcess::readyReadStandardOutput, this, &CompareSession::takePassOutput);
    connect(pass_, &QProcess::finished, this, &CompareSession::takePassEnd);
    connect(pass_, &QProcess::errorOccurred, this, [this](QProcess::ProcessError what) {
        if (what == QProcess::FailedToStart)
            fail(tr("The program %1 could not be started.").arg(worker_));
    });
    pass_->start(worker_, {u"score"_s, side.what.model, u"--lines"_s});
    pass_->write(QJsonDocument(question_.scoreJson(tokens, kScoreLikeliest)).toJson());
    pass_->closeWriteChannel();
}

void CompareSession::takePassOutput() {
    passOutput_.append(pass_->readAllStandardOutput());
    if (passOutput_.size() > kLongestLine) {
        fail(tr("The program said more than any score needs; the comparison was ended."));
        return;
    }
    // Events of the progress come before the document, a line each.
    for (qsizetype end = passOutput_.indexOf('\n'); end >= 0; end = passOutput_.indexOf('\n')) {
        const QByteArray text = passOutput_.left(end);
        passOutput_.remove(0, end + 1);
        const QJsonObject line =
            text.size() > kShortLine ? QJsonObject() : QJsonDocument::fromJson(text).object();
        if (text.size() > kShortLine || line.contains("tokens"_L1)) {
            readScores(text);
        } else if (line["total"_L1].toDouble() > 0) {
            fraction_ = line["done"_L1].toDouble() / line["total"_L1].toDouble();
            Q_EMIT changed();
        } else if (line.contains("error"_L1)) {
            fail(line["error"_L1].toObject()["message"_L1].toString());
            return;
        }
    }
}

/// A long answer's scores take longer to read than the event loop may stand still.
void CompareSession::readScores(const QByteArray& line) {
    isReading_ = true;
    QtConcurrent::run([line] {
        return ScoredToken::listFromJson(
            QJsonDocument::fromJson(line).object()["tokens"_L1].toArray());
    }).then(this, [this, number = passes_](const QList<ScoredToken>& tokens) {
        if (number != passes_)
            return; // of a pass that was stopped
        isReading_ = false;
        (followsReference_ ? subject_ : reference_).along = tokens;
        measure();
        if (number == passes_ && passCode_) // they can be compared
            endPass(*passCode_);
    });
}

void CompareSession::takePassEnd(int code) {
    if (pass_)
        takePassOutput();
    if (!pass_)
        return; // it has failed, and said why
    pass_->deleteLater();
    pass_.clear();
    passCode_ = code;
    if (!isReading_)
        endPass(code);
}

void CompareSession::endPass(int code) {
    if ((followsReference_ ? subject_ : reference_).along.isEmpty())
        fail(tr("The model could not be scored (code %1); memory may have run out.").arg(code));
    else
        setStage(Stage::Done);
}

double CompareSession::secondsLeft() const {
    constexpr double kThousand = 1000;
    return fraction_ > 0
               ? static_cast<double>(clock_.elapsed()) / kThousand * (1 - fraction_) / fraction_
               : -1;
}

void CompareSession::fail(const QString& sentence) {
    stop();
    setStage(Stage::Idle);
    Q_EMIT failed(sentence);
}

void CompareSession::setStage(Stage stage) {
    stage_ = stage;
    fraction_ = -1;
    Q_EMIT changed();
}

const QList<ScoredToken>& CompareSession::referenceAlong() const {
    return followsReference_ ? reference_.answer : reference_.along;
}

const QList<ScoredToken>& CompareSession::subjectAlong() const {
    return followsReference_ ? subject_.along : subject_.answer;
}

/// Of the places that both have been scored at since.
void CompareSession::measure() {
    const QList<ScoredToken>& reference = referenceAlong();
    const QList<ScoredToken>& subject = subjectAlong();
    const qsizetype count = std::min(reference.size(), subject.size());
    for (qsizetype i = divergences_.size(); i < count && reference[i].id == subject[i].id; ++i) {
        if (reference[i].text != subject[i].text) { // the same number is another token
            fail(tr("%1 and %2 cut texts into other tokens (number %3 is \"%4\" and \"%5\"), so "
                    "their probabilities cannot be compared. Choose a model with the same "
                    "tokenizer: the original, or one that was made from it.")
                     .arg(reference_.what.name, subject_.what.name)
                     .arg(reference[i].id)
                     .arg(reference[i].text, subject[i].text));
            return;
        }
        divergences_.append(leastDivergence(reference[i], subject[i]));
    }
}

} // namespace caldera::studio
