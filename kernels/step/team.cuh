// Teams of 256 threads, which have 128 rows or elements of one sequence together.
#pragma once

#include "kernels/step/memory.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// Waits for the threads of the own team.
__device__ inline void syncTeam() {
    const int team = static_cast<int>(threadIdx.x) / kTeamThreads;
    asm volatile("bar.sync %0, %1;" ::"r"(team + 1), "n"(kTeamThreads) : "memory");
}

/// Calls work(unit) for every unit of a team; the team's memory is free again after each.
template <class Work>
__device__ inline void forTeams(int units, const Work& work) {
    constexpr int kTeams = kStepThreads / kTeamThreads;
    const int team = threadNumber() / kTeamThreads;
#pragma unroll 1
    for (int unit = team * static_cast<int>(gridDim.x) + static_cast<int>(blockIdx.x); unit < units;
         unit += kTeams * static_cast<int>(gridDim.x)) {
        work(unit);
        syncTeam();
    }
}

/// What a team without a unit works on: a block beyond all rows, of which nothing is loaded.
inline constexpr int kNoBlock = 1 << 20;

/// Calls work(unit, isFirst) for every unit of a team, and with unit -1 once where it has none: the
/// first time all teams come to the barrier of the phase, and they must do so in one place.
template <class Work>
__device__ inline void forAllTeams(int units, const Work& work) {
    constexpr int kTeams = kStepThreads / kTeamThreads;
    const int team = threadNumber() / kTeamThreads;
    const int first = team * static_cast<int>(gridDim.x) + static_cast<int>(blockIdx.x);
#pragma unroll 1
    for (int unit = first; unit == first || unit < units;
         unit += kTeams * static_cast<int>(gridDim.x)) {
        work(unit < units ? unit : -1, unit == first);
        syncTeam();
    }
}

/// What one thread of a team does: a row of a result, or a part of what the row needs. Where there
/// are two results (gate and up) a half of the team has each; else each half has half of the
/// products' parts and of the rank.
struct TeamPlace {
    int half;    ///< of the team's 256 threads
    int row;     ///< of the result
    int thread;  ///< of those that have the same result
    int threads; ///< so many have it
    int share;   ///< of the row: 0 or 1
    int shares;  ///< so many threads have the row

    __device__ TeamPlace(int block, bool isPair) {
        const int own = threadNumber() % kTeamThreads;
        half = own / kTeamRows;
        row = block * kTeamRows + own % kTeamRows;
        thread = isPair ? own % kTeamRows : own;
        threads = isPair ? kTeamRows : kTeamThreads;
        share = isPair ? 0 : half;
        shares = isPair ? 1 : 2;
    }
};

} // namespace caldera::kernels::step
