// Lines of standard input, given up when a stop is requested.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

namespace caldera::cli {

class LineReader {
public:
    LineReader();
    ~LineReader();
    LineReader(const LineReader&) = delete;
    LineReader& operator=(const LineReader&) = delete;

    /// Without its newline; nullopt at the end of input. Throws Cancelled.
    std::optional<std::string> read(const std::stop_token& stop);

private:
    int wakeUp_;
    std::string pending_;
    bool hasEnded_ = false;
};

} // namespace caldera::cli
