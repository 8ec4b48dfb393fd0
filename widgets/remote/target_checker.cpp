#include "widgets/remote/target_checker.h"

#include "core/base/error.h"

namespace caldera::studio {

TargetChecker::TargetChecker(QObject* parent)
    : QObject(parent), logins_(std::make_unique<LoginPrompts>()) {}

TargetChecker::~TargetChecker() {
    stop();
}

void TargetChecker::stop() {
    ++run_;
    isRunning_ = false;
    if (!thread_.joinable()) {
        return;
    }
    thread_.request_stop();
    logins_->close();
    confirmKey(false);
    thread_.join();
}

void TargetChecker::start(const Target& target) {
    stop();
    logins_ = std::make_unique<LoginPrompts>();
    connect(logins_.get(), &LoginPrompts::asked, this, &TargetChecker::asked);
    confirmation_ = std::make_unique<std::promise<bool>>();
    isRunning_ = true;
    // Whatever the thread has to say is said here, unless another test has begun.
    const auto here = [this, run = run_](auto say) {
        QMetaObject::invokeMethod(this, [this, run, say] {
            if (run == run_) {
                say();
            }
        });
    };
    TargetCheck with;
    with.tell = [this, here](const StageResult& result) {
        here([this, result] { Q_EMIT stageChanged(result); });
    };
    with.confirm = [this, here,
                    answer = std::make_shared<std::future<bool>>(confirmation_->get_future())](
                       const QStringList& keys) {
        here([this, keys] { Q_EMIT keyShown(keys); });
        return answer->get();
    };
    with.ask = [logins = logins_.get(), name = target.name](const QString& question) {
        return logins->ask(name, question);
    };
    thread_ = std::jthread([this, here, with, target](const std::stop_token& stop) {
        try {
            const TargetCheckResult result = checkTarget(target, with, stop);
            here([this, result] {
                isRunning_ = false;
                Q_EMIT finished(result.passed, result.target);
            });
        } catch (const Cancelled&) {
            // Nobody waits for it.
        }
    });
}

void TargetChecker::confirmKey(bool isRight) {
    if (confirmation_) {
        confirmation_->set_value(isRight);
        confirmation_.reset();
    }
}

} // namespace caldera::studio
