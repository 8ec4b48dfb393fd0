// Another plan for a compression that runs elsewhere.
#pragma once

#include <filesystem>
#include <stop_token>

#include <QStringList>

#include "core/job/job_folder.h"
#include "widgets/remote/remote_launch.h"
#include "widgets/remote/remote_record.h"

namespace caldera::studio {

/// The hash of the job's plan as it is here; empty for a job that follows none.
QString planHash(const JobFolder& folder);

/// Sees to it that the host's plan is the one in the folder here.
class RemoteRevision {
public:
    RemoteRevision(const JobFolder& folder, RemoteRecord& record)
        : folder_(folder), record_(record) {}

    /// Sends the plan when it is another than the host has; cheap when nothing changed. One that
    /// comes when the job is over there is dropped. Throws ConnectionError, Cancelled.
    void forward(const RemotePlace& place, const QStringList& arguments,
                 const std::stop_token& stop);

private:
    const JobFolder& folder_;
    RemoteRecord& record_;
    std::filesystem::file_time_type seen_{};
};

} // namespace caldera::studio
