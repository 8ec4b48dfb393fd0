#include "core/base/pause.h"

#include <condition_variable>
#include <mutex>

#include "core/base/error.h"

namespace caldera {

void pauseFor(std::chrono::milliseconds span, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    changed.wait_for(lock, stop, span, [] { return false; });
}

void checkCancelled(const std::stop_token& stop) {
    if (stop.stop_requested()) {
        throw Cancelled();
    }
}

} // namespace caldera
