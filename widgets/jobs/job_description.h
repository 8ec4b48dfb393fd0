// What the files of a job's folder say, put into its summary.
#pragma once

#include <filesystem>

#include "core/job/job_folder.h"
#include "widgets/jobs/job_service.h"
#include "widgets/remote/remote_record.h"

namespace caldera::studio {

QString toText(const std::filesystem::path& path);

/// Whether no worker is at it, nor about to be.
bool hasEnded(const QString& phase);
/// Whether it ended for good: it is not lost.
bool isOver(const QString& phase);

void describe(JobSummary& summary, const JobSpec& spec, const JobFolder& folder);
/// `phase`: as JobFolder::visiblePhase() tells it.
void describe(JobSummary& summary, const JobState& state, const std::string& phase);
void describe(JobSummary& summary, const RemoteRecord& record);
/// What was asked of its worker and is not done. While the host of a job elsewhere is called for
/// the first time (`isConnecting`), its files only say what was known when it was heard last.
void describeRequests(JobSummary& summary, const JobFolder& folder, bool isConnecting);

/// An event of another machine names files there; what was fetched lies here.
QJsonObject broughtHome(QJsonObject event, const JobSummary& job);

} // namespace caldera::studio
