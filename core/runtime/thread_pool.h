// Persistent threads for work that is split many times a token.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace caldera {

/// Lets the other threads of a core go ahead while this one waits in a loop.
void pauseBriefly();

/// Numbers of the cores that the calling thread may use; nothing where the system does not say.
std::vector<int> coreNumbers();
/// Cores that the calling thread may use, at least one.
int availableCores();

/// Where a pool's own threads run. The caller's thread stays where it is: it belongs to others.
enum class Pinning {
    Pinned, ///< each on one core of those that the pool's maker may use, while there are enough
    Free,   ///< wherever the system puts them
};

/// A fixed set of threads, the caller being one of them. Idle threads spin for a moment and then
/// sleep. Not for concurrent callers.
class ThreadPool {
public:
    /// threads 0: availableCores().
    explicit ThreadPool(int threads, Pinning pinning = Pinning::Free);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int size() const { return static_cast<int>(threads_.size()) + 1; }

    /// Gets the number of the unit, and of the thread in [0, size()). Must not throw.
    using Work = std::function<void(int64_t unit, int thread)>;
    /// Calls work once for every unit in [0, units), in no particular order, and returns when all
    /// are done. Results are deterministic as long as a unit does not depend on its thread.
    void run(int64_t units, const Work& work);

private:
    void serve(int thread);
    /// Takes units of the current run and does them; false when none is left.
    bool doSome(int thread);

    std::vector<std::thread> threads_;
    const Work* work_ = nullptr;
    int64_t units_ = 0;
    /// Number of the run in the upper half, units not yet taken in the lower half. A thread that
    /// took a unit knows that its run is not over, so work_ and units_ are valid.
    std::atomic<uint64_t> open_{0};
    std::atomic<int> done_{0};
    std::atomic<int> runs_{0}; ///< what sleeping threads wait on
    std::atomic<bool> ending_{false};
    int spins_ = 0;
};

} // namespace caldera
