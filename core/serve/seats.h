// Bounds the requests that are inside a server at once.
#pragma once

#include <atomic>
#include <memory>

namespace caldera {

/// A fixed number of seats. Any thread may take one or give it back.
class Seats {
public:
    explicit Seats(int count) : count_(count) {}

    /// Given back with its last copy. Null: there was none.
    using Seat = std::shared_ptr<const void>;
    Seat take() {
        if (taken_.fetch_add(1) < count_) {
            return Seat(this, [this](const void*) { --taken_; });
        }
        --taken_;
        return nullptr;
    }
    int count() const { return count_; }
    int taken() const { return taken_; }

private:
    int count_;
    std::atomic<int> taken_{0};
};

} // namespace caldera
