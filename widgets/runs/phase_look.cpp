#include "widgets/runs/phase_look.h"

#include <QCoreApplication>
#include <QLocale>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

struct Entry {
    QLatin1StringView phase;
    const char* word = nullptr;
    QLatin1StringView icon;
    Token tone = Token::Secondary;
};

constexpr Entry kEntries[] = {
    {"queued"_L1, QT_TRANSLATE_NOOP("PhaseLook", "Waiting"), "clock"_L1, Token::Secondary},
    {"preparing"_L1, QT_TRANSLATE_NOOP("PhaseLook", "Preparing"), "play"_L1, Token::Accent},
    {"running"_L1, QT_TRANSLATE_NOOP("PhaseLook", "Running"), "play"_L1, Token::Accent},
    {"connecting"_L1, QT_TRANSLATE_NOOP("PhaseLook", "Connecting"), "clock"_L1, Token::Secondary},
    {"paused"_L1, QT_TRANSLATE_NOOP("PhaseLook", "Paused"), "pause"_L1, Token::Secondary},
    {"fetching"_L1, QT_TRANSLATE_NOOP("PhaseLook", "Fetching"), "play"_L1, Token::Accent},
    {"done"_L1, QT_TRANSLATE_NOOP("PhaseLook", "Done"), "check"_L1, Token::Good},
    {"cancelled"_L1, QT_TRANSLATE_NOOP("PhaseLook", "Cancelled"), "stop"_L1, Token::Secondary},
    {"failed"_L1, QT_TRANSLATE_NOOP("PhaseLook", "Failed"), "error"_L1, Token::Bad},
    {"lost"_L1, QT_TRANSLATE_NOOP("PhaseLook", "Lost"), "warning"_L1, Token::Warn},
};

QString tr(const char* text) {
    return QCoreApplication::translate("PhaseLook", text);
}

} // namespace

PhaseLook phaseLook(const QString& phase) {
    for (const Entry& entry : kEntries) {
        if (entry.phase == phase)
            return {tr(entry.word), entry.icon, entry.tone};
    }
    return {phase, u"info"_s, Token::Secondary};
}

QString stageTitle(const QString& stage) {
    QString title = stage;
    title.replace(u'_', u' ').replace(u'-', u' ');
    if (!title.isEmpty())
        title[0] = title[0].toUpper();
    return title;
}

QString momentText(const QDateTime& moment, const QDateTime& now) {
    if (!moment.isValid())
        return {};
    const QDateTime local = moment.toLocalTime();
    const qint64 seconds = moment.secsTo(now);
    if (seconds < 60)
        return tr("just now");
    if (seconds < 3600)
        return tr("%1 min ago").arg(seconds / 60);
    QString clock = local.toString(u"HH:mm"_s);
    const qint64 days = local.date().daysTo(now.toLocalTime().date());
    if (days == 0)
        return clock;
    if (days < 7)
        return QLocale().dayName(local.date().dayOfWeek(), QLocale::ShortFormat) + u' ' + clock;
    return local.toString(u"yyyy-MM-dd"_s);
}

QString retryText(const QDateTime& moment, const QDateTime& now) {
    if (!moment.isValid())
        return {};
    const qint64 seconds = now.secsTo(moment);
    return seconds > 0 ? tr("Trying again in %1 s.").arg(seconds) : tr("Trying again now.");
}

QString phaseSentence(const JobSummary& job) {
    if (job.phase == "lost"_L1 && !job.message.isEmpty()) { // of another machine: what broke
        QStringList sentences{job.message};
        if (job.isCancelling && job.mayRunThere())
            sentences.append(tr("It is cancelled as soon as the host answers."));
        sentences.append(retryText(job.retryAt, QDateTime::currentDateTimeUtc()));
        sentences.removeAll(QString());
        return sentences.join(u' ');
    }
    if (job.phase == "lost"_L1)
        return tr("The worker stopped without a word: the machine was switched off, or memory ran "
                  "out. Resume goes on with what is finished.");
    const bool isTold = job.phase == "failed"_L1 || job.phase == "queued"_L1; // what it waits for
    return isTold ? job.message : QString();
}

} // namespace caldera::studio
