#include "core/serve/request_queue.h"

#include <algorithm>

namespace caldera {

std::unique_ptr<RequestQueue::Turn> RequestQueue::enter(const std::stop_token& cancel) {
    std::unique_lock lock(mutex_);
    const uint64_t ticket = nextTicket_++;
    tickets_.push_back(ticket);
    changed_.wait(lock, cancel, [&] { return tickets_.front() == ticket; });
    if (cancel.stop_requested()) {
        tickets_.erase(std::find(tickets_.begin(), tickets_.end(), ticket));
        changed_.notify_all();
        return nullptr;
    }
    return std::make_unique<Turn>(*this);
}

int RequestQueue::length() const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(tickets_.size());
}

void RequestQueue::leave() {
    const std::lock_guard lock(mutex_);
    tickets_.pop_front();
    changed_.notify_all();
}

} // namespace caldera
