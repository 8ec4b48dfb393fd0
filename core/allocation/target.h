// What an allocation must keep to, and what settings cost of it.
#pragma once

#include <cstdint>
#include <string>

#include "core/allocation/loss_model.h"
#include "core/plan/decode_speed.h"
#include "core/plan/gpu_memory.h"
#include "core/plan/plan_cells.h"

namespace caldera {

struct AllocationTarget {
    enum class Kind {
        Bytes,           ///< of the artifact's tensors, as PlanSize::total()
        BitsPerWeight,   ///< of the cells; embeddings and head stay as they are
        GpuMemory,       ///< bytes that an engine asks a GPU for
        Kl,              ///< predicted, in nats; then as few bytes as possible
        TokensPerSecond, ///< estimated, of one chat at the end of its context
    };
    Kind kind = Kind::Bytes;
    double value = 0;
    int contextLength = 8192; ///< of the conversation in a GPU's memory
    int cacheBits = 16;       ///< of its keys and values, 16 or 8
    DecodeSpeed speed{};      ///< of the GPU
};

/// Bytes that settings take of what the target limits; for the target Kl, of the artifact.
class CostMeasure {
public:
    CostMeasure(const AllocationTarget& target, const ModelConfig& config);

    double cell(const CellSettings& settings, Module module) const;
    double table(Table table, int bits) const;
    /// Of a whole plan: of its cells and tables, and of what does not depend on them.
    double plan(const Plan& plan, const PlanCells& cells) const;
    /// Bytes that the target allows a plan; infinite for the target Kl.
    double budget(const PlanCells& cells) const;

    /// "2.50 bits a weight", "21 GiB of GPU memory with 8192 tokens of context".
    std::string text(double bytes, const PlanCells& cells) const;
    /// The same, rounded so that a target of what stands there allows the bytes.
    std::string enoughText(double bytes, const PlanCells& cells) const;

private:
    std::string text(double bytes, const PlanCells& cells, bool isEnough) const;

    AllocationTarget target_;
    ModelConfig config_;
};

/// Throws Error("allocation.target") for a target that is no finite number above 0, or a context or
/// bits of keys and values that cannot be.
void checkTarget(const AllocationTarget& target);

} // namespace caldera
