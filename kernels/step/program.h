// Writes the phases of a step: from linears in the GPU's memory to a list that one kernel runs.
// Only in builds with CUDA.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/common/device_memory.h"
#include "kernels/step/step_code.h"
#include "kernels/step/step_cuda.h"

namespace caldera::kernels::cuda {

/// L or R in the GPU's memory, row-major: Lloyd4 or Float16.
struct StepFactor {
    StepStorage storage = StepStorage::Lloyd4;
    const uint8_t* codes = nullptr;
};

/// A linear in the GPU's memory, which belongs to the caller.
struct StepLinear {
    StepStorage storage = StepStorage::Coded;
    const StepCode* code = nullptr; ///< of Coded
    int rows = 0;
    int columns = 0; ///< padded as the codes are
    const uint8_t* codes = nullptr;
    const float* scale = nullptr; ///< [rows / 16, rounded up], times the code's step; or null
    const uint16_t* tableScale = nullptr; ///< Int4: fp16 [rows, columns / 64]
    const float* rowScale = nullptr;      ///< [rows] or null
    const uint16_t* outSign = nullptr;    ///< fp16 [rows] or null
    int outBlock = 1;
    const float* bias = nullptr; ///< [rows] or null
    int rank = 0;
    StepFactor left;
    StepFactor right;
    const float* factorScale = nullptr; ///< [rank] of L times R

    /// Whether it wants the rotated input.
    bool isRotated() const {
        return storage == StepStorage::Coded || storage == StepStorage::Float16;
    }
};

/// Linears that share an input.
struct StepGroup {
    std::vector<StepLinear> members;
    int columns = 0; ///< real ones
    const uint16_t* inSign = nullptr;
    int inBlock = 1;
    const float* norm = nullptr; ///< [columns]: the input is RMS-normalised; null: it is not
};

/// What the inputs of a model's groups are called: memory is shared by role from layer to layer.
enum class StepRole { Qkv, O, GateUp, Down, Head };

/// Throws KernelError unless a step can attend with such heads, of which kvHeads are keys'.
void requireHeads(int heads, int kvHeads, int headSize);

class StepProgram {
public:
    /// For at most so many sequences; activations of 8 or 16 bits; norms with this epsilon.
    StepProgram(int sequences, int activationBits, float epsilon);

    /// The input that the group's products read and that the phase before must write.
    StepInput inputOf(const StepGroup& group, StepRole role);
    void embed(const EmbedPhase& phase);
    /// Adds the group's products; returns what finish() needs of each member.
    std::vector<StepResult> multiply(const StepGroup& group, const StepInput& input);
    /// Adds the phase that ends the products of `group`, read from `input`. Its results come from
    /// multiply(), its norm is filled in here.
    void finish(FinishPhase phase, const StepGroup& group, const StepInput& input);
    void attend(const AttendPhase& phase);
    void combine(const CombinePhase& phase);
    /// Scratch memory that lives as long as the program.
    float* floats(int64_t count);

    /// The phases, in the GPU's memory, no more than `aheadBytes` of codes fetched ahead of each
    /// group of products. Nothing may be added after this.
    void seal(int64_t aheadBytes);
    int phaseCount() const { return static_cast<int>(phases_.size()); }
    int sequences() const { return sequences_; }
    /// Whether all products so far read their weights once for several tokens.
    bool multipliesTogether() const { return multipliesTogether_; }
    /// Runs the first `phaseCount` phases for so many sequences, as the state says when it runs.
    /// clocks: null, or StepLaunch::clocks of each launch, one after another. Throws KernelError.
    void run(const StepState* state, int sequences, int phaseCount, CudaStream stream,
             int64_t* clocks = nullptr) const;
    /// Runs all phases; returns clocks of a multiprocessor that each takes, waiting included, what
    /// passes between launches left out. Throws KernelError.
    std::vector<int64_t> phaseClocks(const StepState* state, int sequences,
                                     CudaStream stream) const;
    PhaseKind kindOf(int phase) const { return phases_[static_cast<size_t>(phase)].kind; }

private:
    /// Whether several tokens have a kernel of theirs.
    bool isBatching() const { return sequences_ >= kStepLeastBatch && activationBits_ == 8; }
    /// How phases are shared out to launches: those from `place` on are another one's.
    struct Cut {
        bool isBatched; ///< StepLaunch::isBatched of the first
        int place;      ///< the number of phases: there is one launch
    };
    Cut cutOf(int sequences, int phaseCount) const;
    struct Shared { ///< memory that is needed for one group at a time
        float* data = nullptr;
        int64_t size = 0;
    };
    float* shared(Shared& memory, int64_t count);
    /// What the group's products note for its end.
    StepFacts factsOf(const StepGroup& group, const StepInput& input) const;
    StepVector vectorOf(StepVector& held, int columns, int bits);
    /// The phase's thread blocks copy the rotated input to shared memory.
    void stage(ProductPhase& phase, const StepInput& input);
    /// Throws KernelError where an input has no room in shared memory.
    void requireRoom(int columns) const;
    /// How the products of members with one code, or none, are shared out over the GPU: those with
    /// several int8 vectors go through tensor cores.
    StepSplit share(ProductPhase& phase, int64_t groups, const StepGroup& group,
                    const StepCode* code);
    /// Adds the products of some members, their sums from `partial` on; returns what follows those.
    float* addMembers(ProductPhase& phase, const StepGroup& group,
                      const std::vector<size_t>& members, const StepInput& input,
                      std::vector<StepResult>& results, float* partial);
    /// Adds R x of all members.
    void addReduced(ProductPhase& phase, const StepGroup& group, const StepInput& input,
                    std::vector<StepResult>& results);
    StepPhase& add(PhaseKind kind);

    int sequences_;
    int activationBits_;
    float epsilon_;
    int sharedBytes_;
    bool multipliesTogether_;
    std::vector<DeviceMemory<float>> scratch_;
    float* facts_; ///< [2, sequences]: StepFacts::inverseRms and halfSteps, for one group at a time
    std::vector<StepPhase> phases_;
    Shared partial_;
    int64_t totalCount_ = 1;                           ///< see StepLaunch::totals
    int tablePhase_ = std::numeric_limits<int>::max(); ///< the first with ProductPhase::tableBlocks
    struct RoleVectors {
        StepVector rotated;
        StepVector plain;
        float* squares = nullptr;
        int64_t squareCount = 0;
    };
    std::array<RoleVectors, 5> roles_;
    DeviceMemory<StepPhase> sealed_;
    DeviceMemory<int64_t> totals_;
};

} // namespace caldera::kernels::cuda
