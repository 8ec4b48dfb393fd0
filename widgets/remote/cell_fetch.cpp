#include "widgets/remote/cell_fetch.h"

#include <chrono>

#include "core/base/error.h"
#include "widgets/remote/verified_fetch.h"

namespace caldera::studio {

namespace {
constexpr auto kPause = std::chrono::seconds(2); // cells that land together come together
}

CellFetch::CellFetch(const SshSession& session, QString there, std::filesystem::path here)
    : session_(session), there_(std::move(there)), here_(std::move(here)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

CellFetch::~CellFetch() = default;

void CellFetch::request() {
    const std::scoped_lock guard(mutex_);
    requested_ = true;
    wake_.notify_all();
}

void CellFetch::work(const std::stop_token& stop) {
    for (;;) {
        std::unique_lock lock(mutex_);
        if (!wake_.wait(lock, stop, [this] { return requested_; })) {
            return;
        }
        requested_ = false;
        lock.unlock();
        try {
            VerifiedFetch{session_, there_, here_, VerifiedFetch::Compare::Fetched}.run(stop);
        } catch (const Cancelled&) {
            return;
        } catch (const std::exception&) {
            // The connection's owner notices and says why; a worker that is done removes its cells.
        }
        lock.lock();
        wake_.wait_for(lock, stop, kPause, [] { return false; });
    }
}

} // namespace caldera::studio
