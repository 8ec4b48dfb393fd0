#include "core/runtime/thread_pool.h"

#include <sched.h>

#include <algorithm>

namespace caldera {

namespace {

constexpr uint64_t kUnitMask = 0xFFFFFFFFU;
constexpr uint64_t kOneRun = uint64_t{1} << 32;
/// About 50 microseconds: longer than the serial work between two runs, shorter than a wake-up
/// would cost.
constexpr int kSpins = 4000;

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

} // namespace

int availableCores() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof(cores), &cores) == 0) {
        return std::max(1, CPU_COUNT(&cores));
    }
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int threads) {
    const int cores = availableCores();
    const int count = threads > 0 ? threads : cores;
    spins_ = count <= cores ? kSpins : 0;
    for (int thread = 1; thread < count; ++thread) {
        threads_.emplace_back([this, thread] { serve(thread); });
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
    while (doOne(0)) {
    }
    const int all = static_cast<int>(units);
    for (int spin = 0; spin < spins_ && done_.load() != all; ++spin) {
        pause();
    }
    for (int done = done_.load(); done != all; done = done_.load()) {
        done_.wait(done);
    }
}

bool ThreadPool::doOne(int thread) {
    uint64_t open = open_.load();
    do {
        if ((open & kUnitMask) == 0) {
            return false;
        }
    } while (!open_.compare_exchange_weak(open, open - 1));
    const int64_t units = units_;
    (*work_)(units - static_cast<int64_t>(open & kUnitMask), thread);
    if (done_.fetch_add(1) + 1 == static_cast<int>(units)) {
        done_.notify_all();
    }
    return true;
}

void ThreadPool::serve(int thread) {
    while (!ending_) {
        const int seen = runs_.load();
        while (doOne(thread)) {
        }
        for (int spin = 0; spin < spins_ && runs_.load() == seen; ++spin) {
            pause();
        }
        runs_.wait(seen);
    }
}

} // namespace caldera
