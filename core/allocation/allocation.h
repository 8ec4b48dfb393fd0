// Bits and ranks of all cells, and bits of the tables, chosen together under one budget.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "core/allocation/loss_model.h"
#include "core/allocation/target.h"
#include "core/base/text.h"
#include "core/plan/plan_edit.h"

namespace caldera {

struct AllocationProblem {
    Plan plan; ///< locked and skipped cells stay as it has them; codec families stay everywhere
    ModelConfig config;
    std::shared_ptr<const LossModel> losses;
    AllocationTarget target;
    std::vector<Cell> kept;   ///< cells that stay as they are besides
    bool keepsTables = false; ///< embeddings and head stay as they are
};

/// A cell with its bits and rank, or a table, whose rank is 0.
struct AllocationChange {
    std::variant<Cell, Table> what;
    BitsAndRank before;
    BitsAndRank after;
    double cost = 0;   ///< bytes more of what the target limits (see CostMeasure)
    double loss = 0;   ///< nats more of predicted KL divergence
    int fragility = 0; ///< 1: the most sensitive of all cells; 0 for a table
    /// Nats that one more byte would have taken away anywhere else.
    double price = 0;
    ErrorOrigin error = ErrorOrigin::Measured; ///< of the error after the change
};

/// "model.layers.3.mlp.down_proj", "embeddings", "lm_head".
std::string changedName(const AllocationChange& change);
/// How sizes are written where the sentence stands.
using SizeWords = std::function<std::string(uint64_t bytes)>;
/// Why, in one sentence made from the numbers of the change.
std::string reasonText(const AllocationChange& change, int cellCount,
                       const SizeWords& sizeWords = byteText);

struct Allocation {
    Plan plan;
    PlanSize size;
    double predictedKl = 0; ///< nats
    double klBefore = 0;    ///< of the problem's plan
    double cost = 0;        ///< bytes of what the target limits
    double budget = 0;      ///< infinite for the target Kl
    double gap = 0; ///< nats (bytes for the target Kl) that a better choice could win at most
    /// All that was measured is in use: more budget would change nothing.
    bool isEverything = false;
    std::vector<AllocationChange> changes; ///< in the order of layers, then tables
    int interpolatedCells = 0; ///< whose error or sensitivity is not measured, of all cells
};

/// The plan of least predicted KL divergence within the target, or of least bytes for the target
/// Kl. Errors and sensitivities come from `losses`. Throws Error("allocation.budget") when even
/// the least is too much, saying what the least is; Error("allocation.target"), Error("plan.*") for
/// a plan that does not fit the model; Cancelled.
Allocation solve(const AllocationProblem& problem, const std::stop_token& stop);

/// Pays for a stroke: where the plan is above its budget, cells only give; where it is below,
/// they only take. Those named in `kept`, locked and skipped cells and the tables stay as they are.
/// Throws as solve().
Allocation heal(const AllocationProblem& problem, const std::stop_token& stop);

struct FrontPoint {
    int64_t bytes = 0; ///< PlanSize::total()
    double kl = 0;     ///< predicted
};

/// Best plans from the smallest to the best, whatever the target: at most `most` points (2 or more)
/// of rising bytes and falling KL divergence. Each can be had by solve() with its bytes as the
/// target.
std::vector<FrontPoint> paretoFront(const AllocationProblem& problem, int most,
                                    const std::stop_token& stop);

} // namespace caldera
