// How cells get other weights while an engine lives.
#include <utility>

#include "core/runtime/scheduler.h"

namespace caldera {

bool Scheduler::swapCells(std::span<const CellSwap> swaps, const std::stop_token& cancel) {
    Exchange exchange{swaps};
    std::unique_lock lock(mutex_);
    exchanges_.push_back(&exchange);
    changed_.notify_one();
    const auto isOver = [&exchange] { return exchange.isOver; };
    if (!exchanged_.wait(lock, cancel, isOver) && std::erase(exchanges_, &exchange) > 0) {
        changed_.notify_one(); // those who wait for it may come in
        return false;
    }
    exchanged_.wait(lock, isOver);
    if (exchange.failure) {
        std::rethrow_exception(exchange.failure);
    }
    return true;
}

void Scheduler::exchange() {
    Exchange* next = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (exchanges_.empty() || !running_.empty()) {
            return;
        }
        next = exchanges_.front();
        exchanges_.pop_front();
    }
    try {
        backend_->swapCells(next->swaps);
        for (int slot = 0; slot < backend_->slots(); ++slot) {
            slots_.forget(slot);
        }
    } catch (...) {
        next->failure = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    totals_.usedTokens = slots_.usedTokens();
    next->isOver = true;
    exchanged_.notify_all();
}

} // namespace caldera
