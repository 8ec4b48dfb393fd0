// Following a job folder over a stream: what `caldera job follow` writes and its reader keeps.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/job/job_folder.h"

namespace caldera {

/// One message of the stream (docs/formats/job.md): a header line, then `bytes`.
struct FollowFrame {
    enum class Kind {
        Events, ///< bytes of events.jsonl from `offset` on, whole lines only
        State,  ///< state.json with the phase that a person should see
        Beat,   ///< nothing new; the connection lives
        End     ///< the job is over and everything was told
    };
    Kind kind = Kind::Beat;
    int64_t offset = 0;
    std::string bytes;
};

std::string encodeFrame(const FollowFrame& frame);

/// Puts frames together from pieces of any size.
class FollowParser {
public:
    /// Throws Error("job.follow") when the bytes are no such stream.
    std::vector<FollowFrame> feed(std::string_view bytes);

private:
    std::string rest_;
};

/// Looks at a folder again and again and tells what is new. A reader that has `offset` bytes of
/// events.jsonl, whose SHA-256 is `prefixHash`, gets what follows them; one whose bytes are not the
/// beginning of the file gets all of it from offset 0.
class JobFollower {
public:
    /// With `isScheduled` a worker that is not there is not lost: a scheduler starts it again, and
    /// may run it where its lock cannot be seen from here.
    JobFollower(JobFolder folder, int64_t offset, const std::string& prefixHash,
                bool isScheduled = false);
    /// Frames since the last call; the last one ever is End.
    std::vector<FollowFrame> poll();

private:
    /// Whether no whole line is left to be told.
    bool readEvents(std::vector<FollowFrame>& frames);

    JobFolder folder_;
    int64_t offset_ = 0;
    bool isScheduled_ = false;
    bool wasOver_ = false; ///< at the last look
    std::string told_;     ///< the last state
};

/// Phases after which a worker adds nothing, unless it is started again.
bool isFinalPhase(std::string_view phase);

} // namespace caldera
