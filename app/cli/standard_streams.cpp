#include "app/cli/standard_streams.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <string_view>
#include <unistd.h>

#include "core/base/error.h"

namespace caldera::cli {

namespace {

/// Only calls that are safe in a handler.
void onBusError(int /*signal*/) {
    constexpr std::string_view kSentence =
        "caldera: A file that is being read became shorter, or its disk failed. See that nothing "
        "writes to it, and start again; finished work is kept.\n";
    const ssize_t written = ::write(STDERR_FILENO, kSentence.data(), kSentence.size());
    (void)written; // there is nowhere left to complain
    ::_exit(1);
}

} // namespace

void guardStandardStreams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(stream, F_GETFD) < 0 && errno == EBADF) {
            // The lowest free number, so this one. Read-only, so that printing fails and is
            // noticed.
            (void)::open("/dev/null", O_RDONLY);
        }
    }
}

void explainFileSignals() {
    struct sigaction action {};
    action.sa_handler = onBusError;
    ::sigaction(SIGBUS, &action, nullptr);
    std::signal(SIGXFSZ, SIG_IGN); // then the write fails, and is complained of
}

void flushOutput() {
    std::cout.flush();
    const bool isWritten = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
    if (!isWritten) {
        const std::string reason = std::strerror(errno); // NOLINT(concurrency-mt-unsafe)
        throw Error("output.write",
                    "The output cannot be written (" + reason +
                        "). See where standard output goes.",
                    {{"reason", reason}});
    }
}

} // namespace caldera::cli
