// The staged test of a target, run on a thread of its own and told to the window.
#pragma once

#include <future>
#include <memory>
#include <thread>

#include <QObject>

#include "widgets/remote/login_prompts.h"
#include "widgets/remote/target_check.h"

namespace caldera::studio {

class TargetChecker : public QObject {
    Q_OBJECT
public:
    explicit TargetChecker(QObject* parent = nullptr);
    ~TargetChecker() override;

    /// Ends a test that runs before.
    void start(const Target& target);
    void stop();
    bool isRunning() const { return isRunning_; }
    /// The answer to keyShown().
    void confirmKey(bool isRight);
    LoginPrompts& logins() { return *logins_; }

Q_SIGNALS:
    void stageChanged(const caldera::studio::StageResult& result);
    /// A person compares these with what the host's owner says, then calls confirmKey().
    void keyShown(const QStringList& hostKeys);
    /// `target` holds the keys that were confirmed.
    void finished(bool passed, const caldera::studio::Target& target);
    /// What ssh asks; the answer goes to logins().
    void asked(int number, const QString& target, const QString& question);

private:
    std::unique_ptr<LoginPrompts> logins_;
    std::unique_ptr<std::promise<bool>> confirmation_;
    bool isRunning_ = false;
    int run_ = 0; ///< tells the words of an earlier test from those of this one
    std::jthread thread_;
};

} // namespace caldera::studio
