#include "widgets/plan_view/preflight_line.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QPushButton>
#include <QRegularExpression>

#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"

namespace caldera::studio {

namespace {

constexpr int kLinesOfAnswer = 3; ///< of most answers

QString itemText(const PreflightItem& item) {
    const QString what = item.name == "gpu-memory" ? PreflightLine::tr("GPU memory")
                         : item.name == "disk"     ? PreflightLine::tr("disk")
                                                   : PreflightLine::tr("memory");
    const QString text = item.fits() ? PreflightLine::tr("%1 of %2 (%3 free)")
                                     : PreflightLine::tr("%1 of %2, but only %3 are free");
    const auto words = item.name == "disk" ? sizeText : memoryText;
    return text.arg(words(item.needed), what, words(item.available));
}

QString timeLine(const TimeEstimate& time) {
    if (time.seconds < 0) {
        return {};
    }
    const QString span = spanText(time.seconds);
    return time.runs > 0 ? PreflightLine::tr("Takes about %1, as measured in %n earlier run(s) "
                                             "there.",
                                             nullptr, time.runs)
                               .arg(span)
                         : PreflightLine::tr(
                               "Takes about %1: a first guess by documented rates, which may be "
                               "off by a factor. The first run there corrects it.")
                               .arg(span);
}

} // namespace

QString preflightText(const Preflight& preflight) {
    QStringList items;
    for (const PreflightItem& item : preflight.items) {
        items.append(itemText(item));
    }
    QStringList sentences;
    if (!items.isEmpty()) {
        sentences.append(PreflightLine::tr("Needs %1.").arg(items.join(QStringLiteral(", "))));
    }
    if (!preflight.advice.empty()) {
        static const QRegularExpression option(QStringLiteral("--calibration-tokens (\\d+)"));
        QString advice = QString::fromStdString(preflight.advice);
        sentences.append(advice.replace(
            option, PreflightLine::tr("%1 calibration tokens").arg(QStringLiteral("\\1"))));
    }
    sentences.append(timeLine(preflight.time));
    sentences.removeAll(QString());
    return sentences.join(u' ');
}

PreflightLine::PreflightLine(QWidget* parent)
    : QWidget(parent), text_(new ToneLabel({}, Token::Secondary, this)),
      ask_(new QPushButton(tr("Check there"), this)),
      force_(new QCheckBox(tr("Begin all the same"), this)) {
    text_->setWordWrap(true);
    text_->setAccessibleName(tr("What the run takes"));
    ask_->setToolTip(tr("Log in there and ask what the run takes and whether it fits; nothing is "
                        "begun"));
    force_->setToolTip(tr("The estimate is on the safe side; a run that takes more than there is "
                          "ends with a failure, and what is finished stays"));
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceSmall);
    line->addWidget(text_, 1);
    line->addWidget(ask_, 0, Qt::AlignTop);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addLayout(line);
    layout->addWidget(force_);
    connect(ask_, &QPushButton::clicked, this, &PreflightLine::askRequested);
    connect(force_, &QCheckBox::toggled, this, &PreflightLine::changed);
    showNothing(false);
}

void PreflightLine::show(const QString& text, bool isProblem, bool offersToAsk) {
    text_->setText(text);
    text_->setTone(isProblem ? Token::Warn : Token::Secondary);
    text_->setVisible(!text.isEmpty());
    ask_->setVisible(offersToAsk);
    force_->setVisible(isProblem);
    isProblem_ = isProblem;
    if (!isProblem) {
        force_->setChecked(false);
    }
    Q_EMIT changed();
}

void PreflightLine::showAsking() {
    show(tr("Working out what it takes…"), false, false);
    // The answer is longer, and is not to move what stands around.
    keepLines(*text_, kLinesOfAnswer);
}

void PreflightLine::showAnswer(const Preflight& preflight) {
    show(preflightText(preflight), !preflight.fits(), false);
}

void PreflightLine::showFailure(const QString& sentence, bool isRefused) {
    show(isRefused ? sentence : tr("What it takes is not known: %1").arg(sentence), isRefused,
         offersToAsk_);
}

void PreflightLine::showNothing(bool offersToAsk) {
    offersToAsk_ = offersToAsk;
    text_->setMinimumHeight(0);
    show(offersToAsk ? tr("The machine says what the run takes before it begins, and refuses what "
                          "does not fit.")
                     : QString(),
         false, offersToAsk);
}

bool PreflightLine::mayStart() const {
    return !isProblem_ || force_->isChecked();
}

bool PreflightLine::forces() const {
    return isProblem_ && force_->isChecked();
}

QString PreflightLine::text() const {
    return text_->text();
}

} // namespace caldera::studio
