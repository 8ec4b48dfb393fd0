// Lets the chat talk to a server that runs on another machine, and says how that stands.
#pragma once

#include <functional>

#include <QList>
#include <QObject>
#include <QString>

namespace caldera::studio {

class ChatView;
class JobService;
struct JobSummary;
class NoticeBar;

/// The last server that was reached. The notices tell of it until it ends.
class ServedChat : public QObject {
    Q_OBJECT
public:
    ServedChat(JobService& service, ChatView& chat, QList<NoticeBar*> notices,
               QObject* parent = nullptr);

Q_SIGNALS:
    /// The person wants to chat, or to see the run.
    void chatRequested();
    void runRequested(const QString& id);

private:
    void take(const QString& id, int port, const QByteArray& token);
    void follow(const JobSummary& job);
    void showNotices(const QString& iconName, const QString& sentence, const QString& action,
                     const std::function<void()>& run);
    void clearNotices();

    JobService& service_;
    ChatView& chat_;
    QList<NoticeBar*> notices_;
    QString id_;       ///< of the run that serves; empty: none
    QString sentence_; ///< in the notices; another one there is not ours
};

} // namespace caldera::studio
