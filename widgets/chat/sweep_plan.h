// Which speeds are measured: lengths of prompts and chats at once.
#pragma once

#include <QList>
#include <QString>
#include <QStringList>

#include <optional>

#include "widgets/chat/sweep_run.h"

namespace caldera::studio {

struct SweepPlan {
    QList<int> prompts = {128, 512}; ///< tokens, each measured
    QList<int> chats = {1, 4};       ///< at once, each measured
    int tokens = 64;                 ///< of each answer

    /// Options of `caldera bench chats`.
    QStringList arguments() const;
    /// Seconds that it takes by what a run of the same artifact measured; nothing when the run has
    /// no points.
    std::optional<double> seconds(const SweepRun& measured) const;
    bool operator==(const SweepPlan&) const = default;
};

/// "128, 512" as whole numbers of 1 .. most, each once; nothing when it is something else.
std::optional<QList<int>> countsOf(const QString& text, int most);
QString countsText(const QList<int>& counts);

/// In words how a run compares with an earlier one: how many points became slower or faster by more
/// than a machine in use varies, and which most.
QString changeText(const SweepRun& run, const SweepRun& before);

} // namespace caldera::studio
