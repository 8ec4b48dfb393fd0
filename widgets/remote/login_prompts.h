// Questions of logins on many threads, answered by a person in the window.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>

#include <QObject>
#include <QString>

namespace caldera::studio {

/// Lives on the window's thread; ask() is called on others.
class LoginPrompts : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    /// Blocks until the question is answered; nothing when a person would rather not, when nobody
    /// is there to be asked, or after close().
    std::optional<QString> ask(const QString& subject, const QString& question);
    void answer(int number, const std::optional<QString>& text);
    /// Nobody answers any more.
    void close();

Q_SIGNALS:
    /// `subject`: id of the job, or name of the target. `question` is ssh's own.
    void asked(int number, const QString& subject, const QString& question);

private:
    std::mutex mutex_;
    std::condition_variable answered_;
    std::map<int, std::optional<QString>> answers_;
    int next_ = 0;
    bool isClosed_ = false;
};

} // namespace caldera::studio
