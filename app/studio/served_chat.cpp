#include "app/studio/served_chat.h"

#include <QUrl>

#include "widgets/chat/chat_view.h"
#include "widgets/jobs/job_service.h"
#include "widgets/support/notice_bar.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

ServedChat::ServedChat(JobService& service, ChatView& chat, QList<NoticeBar*> notices,
                       QObject* parent)
    : QObject(parent), service_(service), chat_(chat), notices_(std::move(notices)) {
    connect(&service_, &JobService::serverReached, this, &ServedChat::take);
    connect(&service_, &JobService::jobChanged, this, [this](const QString& id) {
        if (id == id_) {
            follow(service_.job(id));
        }
    });
}

void ServedChat::take(const QString& id, int port, const QByteArray& token) {
    id_ = id;
    const QString title = service_.job(id).title;
    chat_.useServer(QUrl(u"http://127.0.0.1:%1"_s.arg(port)), title, token);
    showNotices(u"chat"_s, tr("“%1” answers.").arg(title), tr("Chat"),
                [this] { Q_EMIT chatRequested(); });
}

/// Reached again, it tells so itself.
void ServedChat::follow(const JobSummary& job) {
    if (job.mayRunThere() || job.phase == u"connecting") {
        const QString sentence =
            tr("The connection to “%1” is being restored. The model stays loaded there.")
                .arg(job.title);
        chat_.loseServer(sentence);
        showNotices(u"clock"_s, sentence, tr("Show the run"),
                    [this, id = job.id] { Q_EMIT runRequested(id); });
    } else if (!job.active()) {
        chat_.loseServer(tr("“%1” has ended. Resume it in Runs to go on.").arg(job.title));
        clearNotices();
        id_.clear();
    }
}

void ServedChat::showNotices(const QString& iconName, const QString& sentence,
                             const QString& action, const std::function<void()>& run) {
    if (sentence == sentence_) {
        return; // what a person has closed stays closed
    }
    sentence_ = sentence;
    for (NoticeBar* notice : notices_) {
        notice->showNotice(iconName, sentence, action, run);
    }
}

void ServedChat::clearNotices() {
    for (NoticeBar* notice : notices_) {
        if (notice->sentence() == sentence_) {
            notice->clear();
        }
    }
    sentence_.clear();
}

} // namespace caldera::studio
