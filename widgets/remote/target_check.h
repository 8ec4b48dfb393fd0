// The staged test of a target: what works, what does not, and how long each stage took.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include <QList>
#include <QMetaType>
#include <QString>

#include "widgets/remote/askpass.h"
#include "widgets/remote/remote_host.h"
#include "widgets/remote/target.h"

namespace caldera::studio {

enum class CheckStage { Reach, HostKey, LogIn, Tools, Folder, Gpu, Worker, Scheduler };
enum class StageState {
    Running,
    Passed,
    Noted, ///< not what one would wish, and jobs run all the same
    Failed,
    Skipped ///< an earlier stage failed
};

struct StageResult {
    CheckStage stage = CheckStage::Reach;
    StageState state = StageState::Running;
    qint64 milliseconds = 0;
    QString text; ///< what was found, or the sentence of the failure
};

struct TargetCheck {
    /// Each stage as it begins and as it ends.
    std::function<void(const StageResult&)> tell;
    /// Whether a person has compared these keys; blocks. Not called when the target's own keys
    /// are still shown.
    std::function<bool(const QStringList& hostKeys)> confirm;
    AskPerson ask;
};

/// Everything that was found; keys that were confirmed are in the target.
struct TargetCheckResult {
    bool passed = false;
    Target target;
    HostFacts facts;
};

/// Blocks; never throws but Cancelled.
TargetCheckResult checkTarget(Target target, const TargetCheck& with, const std::stop_token& stop);

/// The stages of a target of this kind, in their order.
QList<CheckStage> checkStages(TargetKind kind);

} // namespace caldera::studio

Q_DECLARE_METATYPE(caldera::studio::StageResult)
