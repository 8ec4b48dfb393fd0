#include "widgets/models/cell_edit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "core/model/codec_facts.h"
#include "core/plan/plan_cells.h"
#include "core/plan/rank_step.h"

namespace caldera::studio {

namespace {

using Override = std::pair<std::string, CellOverride>;

void dropEmpty(std::vector<Override>& entries) {
    std::erase_if(entries, [](const Override& entry) { return entry.second == CellOverride(); });
}

template <typename T>
void take(std::optional<T>& into, const std::optional<T>& from) {
    if (from) {
        into = from;
    }
}

/// The overrides of exact names by cell, for many look-ups.
class ExactNames {
public:
    explicit ExactNames(std::vector<Override>& entries) : entries_(entries) {
        for (size_t at = 0; at < entries.size(); ++at) {
            places_.emplace(entries[at].first, at);
        }
    }

    CellOverride& of(Cell cell) {
        const std::string name = cellName(cell);
        const auto [place, added] = places_.emplace(name, entries_.size());
        if (added) {
            entries_.emplace_back(name, CellOverride());
            ordered_ = false;
        }
        return entries_[place->second].second;
    }

    /// Drops what says nothing and puts added entries where they belong.
    void finish() {
        dropEmpty(entries_);
        if (!ordered_) {
            sortByCell();
        }
    }

private:
    /// Reads every name once.
    void sortByCell() {
        using Place = std::tuple<bool, Cell, size_t>; // names of no cell last, each where it was
        std::vector<Place> places;
        places.reserve(entries_.size());
        for (const Override& entry : entries_) {
            const auto cell = parseCellName(entry.first);
            places.emplace_back(!cell, cell.value_or(Cell()), places.size());
        }
        if (std::is_sorted(places.begin(), places.end())) {
            return;
        }
        std::sort(places.begin(), places.end());
        std::vector<Override> sorted;
        sorted.reserve(entries_.size());
        for (const Place& place : places) {
            sorted.push_back(std::move(entries_[std::get<size_t>(place)]));
        }
        entries_ = std::move(sorted);
    }

    std::vector<Override>& entries_;
    std::unordered_map<std::string, size_t> places_;
    bool ordered_ = true;
};

bool groupIsLocked(const PlanCells& cells, int layer, InputGroup group) {
    return std::any_of(kModules.begin(), kModules.end(), [&](Module module) {
        return inputGroupOf(module) == group && cells.settingsOf({layer, module}).locked;
    });
}

/// One edit per cell, codecs spread over their groups.
std::map<Cell, CellEdit> spreadEdits(const PlanCells& cells, const CellEdits& edits) {
    std::map<Cell, CellEdit> spread;
    for (const auto& [cell, edit] : edits) {
        CellEdit& own = spread[cell];
        take(own.bits, edit.bits);
        take(own.rank, edit.rank);
        take(own.locked, edit.locked);
        take(own.skip, edit.skip);
        const InputGroup group = inputGroupOf(cell.module);
        if (!edit.codec || groupIsLocked(cells, cell.layer, group)) {
            continue;
        }
        for (const Module module : kModules) {
            if (inputGroupOf(module) == group) {
                spread[{cell.layer, module}].codec = edit.codec;
            }
        }
    }
    return spread;
}

CellSettings edited(const CellSettings& before, const CellEdit& edit, MatrixShape shape) {
    CellSettings after = before;
    after.codec = edit.codec.value_or(before.codec);
    if (edit.bits || after.codec != before.codec) {
        after.bits = nearestBits(after.codec, edit.bits.value_or(before.bits));
    }
    if (edit.rank) {
        after.rank = std::clamp(nearestRank(*edit.rank), 0, largestRank(shape));
    }
    after.locked = edit.locked.value_or(before.locked);
    after.skip = edit.skip.value_or(before.skip);
    return after;
}

/// Only what differs from what the plan says anyway. What is locked is written out, so that it no
/// longer follows the plan.
void writeOverride(CellOverride& entry, const CellSettings& settings,
                   const CellSettings& inherited) {
    const auto write = [](auto& into, const auto& value, const auto& anyway, bool always) {
        if (always || value != anyway) {
            into = value;
        } else {
            into.reset();
        }
    };
    write(entry.bits, settings.bits, inherited.bits, settings.locked);
    write(entry.rank, settings.rank, inherited.rank, settings.locked);
    write(entry.codec, settings.codec, inherited.codec, settings.locked);
    write(entry.locked, settings.locked, inherited.locked, false);
    write(entry.skip, settings.skip, inherited.skip, false);
}

} // namespace

CellEdits editsOf(const std::vector<Cell>& cells, const CellEdit& edit) {
    CellEdits edits;
    edits.reserve(cells.size());
    for (const Cell cell : cells) {
        edits.emplace_back(cell, edit);
    }
    return edits;
}

std::vector<std::string> paintableCodecs() {
    std::vector<std::string> families;
    for (const CodecFacts& facts : codecFacts()) {
        const std::string family = facts.family;
        const bool known = std::find(families.begin(), families.end(), family) != families.end();
        if (family != "none" && !known) {
            families.push_back(family);
        }
    }
    return families;
}

std::vector<double> bitsOfFamily(const std::string& family) {
    std::vector<double> bits;
    for (const CodecFacts& facts : codecFacts()) {
        if (facts.family == family) {
            bits.push_back(facts.bits);
        }
    }
    std::sort(bits.begin(), bits.end());
    return bits;
}

double steppedBits(const std::string& family, double bits, int direction) {
    const std::vector<double> choices = bitsOfFamily(family);
    if (direction > 0) {
        const auto above = std::upper_bound(choices.begin(), choices.end(), bits);
        return above == choices.end() ? bits : *above;
    }
    const auto from = std::lower_bound(choices.begin(), choices.end(), bits);
    return from == choices.begin() ? bits : *std::prev(from);
}

int applyEdits(Plan& plan, const PlanCells& cells, const CellEdits& edits) {
    std::set<Cell> leftAlone;
    ExactNames names(plan.layerOverrides);
    for (const auto& [cell, edit] : edits) {
        if (edit.codec && groupIsLocked(cells, cell.layer, inputGroupOf(cell.module))) {
            leftAlone.insert(cell);
        }
    }
    for (const auto& [cell, edit] : spreadEdits(cells, edits)) {
        const CellSettings& before = cells.settingsOf(cell);
        const bool unlocks = edit.locked && !*edit.locked;
        if (before.locked && !unlocks && !(edit == CellEdit{{}, {}, {}, true, {}})) {
            leftAlone.insert(cell);
            continue;
        }
        const CellSettings after = edited(before, edit, cells.config().shapeOf(cell.module));
        if (after != before) {
            writeOverride(names.of(cell), after, inheritedSettings(plan, cell));
        }
    }
    names.finish();
    return static_cast<int>(leftAlone.size());
}

void clearUnlocked(Plan& plan, const PlanCells& cells,
                   const std::function<void(CellOverride&)>& clear) {
    for (auto& [name, override] : plan.layerOverrides) {
        const auto cell = parseCellName(name);
        if (!cell || cell->layer >= cells.layerCount() || !cells.settingsOf(*cell).locked) {
            clear(override);
        }
    }
    for (auto& [pattern, override] : plan.patternOverrides) {
        clear(override);
    }
    dropEmpty(plan.layerOverrides);
    dropEmpty(plan.patternOverrides);
    ExactNames names(plan.layerOverrides);
    for (const Cell cell : allCells(cells.layerCount())) {
        if (cells.settingsOf(cell).locked) {
            writeOverride(names.of(cell), cells.settingsOf(cell), inheritedSettings(plan, cell));
        }
    }
    names.finish();
}

} // namespace caldera::studio
