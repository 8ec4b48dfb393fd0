// Linears of an input group, multiplied straight from the artifact's packed bytes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/codec/codec.h"
#include "core/runtime/factor.h"
#include "core/runtime/thread_pool.h"
#include "kernels/activation/quantized_inputs.h"
#include "kernels/dense/dense.h"

namespace caldera {

/// Faster than 16, at a cost in accuracy that quantization hides (docs/experiments/cpu-decode.md).
inline constexpr int kBestActivationBits = 8;

/// R x~ of one linear on its way from the threads that make it to those that need it.
class ReducedInputs {
public:
    /// Before the threads begin: `parts` parts are to come.
    void expect(int64_t parts);
    /// One part was made; true for the last one, whose thread calls publish() when it is done.
    bool isLastPart();
    void publish();
    /// Until publish(). In no thread's work does a part follow a wait, so this ends.
    void wait() const;

    kernels::QuantizedInputs codes; ///< the same as integers, where those are multiplied

private:
    std::atomic<int64_t> partsLeft_{0};
    std::atomic<bool> isPublished_{false};
};

/// Buffers that all groups of an engine share; grown on demand.
struct LinearWorkspace {
    struct Thread {
        std::vector<float> decoded; ///< some rows of a factor
        std::vector<float> partial; ///< [tokens, 16]
    };
    /// Of inputs and factors, 8 or 16, where a codec multiplies integers.
    int activationBits = kBestActivationBits;
    std::vector<float> rotated;            ///< x~ [tokens, padded columns]
    kernels::QuantizedInputs rotatedCodes; ///< the same as integers
    std::vector<float> reduced; ///< R x~ times the factors' scales: by member, [tokens, rank]
    std::array<ReducedInputs, kModules.size()> reducedInputs; ///< by member
    std::vector<Thread> threads;
};

/// One linear: y = D_v Um (Q x~ + L (R x~)) + b, or y = W x + b where the cell was skipped.
class Linear {
public:
    explicit Linear(ArtifactCell cell);

    int64_t rows() const { return rows_; }
    int64_t columns() const { return columns_; }
    int rank() const { return cell_.rank(); }
    bool isCompressed() const { return cell_.dense.empty(); }
    int64_t paddedColumns() const;
    int64_t bytes() const; ///< read for each token
    /// Rows that one call of applyRows should do: whole scale groups and whole transform blocks.
    int64_t unitRows() const;

    /// Whether x~ is wanted as integers too.
    bool takesIntegers() const { return codec_ != nullptr && codec_->takesIntegers(); }
    /// Whether the factors are multiplied with integers as well.
    bool hasIntegerFactors() const {
        return takesIntegers() && rank() > 0 && left_.takesIntegers() && right_.takesIntegers();
    }

    /// What one call works on. Vectors: x for a skipped cell, x~ (padded columns) otherwise.
    struct Job {
        kernels::InputVectors input;
        kernels::QuantizedBatch codes; ///< x~ as integers; no blocks where nothing takes them
        int factorBits = 0; ///< of factors that are multiplied with integers; 0: with f32
        ReducedInputs* reducedInputs = nullptr;
        float* reduced = nullptr; ///< [count, rank]: R x~ times both factors' scales
        float* output = nullptr;  ///< [count, rows]
        LinearWorkspace::Thread* buffers = nullptr;
    };
    /// reduced[t][first ... first + count) of rank indices; count <= 16. The last call for a job
    /// publishes its reducedInputs.
    void reduceRows(const Job& job, int64_t first, int64_t count) const;
    /// output[t][first ... first + count), transform, signs and bias included. `first` is a
    /// multiple of unitRows(). Waits for reducedInputs.
    void applyRows(const Job& job, int64_t first, int64_t count) const;

private:
    void multiplyDense(const Job& job, int64_t first, int64_t count) const;
    /// Rows [first, first + count) of Q x~ + L z; whole 16-row groups of `y` are written, from its
    /// beginning.
    void multiplyPacked(const Job& job, int64_t first, int64_t count,
                        const kernels::OutputVectors& y) const;
    void finishRows(const Job& job, int64_t first, int64_t count) const;

    ArtifactCell cell_;
    int64_t rows_;
    int64_t columns_;
    int64_t outputBlock_ = 1;
    Factor left_;
    Factor right_;
    std::shared_ptr<const Codec> codec_; ///< of Q; null when skipped
    std::vector<float> scale_;           ///< of Q, per 16 rows
    std::vector<float> factorScale_;     ///< of L times R, per rank index
    std::vector<float> outSign_;
};

/// Linears that share an input.
class GroupLinear {
public:
    explicit GroupLinear(std::vector<ArtifactCell> cells);

    const std::vector<Linear>& members() const { return members_; }
    int64_t columns() const { return members_.front().columns(); }
    int64_t bytes() const; ///< read for each token

    /// x [tokens, columns] to outputs[member] [tokens, rows].
    void apply(ThreadPool& pool, LinearWorkspace& workspace, const float* x, int64_t tokens,
               std::span<float* const> outputs) const;

private:
    struct Unit {
        size_t member;
        int64_t first;
        int64_t count;
    };
    void rotate(ThreadPool& pool, LinearWorkspace& workspace, const float* x, int64_t tokens) const;
    std::vector<Linear::Job> jobsFor(LinearWorkspace& workspace, const float* x, int64_t tokens,
                                     std::span<float* const> outputs) const;

    std::vector<Linear> members_;
    std::vector<Unit> units_; ///< of ranks, then of rows
    size_t rankUnits_ = 0;
    int64_t inputBlock_ = 1;
    std::vector<float> inSign_; ///< empty when every member was skipped
};

} // namespace caldera
