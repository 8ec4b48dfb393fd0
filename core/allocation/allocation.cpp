#include "core/allocation/allocation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/allocation/items.h"
#include "core/allocation/wording.h"
#include "core/base/error.h"
#include "core/base/pause.h"

namespace caldera {

namespace {

/// Sums of nats may differ by this share with the order of terms.
constexpr double kRounding = 1e-12;
constexpr int kMostCorrections = 8;
constexpr const char* kNats = " nats of predicted KL divergence";

using Kind = AllocationTarget::Kind;

AllocationProblem withTablesKept(AllocationProblem problem) {
    problem.keepsTables = true;
    return problem;
}

/// 1 for the most sensitive cell, by layer and module.
std::map<Cell, int> fragilityOrder(const LossModel& losses, const ModelConfig& config) {
    std::vector<Cell> order;
    for (int layer = 0; layer < config.layerCount; ++layer) {
        for (const Module module : kModules) {
            order.push_back({layer, module});
        }
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](Cell a, Cell b) { return losses.sensitivity(a) > losses.sensitivity(b); });
    std::map<Cell, int> places;
    for (const Cell cell : order) {
        places.emplace(cell, static_cast<int>(places.size()) + 1);
    }
    return places;
}

/// One problem being solved. Costs of choices are what is limited, losses what is to be small:
/// bytes and nats, or the other way round for the target Kl.
class Solver {
public:
    explicit Solver(const AllocationProblem& problem)
        : problem_(problem), cells_(problem.plan, problem.config),
          measure_(problem.target, problem.config) {
        checkPlan(problem.plan, cells_);
        items_ = allocationItems(problem, cells_, measure_);
        fixed_ = {measure_.plan(problem.plan, cells_),
                  problem.losses->planLoss(problem.plan, cells_)};
        for (const AllocationItem& item : items_) {
            const Choice& present = item.choices[static_cast<size_t>(item.present)];
            fixed_.cost -= present.cost;
            fixed_.loss -= present.loss;
        }
        if (isKl()) {
            swapRoles();
        }
    }

    /// Leaves of each item only what brings the whole nearer to its limit, or nearer to the best
    /// within it.
    void keepOneDirection() {
        double cost = 0;
        for (const AllocationItem& item : items_) {
            cost += item.choices[static_cast<size_t>(item.present)].cost;
        }
        const bool isAbove = cost > room();
        for (AllocationItem& item : items_) {
            keepOneDirection(item, isAbove);
        }
    }

    Allocation solve(const std::stop_token& stop) {
        const double least = leastCost(choicesOfItems());
        const double saved = savedByLeast();
        double limit = room() + saved;
        for (int i = 0; i < kMostCorrections; ++i) {
            requireEnough(least, limit, saved);
            const Selection found = choose(limit, stop);
            Allocation allocation = allocationOf(found);
            if (allocation.cost <= allocation.budget) {
                return allocation;
            }
            const double used = std::min(limit, found.cost); // the dearest choices may take less
            limit = std::max(used - (allocation.cost - allocation.budget), least);
        }
        throwTooMuch(least - saved);
    }

    std::vector<Choice> front() const {
        std::vector<Choice> points = choiceFront(choicesOfItems());
        for (Choice& point : points) {
            point.cost += fixed_.cost;
            point.loss += fixed_.loss;
        }
        return points;
    }

private:
    bool isKl() const { return problem_.target.kind == Kind::Kl; }

    void swapRoles() {
        std::swap(fixed_.cost, fixed_.loss);
        for (AllocationItem& item : items_) {
            for (Choice& choice : item.choices) {
                std::swap(choice.cost, choice.loss);
            }
        }
    }

    static void keepOneDirection(AllocationItem& item, bool isAbove) {
        const Choice present = item.choices[static_cast<size_t>(item.present)];
        AllocationItem kept{item.what, {}, {}, 0};
        for (size_t i = 0; i < item.choices.size(); ++i) {
            const Choice& choice = item.choices[i];
            if (static_cast<int>(i) == item.present) {
                kept.present = static_cast<int>(kept.choices.size());
            } else if (isAbove ? choice.cost > present.cost : choice.loss > present.loss) {
                continue;
            }
            kept.values.push_back(item.values[i]);
            kept.choices.push_back(choice);
        }
        item = std::move(kept);
    }

    std::vector<ChoiceItem> choicesOfItems() const {
        std::vector<ChoiceItem> choices;
        choices.reserve(items_.size());
        for (const AllocationItem& item : items_) {
            choices.push_back(item.choices);
        }
        return choices;
    }

    size_t firstTable() const {
        const auto isTable = [](const AllocationItem& item) {
            return std::holds_alternative<Table>(item.what);
        };
        return static_cast<size_t>(
            std::distance(items_.begin(), std::find_if(items_.begin(), items_.end(), isTable)));
    }

    /// Tables with one choice each, and the least that such a selection can lose.
    struct Branch {
        std::vector<int> picks; ///< of the tables
        double bound = 0;
    };

    /// Every choice for the tables from `next` on that leaves enough for the cells.
    void addBranches(std::vector<ChoiceItem>& choices, size_t next, double limit,
                     std::vector<int>& picks, std::vector<Branch>& branches) const {
        if (leastCost(choices) > limit) {
            return;
        }
        if (next == choices.size()) {
            branches.push_back({picks, lossBound(choices, limit)});
            return;
        }
        for (size_t i = 0; i < items_[next].choices.size(); ++i) {
            choices[next] = {items_[next].choices[i]};
            picks.push_back(static_cast<int>(i));
            addBranches(choices, next + 1, limit, picks, branches);
            picks.pop_back();
        }
        choices[next] = items_[next].choices;
    }

    /// Tables are few and large: a price does not find their best bits, so all are tried that can
    /// be better than what was found. Something is within the limit.
    Selection choose(double limit, const std::stop_token& stop) const {
        std::vector<ChoiceItem> choices = choicesOfItems();
        const size_t first = firstTable();
        std::vector<int> none;
        std::vector<Branch> branches;
        addBranches(choices, first, limit, none, branches);
        std::stable_sort(branches.begin(), branches.end(),
                         [](const Branch& a, const Branch& b) { return a.bound < b.bound; });
        std::optional<Selection> best;
        double bound = std::numeric_limits<double>::infinity(); // of all branches looked into
        for (const Branch& branch : branches) {
            if (best && branch.bound >= best->loss) {
                break;
            }
            for (size_t i = 0; i < branch.picks.size(); ++i) {
                const auto pick = static_cast<size_t>(branch.picks[i]);
                choices[first + i] = {items_[first + i].choices[pick]};
            }
            Selection found = chooseWithin(choices, limit, stop);
            std::copy(branch.picks.begin(), branch.picks.end(),
                      found.picks.begin() + static_cast<std::ptrdiff_t>(first));
            bound = std::min(bound, found.loss - found.gap);
            if (!best || found.loss < best->loss) {
                best = std::move(found);
            }
        }
        best->gap = std::max(best->loss - bound, 0.0);
        return *best;
    }

    /// What the target leaves for the items.
    double room() const {
        return isKl() ? problem_.target.value * (1 - kRounding) - fixed_.cost
                      : measure_.budget(cells_) - fixed_.cost;
    }

    /// How much less the cheapest plan costs than its choices and what is fixed: a GPU's workspace
    /// grows with the largest rank, which no cell has to itself.
    double savedByLeast() const {
        if (problem_.target.kind != Kind::GpuMemory) {
            return 0;
        }
        std::vector<int> picks;
        double cost = fixed_.cost;
        for (const AllocationItem& item : items_) {
            const auto cheapest =
                std::min_element(item.choices.begin(), item.choices.end(),
                                 [](const Choice& a, const Choice& b) { return a.cost < b.cost; });
            picks.push_back(static_cast<int>(std::distance(item.choices.begin(), cheapest)));
            cost += cheapest->cost;
        }
        const Plan plan = planOf(picks);
        return cost - measure_.plan(plan, PlanCells(plan, problem_.config));
    }

    void requireEnough(double least, double limit, double saved) const {
        if (least > limit) {
            throwTooMuch(least - saved);
        }
    }

    std::string askedText() const {
        switch (problem_.target.kind) {
        case Kind::Kl:
            return roundedText(problem_.target.value) + kNats;
        case Kind::TokensPerSecond:
            return roundedText(problem_.target.value) + " tokens a second";
        default:
            return measure_.text(measure_.budget(cells_), cells_);
        }
    }

    [[noreturn]] void throwTooMuch(double cheapest) const {
        const double whole = cheapest + fixed_.cost;
        const std::string least =
            isKl() ? roundedText(whole, Rounding::Up) + kNats : measure_.enoughText(whole, cells_);
        const std::string came = askedText();
        const bool isSpeed = problem_.target.kind == Kind::TokensPerSecond;
        const bool hasFixed = items_.size() < static_cast<size_t>(problem_.config.cellCount());
        throw Error("allocation.budget",
                    "The target of " + came + " cannot be kept: " + least + " is the " +
                        (isSpeed ? "most" : "least") +
                        " that this plan can come to. Choose another target, " +
                        (hasFixed ? "unlock cells, " : "") +
                        "or measure more settings with `caldera fidelity --options`.",
                    {{"came", came}, {"least", least}});
    }

    Plan planOf(const std::vector<int>& picks) const {
        Plan plan = problem_.plan;
        std::map<Cell, BitsAndRank> wanted;
        for (size_t i = 0; i < items_.size(); ++i) {
            if (picks[i] == items_[i].present) {
                continue;
            }
            const BitsAndRank& value = items_[i].values[static_cast<size_t>(picks[i])];
            if (const Cell* cell = std::get_if<Cell>(&items_[i].what)) {
                wanted[*cell] = value;
            } else if (std::get<Table>(items_[i].what) == Table::Embeddings) {
                plan.embeddingBits = static_cast<int>(value.bits);
            } else {
                plan.headBits = static_cast<int>(value.bits);
            }
        }
        return wanted.empty() ? plan : withBitsAndRanks(plan, problem_.config, wanted);
    }

    Allocation allocationOf(const Selection& selection) const {
        Allocation allocation;
        allocation.plan = planOf(selection.picks);
        const PlanCells cells(allocation.plan, problem_.config);
        allocation.size = cells.size();
        allocation.predictedKl = problem_.losses->planLoss(allocation.plan, cells);
        allocation.klBefore = problem_.losses->planLoss(problem_.plan, cells_);
        allocation.cost = measure_.plan(allocation.plan, cells);
        allocation.budget = measure_.budget(cells_);
        allocation.gap = selection.gap;
        allocation.isEverything = isEverything(selection);
        allocation.changes = changesOf(selection, cells);
        allocation.interpolatedCells = problem_.losses->interpolatedCells(cells);
        return allocation;
    }

    bool isEverything(const Selection& selection) const {
        for (size_t i = 0; i < items_.size(); ++i) {
            const ChoiceItem& choices = items_[i].choices;
            const double loss = choices[static_cast<size_t>(selection.picks[i])].loss;
            if (std::any_of(choices.begin(), choices.end(),
                            [&](const Choice& choice) { return choice.loss < loss; })) {
                return false;
            }
        }
        return true;
    }

    /// cells: of the plan that the selection makes.
    std::vector<AllocationChange> changesOf(const Selection& selection,
                                            const PlanCells& cells) const {
        const auto places = fragilityOrder(*problem_.losses, problem_.config);
        const double price = !isKl()               ? selection.price
                             : selection.price > 0 ? 1 / selection.price
                                                   : 0;
        std::vector<AllocationChange> changes;
        for (size_t i = 0; i < items_.size(); ++i) {
            const AllocationItem& item = items_[i];
            if (selection.picks[i] == item.present) {
                continue;
            }
            const auto from = static_cast<size_t>(item.present);
            const auto to = static_cast<size_t>(selection.picks[i]);
            AllocationChange change{item.what, item.values[from], item.values[to]};
            change.cost = item.choices[to].cost - item.choices[from].cost;
            change.loss = item.choices[to].loss - item.choices[from].loss;
            if (isKl()) {
                std::swap(change.cost, change.loss);
            }
            change.price = price;
            if (const Cell* cell = std::get_if<Cell>(&item.what)) {
                change.fragility = places.at(*cell);
                change.error = problem_.losses->error(*cell, cells.settingsOf(*cell)).origin;
            }
            changes.push_back(change);
        }
        return changes;
    }

    const AllocationProblem& problem_;
    PlanCells cells_;
    CostMeasure measure_;
    std::vector<AllocationItem> items_;
    Choice fixed_; ///< of what may not change
};

} // namespace

Allocation solve(const AllocationProblem& problem, const std::stop_token& stop) {
    return Solver(problem).solve(stop);
}

Allocation heal(const AllocationProblem& problem, const std::stop_token& stop) {
    const AllocationProblem cellsOnly = withTablesKept(problem);
    Solver solver(cellsOnly);
    solver.keepOneDirection();
    return solver.solve(stop);
}

std::vector<FrontPoint> paretoFront(const AllocationProblem& problem, int most,
                                    const std::stop_token& stop) {
    AllocationProblem bytes = problem;
    bytes.keepsTables |= problem.target.kind == Kind::BitsPerWeight;
    bytes.target = {Kind::Bytes, 1};
    const std::vector<Choice> all = Solver(bytes).front();
    checkCancelled(stop);
    const double first = all.front().cost;
    const double spacing = (all.back().cost - first) / std::max(most - 1, 1);
    std::vector<FrontPoint> points;
    double next = first;
    for (size_t i = 0; i < all.size(); ++i) {
        if (all[i].cost >= next || i + 1 == all.size()) {
            points.push_back({static_cast<int64_t>(all[i].cost), all[i].loss});
            next =
                first + spacing * (std::floor((all[i].cost - first) / std::max(spacing, 1.0)) + 1);
        }
    }
    return points;
}

} // namespace caldera
