// What a comparison shows: both answers with their marks, how far it is, and what came of it.
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "widgets/chat/chance_table.h"
#include "widgets/chat/compare_view.h"
#include "widgets/chat/engine_process.h"
#include "widgets/chat/token_text.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr double kFarApart = 1.0; // nats at which the tint is full
constexpr int kBarSteps = 1000;

} // namespace

void CompareView::refresh() {
    showAnswers();
    showState();
    summary_->setText(summary());
    arithmetic_->setVisible(!session_.divergences().isEmpty());
    showChances();
}

/// A model and what became of it may have one name.
QString CompareView::referenceTitle() const {
    return reference_.name.isEmpty() ? tr("Reference") : tr("%1 (reference)").arg(reference_.name);
}

QString CompareView::subjectTitle() const {
    return subject_.name.isEmpty() ? tr("Open model") : tr("%1 (open model)").arg(subject_.name);
}

void CompareView::showAnswers() {
    const bool follows = session_.followsReference();
    referenceName_->setText(reference_.name.isEmpty() ? tr("none yet") : reference_.name);
    leftTitle_->setText(follows ? referenceTitle()
                                : tr("%1, judged by %2").arg(subjectTitle(), referenceTitle()));
    rightTitle_->setText(follows ? subjectTitle()
                                 : tr("%1 is scored, but writes no answer").arg(referenceTitle()));
    rightTitle_->setToolTip(follows ? QString() : engine_->error()); // why it has no engine
    left_->setTokens(follows ? session_.referenceAnswer() : session_.subjectAnswer());
    right_->setTokens(follows ? session_.subjectAnswer() : QList<ScoredToken>());

    if (marks_.size() > session_.divergences().size())
        marks_.clear(); // another comparison
    for (qsizetype i = marks_.size(); i < session_.divergences().size(); ++i)
        marks_.append(markOf(i));
    left_->setMarks(marks_);
    const qsizetype difference =
        firstDifference(session_.referenceAnswer(), session_.subjectAnswer());
    QList<TokenMark> own;
    if (follows && difference >= 0 && difference < session_.subjectAnswer().size()) {
        own.resize(difference + 1);
        own[difference].differs = true;
        own[difference].toolTip = tr("From here the answers differ");
    }
    right_->setMarks(own);
    left_->choose(chosen_);
}

TokenMark CompareView::markOf(qsizetype place) const {
    const auto likeliest = [place](const QList<ScoredToken>& tokens) {
        return tokens[place].likeliest.value(0).id;
    };
    const double divergence = session_.divergences()[place];
    TokenMark mark;
    mark.tint = std::sqrt(std::min(1.0, divergence / kFarApart));
    mark.differs = likeliest(session_.referenceAlong()) != likeliest(session_.subjectAlong());
    mark.toolTip = tr("KL divergence at least %1 nats").arg(figureText(divergence));
    return mark;
}

void CompareView::showState() {
    const bool isBusy = session_.isRunning() || !waiting_.isEmpty();
    ask_->setText(isBusy ? tr("Stop") : tr("Compare"));
    ask_->setEnabled(isBusy || (!subject_.server.isEmpty() && !reference_.name.isEmpty()));
    progress_->setVisible(isBusy);
    const bool isMeasured = session_.fraction() >= 0;
    progress_->setRange(0, isMeasured ? kBarSteps : 0);
    progress_->setValue(static_cast<int>(session_.fraction() * kBarSteps));
    QString text;
    if (!waiting_.isEmpty())
        text = tr("Starting the engine of %1…").arg(reference_.name);
    else if (session_.stage() == CompareSession::Stage::Answering)
        text = tr("Answering…");
    else if (session_.stage() == CompareSession::Stage::Scoring && isMeasured)
        text = tr("%1 reads the answer layer by layer: %2 %, %3 left")
                   .arg(reference_.name)
                   .arg(qRound(100 * session_.fraction()))
                   .arg(spanText(session_.secondsLeft()));
    else if (session_.stage() == CompareSession::Stage::Scoring)
        text = tr("Scoring along the answer…");
    else if (subject_.server.isEmpty())
        text = tr("Open a compressed model; it is compared with a reference.");
    else if (reference_.name.isEmpty())
        text = tr("Choose a reference: the original, or another compressed model.");
    state_->setText(text);
    state_->setVisible(!text.isEmpty());
}

QString CompareView::divergenceText() const {
    const QList<double>& divergences = session_.divergences();
    if (divergences.isEmpty())
        return {};
    const double mean = std::accumulate(divergences.begin(), divergences.end(), 0.0) /
                        static_cast<double>(divergences.size());
    const auto worst = std::max_element(divergences.begin(), divergences.end());
    qsizetype same = 0;
    for (qsizetype i = 0; i < divergences.size(); ++i)
        same += session_.referenceAlong()[i].likeliest.value(0).id ==
                        session_.subjectAlong()[i].likeliest.value(0).id
                    ? 1
                    : 0;
    return tr("KL divergence over %1 tokens: mean at least %2 nats, most %3 at \"%4\"; the same "
              "likeliest token at %5 % of them.")
        .arg(countText(divergences.size()), figureText(mean), figureText(*worst),
             visibleToken(session_.referenceAlong()[worst - divergences.begin()].text),
             figureText(100.0 * static_cast<double>(same) /
                        static_cast<double>(divergences.size())));
}

QString CompareView::summary() const {
    QString text = divergenceText();
    const QList<ScoredToken>& a = session_.referenceAnswer();
    const QList<ScoredToken>& b = session_.subjectAnswer();
    if (!session_.followsReference() || a.isEmpty() || b.isEmpty() ||
        session_.stage() == CompareSession::Stage::Answering)
        return text;
    const qsizetype difference = firstDifference(a, b);
    if (difference < 0)
        return tr("Both answers are the same. ") + text;
    const auto at = [difference](const QList<ScoredToken>& tokens) {
        return difference < tokens.size() ? u'"' + visibleToken(tokens[difference].text) + u'"'
                                          : CompareView::tr("the end");
    };
    return tr("First difference at token %1: %2 and %3. ")
               .arg(countText(difference + 1), at(a), at(b)) +
           text;
}

void CompareView::chooseToken(qsizetype index) {
    chosen_ = index;
    left_->choose(index);
    showChances();
}

void CompareView::showChances() {
    const QList<double>& divergences = session_.divergences();
    const bool isScored = chosen_ >= 0 && chosen_ < divergences.size();
    chances_->setPlace({isScored
                            ? tr("Token %1, KL at least %2 nats")
                                  .arg(countText(chosen_ + 1), figureText(divergences[chosen_]))
                            : tr("Token"),
                        referenceTitle(), subjectTitle(), session_.referenceAlong().value(chosen_),
                        session_.subjectAlong().value(chosen_)});
    chances_->setVisible(chosen_ >= 0);
    blame_->setVisible(isScored && blamable_);
}

} // namespace caldera::studio
