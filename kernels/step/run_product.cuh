// A phase of products: which thread block and warp does what.
#pragma once

#include "kernels/step/batch_rows.cuh"
#include "kernels/step/factor.cuh"
#include "kernels/step/facts.cuh"
#include "kernels/step/grid.cuh"
#include "kernels/step/items.cuh"
#include "kernels/step/product.cuh"
#include "kernels/step/rows.cuh"
#include "kernels/step/run_batch.cuh"
#include "kernels/trellis/code_shape.cuh"

namespace caldera::kernels::step {

/// Copies the input of one sequence to shared memory; it is there after waitForCopies() and a
/// barrier.
__device__ inline void stageInput(const StepVector& x, int sequence) {
    const int words = x.blocks * static_cast<int>(kQuantizedBlock) * x.bits / 32;
    const int* from = static_cast<const int*>(x.codes) + static_cast<int64_t>(sequence) * words;
#pragma unroll 2
    for (int i = 4 * static_cast<int>(threadIdx.x); i < words; i += 4 * kStepThreads) {
        copyLater(inputMemory() + i, from + i);
    }
    static_assert(kMostInputBlocks <= kStepThreads);
    const int block = static_cast<int>(threadIdx.x);
    if (block < x.blocks) {
        copyWordLater(&stepMemory().product.scale[block],
                      x.scale + static_cast<int64_t>(sequence) * x.blocks + block);
    }
}

/// The input that products read from shared memory is on its way there.
__device__ __noinline__ void stage(int sequence) {
    stageInput(currentPhase().product.rotated, sequence);
}

__device__ inline bool isCoded(const ProductPhase& phase, const ProductItem& item) {
    return item.product >= 0 && item.product < phase.codedCount;
}

/// This item and all that follow it: products that are stored row by row, and factors. Not inlined,
/// for the loop of codes before it wants all registers.
__device__ __noinline__ void multiplyRest(int at, int sequence) {
    const ProductPhase& phase = currentPhase().product;
    if (sequence == 0) {
        noteFacts(phase);
    }
#pragma unroll 1
    for (; at < phase.items; at = nextTicket()) {
        const ProductItem item = itemAt(phase, at);
        multiplyStoredRows(item.product, item.group, item.split, sequence);
    }
    if (phase.rotated.bits == 16) {
        runFactors<true>(phase, sequence);
    } else {
        runFactors<false>(phase, sequence);
    }
}

/// The blocks of a coded item and where a lane's codes of the next turn are.
template <class S>
struct CodeCursor {
    const uint32_t* codes;
    int turn; ///< its first block
    int end;  ///< beyond the item's last block

    /// Of an item that is none: that of the first, which may be loaded as well as any.
    __device__ CodeCursor(const ProductPhase& phase, const ProductItem& item) {
        const bool isThere = isCoded(phase, item);
        const StepProduct& product = phase.products[isThere ? item.product : 0];
        turn = isThere ? item.split * product.splitBlocks : 0;
        end = min(turn + product.splitBlocks, phase.rotated.blocks);
        const int64_t unit =
            static_cast<int64_t>(isThere ? item.group : 0) * (product.columns / S::kUnitColumns) +
            (turn + laneIndex() / kLanesOfBlock) * kUnitsOfBlock<S> + laneIndex() % kLanesOfBlock;
        codes = reinterpret_cast<const uint32_t*>(product.codes) + unit * S::kUnitWords;
    }
    __device__ bool isLast() const { return turn + kBlocksTogether >= end; }
};

template <class S>
__device__ inline void loadTurn(const uint32_t* codes, TurnWords<S>& words) {
#pragma unroll
    for (int load = 0; load < kLoads<S>; ++load) {
        loadWords(codes + load * kLoadStride<S>, words[load]);
    }
}

/// Coded items from `item` on, whose first codes are under way; codes of a turn are loaded while
/// the turn before is multiplied. Returns the first item that is none.
template <class S, bool kWide>
__device__ __forceinline__ int multiplyItems(const ProductPhase& phase, ProductItem item,
                                             CodeCursor<S> cursor, TurnWords<S>& words,
                                             int sequence) {
    const uint32_t copy = S::copyOfLane();
    float total[kTrellisRows] = {};
    for (;;) {
        const int turn = cursor.turn;
        const int end = cursor.end;
        const bool isLast = cursor.isLast();
        ProductItem next = item;
        if (!isLast) {
            cursor.turn += kBlocksTogether;
            cursor.codes += kTurnStride<S>;
        } else {
            next = itemAt(phase, nextTicket());
            if (isCoded(phase, next)) {
                cursor = CodeCursor<S>(phase, next);
            }
        }
        // Where nothing follows, codes that are in the cache are loaded once more.
        multiplyTurn<S, kWide>(words, cursor.codes, turn, end, copy, total);
        if (!isLast) {
            continue;
        }
        const float rowTotal = sumRows(total);
        if (laneIndex() % 2 == 0) {
            sumsOf(phase.products[item.product], item, sequence)[laneIndex() / 2] = rowTotal;
        }
        item = next;
        if (!isCoded(phase, item)) {
            return item.at;
        }
#pragma unroll
        for (float& each : total) {
            each = 0;
        }
    }
}

/// All items of the phase that are this thread block's, for one sequence. The first codes are on
/// their way before the phase begins.
template <class S, bool kWide>
__device__ __forceinline__ void runItems(int place, int sequence, int& filled) {
    const ProductPhase& phase = phaseAt(place).product;
    ProductItem item = itemAt(phase, firstTicket());
    TurnWords<S> words;
    const CodeCursor<S> cursor(phase, item);
    loadTurn<S>(cursor.codes, words);
    if (sequence == 0) {
        fillTable<S>(phase, filled);
        stageFactor(phase);
        beginPhase();
    }
    stage(sequence);
    waitForCopies();
    __syncthreads();
    if (isCoded(phase, item)) {
        item.at = multiplyItems<S, kWide>(phase, item, cursor, words, sequence);
    }
    multiplyRest(item.at, sequence);
}

/// A phase without codes that want a table.
__device__ __noinline__ void runRows(int place, int sequence) {
    const ProductPhase& phase = phaseAt(place).product;
    if (sequence == 0) {
        if (phase.isStaged != 0) {
            stageFactor(phase);
        }
        beginPhase();
    }
    if (phase.isStaged != 0) {
        stage(sequence);
        waitForCopies();
        __syncthreads();
    }
    multiplyRest(firstTicket(), sequence);
}

template <class S>
__device__ inline void runCoded(int place, int sequence, int& filled) {
    if (phaseAt(place).product.rotated.bits == 16) {
        runItems<S, true>(place, sequence, filled);
    } else {
        runItems<S, false>(place, sequence, filled);
    }
}

/// Calls run with the shape of a place in stepCodes().
template <class Run>
__device__ inline void withTableShape(int code, const Run& run) {
    switch (code) {
    case 0:
        return run(TableShape<TrellisCodeShape<4, 6, 6>>{});
    case 1:
        return run(TableShape<TrellisCodeShape<4, 8, 4>>{});
    case 2:
        return run(TableShape<TrellisCodeShape<4, 10, 4>>{});
    case 3:
        return run(TableShape<TrellisCodeShape<2, 6, 6>>{});
    case 4:
        return run(TableShape<TrellisCodeShape<2, 8, 4>>{});
    default:
        return run(E8pShape{});
    }
}

/// filled: the code whose table is in shared memory, -1 for none. kBatched: several vectors go
/// through tensor cores where the phase can; a kernel has either, for both want its registers.
template <bool kBatched>
__device__ inline void runProduct(int place, int& filled) {
    const ProductPhase& phase = phaseAt(place).product;
    const int sequences = stepMemory().state.count;
    if constexpr (kBatched) {
        if (phase.tableBlocks > 0) {
            phase.products[0].storage == StepStorage::Int4 ? runTable<TableInt4>(place)
                                                           : runTable<TableInt8>(place);
            filled = -1;
            return;
        }
        if (phase.batchBlocks > 0) {
            withTableShape(phase.code,
                           [&](auto shape) { runBatches<decltype(shape)>(place, filled); });
            return;
        }
    }
#pragma unroll 1
    for (int sequence = 0; sequence < sequences; ++sequence) {
        if (sequence > 0) {
            __syncthreads(); // the input before is no longer read
            if (threadIdx.x == 0) {
                stepMemory().progress.tickets = kFirstTicket;
            }
            __syncthreads();
        }
        if (phase.codedCount == 0) {
            runRows(place, sequence);
        } else {
            withTableShape(phase.code,
                           [&](auto shape) { runCoded<decltype(shape)>(place, sequence, filled); });
        }
    }
}

} // namespace caldera::kernels::step
