// How long choosing bits and ranks takes: 560 cells of Qwen2-72B with invented measurements.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <vector>

#include "core/base/elapsed.h"
#include "tests/core/allocation/allocation_samples.h"
#include "tests/core/plan/plan_samples.h"

namespace {

using namespace caldera;
using Kind = AllocationTarget::Kind;

constexpr int kRuns = 15;

struct Timing {
    double median = 0;
    double most = 0;
};

Timing millisecondsOf(const std::function<void()>& work) {
    std::vector<double> milliseconds;
    for (int i = 0; i < kRuns; ++i) {
        const auto start = std::chrono::steady_clock::now();
        work();
        milliseconds.push_back(1e3 * secondsSince(start));
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    return {milliseconds[kRuns / 2], milliseconds.back()};
}

void report(const char* name, const AllocationProblem& problem) {
    Allocation found;
    const Timing timing = millisecondsOf([&] { found = solve(problem, {}); });
    std::printf("%-24s %7.1f ms (most %.1f)  %.4f of the budget, predicted KL %.4f, gap %.2g, "
                "%zu changes\n",
                name, timing.median, timing.most, found.cost / found.budget, found.predictedKl,
                found.gap, found.changes.size());
}

} // namespace

int main() {
    const ModelConfig config = seventyTwo();
    for (const unsigned seed : {1U, 2U, 3U}) {
        std::printf("seed %u\n", seed);
        report("2.5 bits a weight", problemOf(config, {Kind::BitsPerWeight, 2.5}, seed));
        report("24 GB", problemOf(config, {Kind::Bytes, 24e9}, seed));
        report("21 GiB of GPU memory",
               problemOf(config, {Kind::GpuMemory, 21.0 * (1 << 30)}, seed));
        report("KL 2", problemOf(config, {Kind::Kl, 2}, seed));
        report("30 tokens a second", problemOf(config, {Kind::TokensPerSecond, 30}, seed));
    }
    AllocationProblem stroke = problemOf(config, {Kind::BitsPerWeight, 2.5});
    stroke.plan = solve(stroke, {}).plan;
    for (int layer = 0; layer < 10; ++layer) {
        stroke.kept.push_back({layer, Module::DownProj});
    }
    std::map<Cell, BitsAndRank> painted;
    for (const Cell cell : stroke.kept) {
        painted[cell] = {4, 64};
    }
    stroke.plan = withBitsAndRanks(stroke.plan, config, painted);
    const Timing healing = millisecondsOf([&] { heal(stroke, {}); });
    std::printf("heal                     %7.1f ms (most %.1f)\n", healing.median, healing.most);
    const Timing front = millisecondsOf([&] { paretoFront(stroke, 100, {}); });
    std::printf("Pareto front             %7.1f ms (most %.1f)\n", front.median, front.most);
    return 0;
}
