#include "core/job/follow.h"

#include <algorithm>
#include <charconv>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/printable.h"
#include "core/job/growing_file.h"
#include "core/job/shards.h"

namespace caldera {

namespace {

constexpr size_t kLongestHeader = 64;
constexpr int64_t kMostBytes = 64 << 20; // of one frame; a damaged stream asks for no more
constexpr size_t kPiece = 1 << 20;       // of events at once, so that a state comes in between

[[noreturn]] void throwForeign(std::string_view header) {
    throw Error("job.follow",
                "The other side was expected to tell of a job and said \"" +
                    printable(std::string(header.substr(0, kLongestHeader)), kLongestHeader) +
                    "\". Its login prints something, or it has another version of caldera.",
                {{"came", std::string(header.substr(0, kLongestHeader))}});
}

/// Takes " NUMBER" from the front of `text`.
int64_t takeNumber(std::string_view& text, std::string_view header) {
    int64_t number = -1;
    if (!text.starts_with(' ')) {
        throwForeign(header);
    }
    const char* end = text.data() + text.size();
    const auto [next, error] = std::from_chars(text.data() + 1, end, number);
    if (error != std::errc() || number < 0) {
        throwForeign(header);
    }
    text.remove_prefix(static_cast<size_t>(next - text.data()));
    return number;
}

/// The frame that a header announces, and how many bytes follow it.
std::pair<FollowFrame, size_t> parseHeader(std::string_view header) {
    const size_t space = std::min(header.find(' '), header.size());
    const std::string_view word = header.substr(0, space);
    std::string_view numbers = header.substr(space);
    FollowFrame frame;
    int64_t length = 0;
    if (word == "events") {
        frame.kind = FollowFrame::Kind::Events;
        frame.offset = takeNumber(numbers, header);
        length = takeNumber(numbers, header);
    } else if (word == "state") {
        frame.kind = FollowFrame::Kind::State;
        length = takeNumber(numbers, header);
    } else if (word == "beat" || word == "end") {
        frame.kind = word == "beat" ? FollowFrame::Kind::Beat : FollowFrame::Kind::End;
    } else {
        throwForeign(header);
    }
    if (!numbers.empty() || length > kMostBytes) {
        throwForeign(header);
    }
    return {frame, static_cast<size_t>(length)};
}

bool isBeginning(const std::filesystem::path& file, int64_t bytes, const std::string& hash) {
    std::error_code error;
    const auto size = static_cast<int64_t>(std::filesystem::file_size(file, error));
    if (bytes == 0 || error || size < bytes) {
        return bytes == 0;
    }
    const MappedFile map(file);
    return sha256Hex(map.bytes().first(static_cast<size_t>(bytes))) == hash;
}

} // namespace

std::string encodeFrame(const FollowFrame& frame) {
    switch (frame.kind) {
    case FollowFrame::Kind::Events:
        return "events " + std::to_string(frame.offset) + ' ' + std::to_string(frame.bytes.size()) +
               '\n' + frame.bytes;
    case FollowFrame::Kind::State:
        return "state " + std::to_string(frame.bytes.size()) + '\n' + frame.bytes;
    case FollowFrame::Kind::Beat:
        return "beat\n";
    case FollowFrame::Kind::End:
        return "end\n";
    }
    return {};
}

std::vector<FollowFrame> FollowParser::feed(std::string_view bytes) {
    rest_ += bytes;
    std::vector<FollowFrame> frames;
    size_t begin = 0;
    for (;;) {
        const std::string_view rest = std::string_view(rest_).substr(begin);
        const size_t newline = rest.find('\n');
        if (newline == std::string_view::npos) {
            if (rest.size() > kLongestHeader) {
                throwForeign(rest);
            }
            break;
        }
        auto [frame, length] = parseHeader(rest.substr(0, newline));
        if (rest.size() < newline + 1 + length) {
            break;
        }
        frame.bytes = rest.substr(newline + 1, length);
        begin += newline + 1 + length;
        frames.push_back(std::move(frame));
    }
    rest_.erase(0, begin);
    return frames;
}

JobFollower::JobFollower(JobFolder folder, int64_t offset, const std::string& prefixHash,
                         bool isScheduled)
    : folder_(std::move(folder)), isScheduled_(isScheduled) {
    folder_.spec(); // throws when there is no such job
    offset_ = isBeginning(folder_.events(), offset, prefixHash) ? offset : 0;
}

std::vector<FollowFrame> JobFollower::poll() {
    std::vector<FollowFrame> frames;
    // The state is read first and told last, so whoever sees the end has seen every event. A worker
    // writes its last event after its last state, so while it lives, or has only just been seen to
    // be over, there may be one more.
    const bool hasWorker = folder_.workerAlive();
    JobState state = gatheredState(folder_);
    if (!isScheduled_) {
        state.phase = folder_.visiblePhase();
    }
    const bool isWhole = readEvents(frames);
    const std::string text = stateText(state);
    if (text != told_) {
        frames.push_back({FollowFrame::Kind::State, 0, text});
        told_ = text;
    }
    const bool isOver = isFinalPhase(state.phase) && isWhole && !hasWorker;
    if (isOver && wasOver_) {
        frames.push_back({FollowFrame::Kind::End, 0, {}});
    }
    wasOver_ = isOver;
    return frames;
}

bool JobFollower::readEvents(std::vector<FollowFrame>& frames) {
    std::error_code error;
    const auto size = static_cast<int64_t>(std::filesystem::file_size(folder_.events(), error));
    if (error || size == offset_) {
        return true;
    }
    if (size < offset_) {
        offset_ = 0; // another file has taken its place: the reader begins anew, too
    }
    std::string text = readFrom(folder_.events(), offset_, kPiece);
    const bool isAll = text.size() < kPiece;
    size_t end = text.rfind('\n');
    if (end == std::string::npos && !isAll) { // one long line
        text = readFrom(folder_.events(), offset_, kMostBytes);
        end = text.find('\n');
    }
    if (end == std::string::npos) {
        return true;
    }
    text.resize(end + 1);
    frames.push_back({FollowFrame::Kind::Events, offset_, text});
    offset_ += static_cast<int64_t>(text.size());
    return isAll;
}

bool isFinalPhase(std::string_view phase) {
    return phase == "done" || phase == "cancelled" || phase == "failed" || phase == "lost";
}

} // namespace caldera
