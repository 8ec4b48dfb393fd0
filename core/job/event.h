// Events of a job: JSON lines that any program can tail (docs/formats/job.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace caldera {

inline constexpr const char* kEventsFormat = "caldera-events/1"; ///< in every "hello"

/// One line of events.jsonl: {"seq", "time", "job", "event", ...}. `body` holds all of it.
struct Event {
    int64_t seq = 0;
    std::string kind; ///< hello stage progress cell metric log artifact error end
    nlohmann::json body;

    /// What another machine wrote may be of any kind: empty, or `otherwise`, where it is no text or
    /// no whole number.
    std::string text(const std::string& field) const;
    int64_t number(const std::string& field, int64_t otherwise = 0) const;
};

/// Appends events, one write() per line; thread-safe. Reopening continues the numbering and drops a
/// torn last line.
class EventWriter {
public:
    EventWriter(std::filesystem::path file, std::string jobId);
    ~EventWriter();
    EventWriter(const EventWriter&) = delete;
    EventWriter& operator=(const EventWriter&) = delete;

    void write(const std::string& kind, nlohmann::json fields);

private:
    std::mutex mutex_;
    std::filesystem::path file_;
    std::string job_;
    int descriptor_ = -1;
    int64_t nextSeq_ = 0;
};

/// Reads what has been added since the last call; a line without its newline waits.
class EventReader {
public:
    explicit EventReader(std::filesystem::path file);
    /// Empty when nothing is new or the file does not exist yet. Lines that are not events are
    /// skipped.
    std::vector<Event> poll();

private:
    std::filesystem::path file_;
    int64_t offset_ = 0; ///< start of the first line not yet returned
};

} // namespace caldera
