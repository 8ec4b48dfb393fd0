// remote.json in a job folder: says that the job runs elsewhere, and that this folder follows it.
#pragma once

#include <filesystem>
#include <optional>

#include <QList>
#include <QString>

#include "widgets/remote/target.h"

namespace caldera::studio {

/// Stands for the job's folder on the host in the arguments of job.json.
inline constexpr QLatin1StringView kJobFolderWord("{job}");

struct RemoteRecord {
    Target target;         ///< as it was when the job began, so that the job is found without it
    QString folder;        ///< on the host, absolute; empty until it is known
    QStringList files;     ///< names in this folder that the host needs too
    QString model;         ///< the path here of the model that it is about
    bool started = false;  ///< whether a worker was started there
    bool verified = false; ///< whether its results are here, hash by hash
    QString plan = {};     ///< hash of the plan that the host has; empty: none
    QString podId = {};    ///< of the rented pod on which a worker was started last

    bool operator==(const RemoteRecord&) const = default;
};

/// Whether the job in this folder runs elsewhere.
bool isRemoteJob(const std::filesystem::path& folder);
/// Throws Error("remote.record", "remote.newer").
RemoteRecord readRemoteRecord(const std::filesystem::path& folder);
/// Takes over how its machine is logged in to now, its confirmed host keys too, when `targets` has
/// it at the same address. False when nothing is new. For a job that nobody follows; throws as
/// above.
bool takeLoginOf(const std::filesystem::path& folder, const QList<Target>& targets);
void writeRemoteRecord(const std::filesystem::path& folder, const RemoteRecord& record);

} // namespace caldera::studio
