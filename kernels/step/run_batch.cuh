// A phase of products with several int8 vectors: pieces of the columns one after another, whose
// inputs all warps of a thread block have in shared memory.
#pragma once

#include "kernels/step/batch.cuh"
#include "kernels/step/batch_factor.cuh"
#include "kernels/step/facts.cuh"
#include "kernels/step/grid.cuh"
#include "kernels/step/items.cuh"
#include "kernels/step/rows.cuh"

namespace caldera::kernels::step {

/// Up to eight vectors of a phase, from a sequence on, and how its products are cut.
class BatchPlan {
public:
    __device__ BatchPlan(const ProductPhase& phase, int sequence, int vectors)
        : sequence(sequence), vectors(vectors), memory_{phase.batchBlocks},
          first_(&phase.products[0]), blocks_(phase.rotated.blocks), groups_(0),
          together_(phase.batchBlocks / first_->splitBlocks) {
        for (int i = 0; i < phase.codedCount; ++i) {
            groups_ += first_[i].groups;
        }
        pieces_ = (first_->splits + together_ - 1) / together_;
        factorItems_ = factorItems(phase, blockCount(0));
        lastFactorItems_ = factorItems(phase, blockCount(pieces_ - 1));
    }

    __device__ int pieces() const { return pieces_; }
    __device__ BatchMemory memory() const { return memory_; }
    __device__ int firstBlock(int piece) const { return piece * together_ * first_->splitBlocks; }
    __device__ int blockCount(int piece) const {
        return min(together_ * first_->splitBlocks, blocks_ - firstBlock(piece));
    }

    /// Items are in the order of the pieces: a piece's factors, whose items are short, then groups
    /// of rows.
    template <class S>
    __device__ BatchItem item(int at) const {
        const int ofPiece = factorItems_ + groups_ * together_;
        BatchItem item;
        item.factor = -1;
        item.codes = codesOf<S>(*first_, 0, 0); // where it has none
        item.piece = min(quotient(at, ofPiece), pieces_);
        if (item.piece == pieces_) {
            return item;
        }
        int own = at - item.piece * ofPiece;
        const int splits = min(together_, first_->splits - item.piece * together_);
        const int factors = item.piece + 1 < pieces_ ? factorItems_ : lastFactorItems_;
        if (own < factors) {
            item.factor = own;
            return item;
        }
        own -= factors;
        int group = quotient(own, splits);
        const int part = own - group * splits;
        if (group >= groups_) { // of the last piece, which has fewer parts
            item.piece = pieces_;
            return item;
        }
        const StepProduct* product = first_;
        while (group >= product->groups) {
            group -= product->groups;
            ++product;
        }
        const int split = item.piece * together_ + part;
        const int block = split * product->splitBlocks;
        item.codes = codesOf<S>(*product, group, block);
        item.first = part * product->splitBlocks;
        item.count = min(product->splitBlocks, blocks_ - block);
        item.sums = sumsOf(*product, {0, group, split}, sequence);
        item.stride = static_cast<int64_t>(product->splits) * product->groups * kTrellisRows;
        return item;
    }

    const int sequence;
    const int vectors;

private:
    /// The lane's first words of a block.
    template <class S>
    __device__ static const uint32_t* codesOf(const StepProduct& product, int group, int block) {
        const int64_t unit = static_cast<int64_t>(group) * (product.columns / S::kUnitColumns) +
                             static_cast<int64_t>(block) * kUnitsOfBlock<S>;
        return reinterpret_cast<const uint32_t*>(product.codes) + unit * S::kUnitWords +
               laneIndex() * kLaneWords<S>;
    }

    BatchMemory memory_;
    const StepProduct* first_;
    int blocks_;   ///< of the input
    int groups_;   ///< of all coded products
    int together_; ///< parts of a piece
    int pieces_;
    int factorItems_; ///< of a piece
    int lastFactorItems_;
};

/// The inputs from a sequence on.
__device__ inline StepVector inputsFrom(const StepVector& x, int sequence) {
    StepVector from = x;
    const int64_t blocks = static_cast<int64_t>(sequence) * x.blocks;
    from.codes = static_cast<char*>(x.codes) + blocks * kQuantizedBlock; // int8
    from.scale = x.scale + blocks;
    return from;
}

/// Factors and other members that are stored row by row, each warp some of their items.
__device__ __noinline__ void runBatchRows(int sequence, int vectors) {
    const ProductPhase& phase = currentPhase().product;
    if (phase.codedCount == phase.productCount - phase.factorCount) {
        return;
    }
    const int first = phase.products[phase.codedCount].firstItem;
    const int items = phase.items - first;
#pragma unroll 1
    for (int at = firstTicket(); at < items * vectors; at += ticketStride()) {
        const int vector = quotient(at, items);
        const ProductItem item = itemAt(phase, first + at - vector * items);
        multiplyStoredRows(item.product, item.group, item.split, sequence + vector);
    }
}

/// All pieces; the first item's first codes are on their way.
template <class S>
__device__ __forceinline__ void runBatch(const ProductPhase& phase, const BatchPlan& plan,
                                         BatchItem item, BatchAhead<S>& ahead) {
    const BatchLane<S> lane(plan.memory());
    lane.store(ahead.words[0]);
    const StepVector x = inputsFrom(phase.rotated, plan.sequence);
#pragma unroll 1
    for (int piece = 0; piece < plan.pieces(); ++piece) {
        if (piece > 0) {
            __syncthreads(); // the inputs before are no longer read
        }
        const int first = plan.firstBlock(piece);
        const int count = plan.blockCount(piece);
        stageBatch(x, plan.memory(), first, count, plan.vectors);
        waitForCopies();
        __syncthreads();
        while (item.piece == piece) {
            const BatchItem next = plan.item<S>(nextTicket());
            if (item.factor < 0) {
                multiplyBatch<S>(item, next, lane, ahead, plan.memory(), plan.vectors);
            } else {
                multiplyBatchFactor(item.factor, first, count, plan.sequence, plan.vectors);
                ahead.begin(next.codes);
                lane.store(ahead.words[0]);
            }
            item = next;
        }
    }
    runBatchRows(plan.sequence, plan.vectors);
}

/// All sequences of the phase, eight at a time.
template <class S>
__device__ inline void runBatches(int place, int& filled) {
    const ProductPhase& phase = phaseAt(place).product;
    const int sequences = stepMemory().state.count;
#pragma unroll 1
    for (int sequence = 0; sequence < sequences; sequence += kBatch) {
        if (sequence > 0) {
            __syncthreads(); // the inputs before are no longer read, no item is taken
            if (threadIdx.x == 0) {
                stepMemory().progress.tickets = kFirstTicket;
            }
        }
        const BatchPlan plan(phase, sequence, min(kBatch, sequences - sequence));
        const BatchItem item = plan.item<S>(firstTicket());
        BatchAhead<S> ahead;
        ahead.begin(item.codes);
        if (sequence == 0) {
            fillTable<S>(phase, filled);
            beginPhase();
            noteFacts(phase);
        }
        runBatch<S>(phase, plan, item, ahead);
    }
}

} // namespace caldera::kernels::step
