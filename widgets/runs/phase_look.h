// How a job's phase looks and is called, the same in every place.
#pragma once

#include <QString>

#include "widgets/jobs/job_service.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

struct PhaseLook {
    QString word; ///< "Running"
    QString icon; ///< of resources/icons
    Token tone = Token::Secondary;
};

PhaseLook phaseLook(const QString& phase);
/// The name of a stage as people read it: "calibrate" becomes "Calibrate".
QString stageTitle(const QString& stage);
/// "just now", "3 min ago", "14:05", "Tue 14:05", "2026-11-02".
QString momentText(const QDateTime& moment, const QDateTime& now);
/// What a job waits for or failed by: its sentence, or one that explains the phase; may be empty.
QString phaseSentence(const JobSummary& job);

} // namespace caldera::studio
