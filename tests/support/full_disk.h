// A disk without room, as this process sees it.
#pragma once

#include <csignal>
#include <sys/resource.h>

namespace caldera::test {

/// While it lives no file of this process grows beyond `most` bytes.
class FullDisk {
public:
    explicit FullDisk(rlim_t most = 0) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{most, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int);
};

} // namespace caldera::test
