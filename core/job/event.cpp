#include "core/job/event.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/json_text.h"
#include "core/job/growing_file.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

[[noreturn]] void throwEvents(const std::filesystem::path& file, int error) {
    const std::string reason = std::strerror(error); // NOLINT(concurrency-mt-unsafe)
    throw Error("job.events",
                "Cannot write the job's events to " + file.string() + ": " + reason +
                    ". Free some space or fix the permissions, then resume the job.",
                {{"file", file.string()}, {"reason", reason}});
}

/// nullopt for a line that is not an event. One that is nested too deep, which a host may send,
/// would need a stack as deep of whoever writes it again.
std::optional<Event> parseEvent(std::string_view line) {
    if (nestsTooDeep(line)) {
        return std::nullopt;
    }
    Json body = Json::parse(line, nullptr, false);
    if (!body.is_object() || !body.contains("seq") || !body["seq"].is_number_integer() ||
        !body.contains("event") || !body["event"].is_string()) {
        return std::nullopt;
    }
    Event event;
    event.seq = body["seq"].get<int64_t>();
    event.kind = body["event"].get<std::string>();
    event.body = std::move(body);
    return event;
}

struct Tail {
    int64_t nextSeq = 0;
    size_t wholeBytes = 0; ///< up to and with the last newline
};

Tail readTail(const std::filesystem::path& file) {
    const MappedFile map(file);
    std::string_view text(reinterpret_cast<const char*>(map.bytes().data()), map.bytes().size());
    Tail tail;
    const size_t lastNewline = text.rfind('\n');
    tail.wholeBytes = lastNewline == std::string_view::npos ? 0 : lastNewline + 1;
    text = text.substr(0, tail.wholeBytes);
    while (!text.empty()) {
        text.remove_suffix(1);
        const size_t begin = text.rfind('\n') + 1; // npos + 1 == 0
        if (const auto event = parseEvent(text.substr(begin))) {
            tail.nextSeq = event->seq + 1;
            break;
        }
        text = text.substr(0, begin);
    }
    return tail;
}

} // namespace

std::string Event::text(const std::string& field) const {
    const auto found = body.find(field);
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t Event::number(const std::string& field, int64_t otherwise) const {
    const auto found = body.find(field);
    return found != body.end() && found->is_number_integer() ? found->get<int64_t>() : otherwise;
}

EventWriter::EventWriter(std::filesystem::path file, std::string jobId)
    : file_(std::move(file)), job_(std::move(jobId)) {
    if (std::filesystem::exists(file_)) {
        const Tail tail = readTail(file_);
        nextSeq_ = tail.nextSeq;
        if (::truncate(file_.c_str(), static_cast<off_t>(tail.wholeBytes)) != 0) {
            throwEvents(file_, errno);
        }
    }
    descriptor_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor_ < 0) {
        throwEvents(file_, errno);
    }
}

EventWriter::~EventWriter() {
    ::close(descriptor_);
}

void EventWriter::write(const std::string& kind, nlohmann::json fields) {
    const std::scoped_lock guard(mutex_);
    Json body = fields.is_object() ? std::move(fields) : Json::object();
    body["seq"] = nextSeq_;
    body["time"] = utcNow();
    body["job"] = job_;
    body["event"] = kind;
    const std::string line = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    struct stat before {};
    ::fstat(descriptor_, &before);
    const ssize_t written = ::write(descriptor_, line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size())) {
        const int error = written < 0 ? errno : ENOSPC;
        if (written > 0 && ::ftruncate(descriptor_, before.st_size) != 0) {
            throwEvents(file_, errno);
        }
        throwEvents(file_, error);
    }
    ++nextSeq_;
}

EventReader::EventReader(std::filesystem::path file) : file_(std::move(file)) {}

std::vector<Event> EventReader::poll() {
    std::error_code error;
    const auto size = static_cast<int64_t>(std::filesystem::file_size(file_, error));
    if (error || size == offset_) {
        return {};
    }
    if (size < offset_) {
        offset_ = 0; // another file has taken its place
    }
    const std::string bytes = readFrom(file_, offset_, std::numeric_limits<size_t>::max());
    const std::string_view text = bytes;
    std::vector<Event> events;
    size_t begin = 0;
    for (size_t end = text.find('\n', begin); end != std::string_view::npos;
         end = text.find('\n', begin)) {
        if (auto event = parseEvent(text.substr(begin, end - begin))) {
            events.push_back(std::move(*event));
        }
        begin = end + 1;
    }
    offset_ += static_cast<int64_t>(begin);
    return events;
}

} // namespace caldera
