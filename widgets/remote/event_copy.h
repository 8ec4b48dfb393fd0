// The copy of a remote job's events in its folder here.
#pragma once

#include <filesystem>
#include <string>

#include <QByteArray>

#include "core/job/follow.h"
#include "core/job/job_folder.h"

namespace caldera::studio {

/// What a file holds; nothing when it is not there.
QByteArray bytesOf(const std::filesystem::path& file);

/// Appends what the frame brought, in one write of whole lines: a copy that is killed between two
/// of them goes on from there. Throws ConnectionError when it does not fit what is here, naming
/// `host`, and Error("job.events") when the disk refuses.
void appendEvents(const JobFolder& folder, const FollowFrame& frame, const std::string& host);

} // namespace caldera::studio
