#include "widgets/remote/login_prompts.h"

#include <QMetaMethod>

namespace caldera::studio {

std::optional<QString> LoginPrompts::ask(const QString& subject, const QString& question) {
    std::unique_lock lock(mutex_);
    if (isClosed_ || !isSignalConnected(QMetaMethod::fromSignal(&LoginPrompts::asked))) {
        return std::nullopt;
    }
    const int number = next_++;
    lock.unlock();
    Q_EMIT asked(number, subject, question);
    lock.lock();
    answered_.wait(lock, [&] { return isClosed_ || answers_.contains(number); });
    const auto node = answers_.extract(number);
    return node.empty() ? std::nullopt : node.mapped(); // none: nobody answers any more
}

void LoginPrompts::answer(int number, const std::optional<QString>& text) {
    const std::scoped_lock guard(mutex_);
    answers_[number] = text;
    answered_.notify_all();
}

void LoginPrompts::close() {
    const std::scoped_lock guard(mutex_);
    isClosed_ = true;
    answered_.notify_all();
}

} // namespace caldera::studio
