// How long choosing bits and ranks takes: 560 cells of Qwen2-72B with invented measurements. Fails
// where a choice is too far from its budget or from the best one, never for its time.
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
constexpr double kMostBelow = 0.002; ///< of the budget
constexpr double kMostGap = 0.01;    ///< of the loss that the best choice has at least

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

/// Of what the target lets be small: loss, or bytes for the target Kl.
double relativeGap(const Allocation& found, Kind kind) {
    return found.gap / ((kind == Kind::Kl ? found.cost : found.predictedKl) - found.gap);
}

/// Within the target, close to it unless everything is in use, and close to the best choice.
bool isGood(const Allocation& found, const AllocationTarget& target) {
    const bool isKl = target.kind == Kind::Kl;
    const double used = isKl ? found.predictedKl / target.value : found.cost / found.budget;
    const bool isClose = isKl || found.isEverything || used >= 1 - kMostBelow;
    return used <= 1 && isClose && relativeGap(found, target.kind) <= kMostGap;
}

/// Prints one line; true where the choice is good.
bool report(const char* name, const AllocationProblem& problem) {
    Allocation found;
    const Timing timing = millisecondsOf([&] { found = solve(problem, {}); });
    const bool good = isGood(found, problem.target);
    std::printf("%-24s %7.1f ms (most %.1f)  %.5f of the budget, predicted KL %.4f, at most "
                "%.2g %% from the best, %zu changes%s\n",
                name, timing.median, timing.most, found.cost / found.budget, found.predictedKl,
                100 * relativeGap(found, problem.target.kind), found.changes.size(),
                good ? "" : "  MISSED");
    return good;
}

bool reportTargets(const ModelConfig& config, unsigned seed) {
    std::printf("seed %u\n", seed);
    const std::vector<std::pair<const char*, AllocationTarget>> targets = {
        {"2.5 bits a weight", {Kind::BitsPerWeight, 2.5}},
        {"24 GB", {Kind::Bytes, 24e9}},
        {"21 GiB of GPU memory", {Kind::GpuMemory, 21.0 * (1 << 30)}},
        {"KL 2", {Kind::Kl, 2}},
        {"30 tokens a second", {Kind::TokensPerSecond, 30}}};
    bool good = true;
    for (const auto& [name, target] : targets) {
        good = report(name, problemOf(config, target, seed)) && good;
    }
    return good;
}

/// Of a stroke over ten cells.
bool reportHealing(const ModelConfig& config) {
    AllocationProblem stroke = problemOf(config, {Kind::BitsPerWeight, 2.5});
    stroke.plan = solve(stroke, {}).plan;
    std::map<Cell, BitsAndRank> painted;
    for (int layer = 0; layer < 10; ++layer) {
        const Cell cell{layer, Module::DownProj};
        stroke.kept.push_back(cell);
        painted[cell] = {4, 64};
    }
    stroke.plan = withBitsAndRanks(stroke.plan, config, painted);
    Allocation healed;
    const Timing healing = millisecondsOf([&] { healed = heal(stroke, {}); });
    const bool good = healed.cost <= healed.budget;
    std::printf("heal                     %7.1f ms (most %.1f)%s\n", healing.median, healing.most,
                good ? "" : "  MISSED");
    const Timing front = millisecondsOf([&] { paretoFront(stroke, 100, {}); });
    std::printf("Pareto front             %7.1f ms (most %.1f)\n", front.median, front.most);
    return good;
}

} // namespace

int main() {
    const ModelConfig config = seventyTwo();
    bool good = true;
    for (const unsigned seed : {1U, 2U, 3U}) {
        good = reportTargets(config, seed) && good;
    }
    return reportHealing(config) && good ? 0 : 1;
}
