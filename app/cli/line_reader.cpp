#include "app/cli/line_reader.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "core/base/error.h"

namespace caldera::cli {

LineReader::LineReader() : wakeUp_(::eventfd(0, EFD_CLOEXEC)) {}

LineReader::~LineReader() {
    ::close(wakeUp_);
}

std::optional<std::string> LineReader::read(const std::stop_token& stop) {
    const std::stop_callback wake(stop, [this] { ::eventfd_write(wakeUp_, 1); });
    for (;;) {
        const size_t end = pending_.find('\n');
        if (end != std::string::npos) {
            std::string line = pending_.substr(0, end);
            pending_.erase(0, end + 1);
            return line;
        }
        if (hasEnded_) {
            return pending_.empty() ? std::nullopt
                                    : std::optional(std::exchange(pending_, std::string()));
        }
        std::array<pollfd, 2> inputs = {{{STDIN_FILENO, POLLIN, 0}, {wakeUp_, POLLIN, 0}}};
        if (::poll(inputs.data(), inputs.size(), -1) < 0 && errno != EINTR) {
            hasEnded_ = true;
        }
        if (stop.stop_requested()) {
            throw Cancelled();
        }
        if (inputs[0].revents != 0) {
            std::array<char, 4096> buffer{};
            const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
            hasEnded_ = count == 0 || (count < 0 && errno != EINTR);
            pending_.append(buffer.data(), static_cast<size_t>(count > 0 ? count : 0));
        }
    }
}

} // namespace caldera::cli
