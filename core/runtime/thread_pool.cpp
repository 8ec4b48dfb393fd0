#include "core/runtime/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <optional>

namespace caldera {

namespace {

constexpr uint64_t kUnitMask = 0xFFFFFFFFU;
constexpr uint64_t kOneRun = uint64_t{1} << 32;
/// About 50 microseconds: longer than the serial work between two runs, shorter than a wake-up
/// would cost.
constexpr int kSpins = 4000;

/// Where it is not allowed the thread stays free.
void pinThisThread(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(static_cast<size_t>(core), &cores);
    sched_setaffinity(0, sizeof(cores), &cores);
}

} // namespace

void pauseBriefly() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

std::vector<int> coreNumbers() {
    std::vector<int> numbers;
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof(cores), &cores) == 0) {
        for (int core = 0; core < CPU_SETSIZE; ++core) {
            if (CPU_ISSET(static_cast<size_t>(core), &cores)) {
                numbers.push_back(core);
            }
        }
    }
    return numbers;
}

int availableCores() {
    const auto cores = static_cast<int>(coreNumbers().size());
    return cores > 0 ? cores : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int threads, Pinning pinning) {
    const int available = availableCores();
    const int count = threads > 0 ? threads : available;
    spins_ = count <= available ? kSpins : 0;
    const std::vector<int> cores = pinning == Pinning::Pinned ? coreNumbers() : std::vector<int>();
    const bool isPinned = static_cast<size_t>(count) <= cores.size();
    for (int thread = 1; thread < count; ++thread) {
        const std::optional<int> core =
            isPinned ? std::optional(cores[static_cast<size_t>(thread)]) : std::nullopt;
        threads_.emplace_back([this, thread, core] {
            if (core) {
                pinThisThread(*core);
            }
            serve(thread);
        });
    }
}

ThreadPool::~ThreadPool() {
    ending_ = true;
    ++runs_;
    runs_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void ThreadPool::run(int64_t units, const Work& work) {
    if (units == 1 || threads_.empty()) {
        for (int64_t unit = 0; unit < units; ++unit) {
            work(unit, 0);
        }
        return;
    }
    if (units <= 0) {
        return;
    }
    work_ = &work;
    units_ = units;
    done_.store(0);
    const uint64_t run = (open_.load() & ~kUnitMask) + kOneRun;
    open_.store(run | static_cast<uint64_t>(units));
    ++runs_;
    runs_.notify_all();
    while (doSome(0)) {
    }
    const int all = static_cast<int>(units);
    for (int spin = 0; spin < spins_ && done_.load() != all; ++spin) {
        pauseBriefly();
    }
    for (int done = done_.load(); done != all; done = done_.load()) {
        done_.wait(done);
    }
}

/// Takes many units while many are left, since every taking costs the threads a cache line, and
/// single ones in the end, so that all finish together.
bool ThreadPool::doSome(int thread) {
    const auto shares = 2 * static_cast<uint64_t>(size());
    uint64_t open = open_.load();
    uint64_t left = 0;
    uint64_t taken = 0;
    do {
        left = open & kUnitMask;
        if (left == 0) {
            return false;
        }
        taken = std::max<uint64_t>(1, left / shares);
    } while (!open_.compare_exchange_weak(open, open - taken));
    const int64_t units = units_;
    const int64_t first = units - static_cast<int64_t>(left);
    for (int64_t unit = first; unit < first + static_cast<int64_t>(taken); ++unit) {
        (*work_)(unit, thread);
    }
    const auto count = static_cast<int>(taken);
    if (done_.fetch_add(count) + count == static_cast<int>(units)) {
        done_.notify_all();
    }
    return true;
}

void ThreadPool::serve(int thread) {
    while (!ending_) {
        const int seen = runs_.load();
        while (doSome(thread)) {
        }
        for (int spin = 0; spin < spins_ && runs_.load() == seen; ++spin) {
            pauseBriefly();
        }
        runs_.wait(seen);
    }
}

} // namespace caldera
