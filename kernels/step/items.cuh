// How the products of a phase are shared out: items of 16 rows and a part of the columns, which
// warps take one after another.
#pragma once

#include "kernels/step/memory.cuh"
#include "kernels/step/vector.cuh"
#include "kernels/trellis/trellis.h"

namespace caldera::kernels::step {

/// One of the thread block's items: part of the columns of 16 rows of a product.
struct ProductItem {
    int product = -1; ///< -1: there is none, or it is of a factor in 4 bits
    int group = 0;
    int split = 0;
    int at = 0; ///< among all items of the grid; those of such factors follow the others
};

/// Warps take the next item when they are done with theirs; where sums go does not depend on who
/// makes them.
__device__ inline int nextTicket() {
    int taken = 0;
    if (laneIndex() == 0) {
        taken = atomicAdd(&stepMemory().progress.tickets, 1);
    }
    return __shfl_sync(kAllLanes, taken, 0) * static_cast<int>(gridDim.x) +
           static_cast<int>(blockIdx.x);
}

__device__ inline ProductItem itemAt(const ProductPhase& phase, int at) {
    ProductItem item;
    item.at = at;
    if (at < phase.items) {
        item.product = 0;
        while (item.product + 1 < phase.productCount - phase.factorCount &&
               at >= phase.products[item.product + 1].firstItem) {
            ++item.product;
        }
        const StepProduct& product = phase.products[item.product];
        const int own = at - product.firstItem;
        // Items are fewer than 2^22, so the quotient in f32 is exact.
        item.group = static_cast<int>((static_cast<float>(own) + 0.5F) * product.inverseSplits);
        item.split = own - item.group * product.splits;
    }
    return item;
}

/// Tickets of the first items are the warps' numbers; kFirstTicket is the first that is taken.
inline constexpr int kFirstTicket = kStepThreads / kWarpLanes;

__device__ inline int firstTicket() {
    return warpIndex() * static_cast<int>(gridDim.x) + static_cast<int>(blockIdx.x);
}

/// From a warp's item to its next one, where items are not taken but fixed.
__device__ inline int ticketStride() {
    return kFirstTicket * static_cast<int>(gridDim.x);
}

/// Adds a part of a factor's product to its total.
__device__ inline void addToTotal(int place, float part) {
    atomicAdd(stepMemory().progress.totals + place,
              static_cast<unsigned long long>(__float2ll_rn(part * kTotalUnits)));
}

__device__ inline float totalAt(int place) {
    return __ll2float_rn(static_cast<long long>(__ldcg(stepMemory().progress.totals + place))) /
           kTotalUnits;
}

/// Where an item's sums go.
__device__ inline float* sumsOf(const StepProduct& product, const ProductItem& item, int sequence) {
    const int64_t part = static_cast<int64_t>(sequence) * product.splits + item.split;
    return product.partial + (part * product.groups + item.group) * kTrellisRows;
}

} // namespace caldera::kernels::step
