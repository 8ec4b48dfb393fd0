#include "core/serve/swaps.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "core/base/glob.h"
#include "core/base/pause.h"
#include "core/base/printable.h"
#include "core/base/text.h"
#include "core/plan/plan_cells.h"
#include "core/serve/request_body.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

constexpr size_t kMostSteps = 100; // that can be undone
constexpr size_t kMostPatterns = 4096;
constexpr size_t kQuoted = 60; // bytes of a client's text in a sentence
constexpr const char* kOriginal = "original";

std::string quoted(const std::string& text) {
    return '"' + printable(text, kQuoted) + '"';
}

} // namespace

Swaps::Swaps(Engine& engine, SwapPlaces places) : engine_(engine), places_(std::move(places)) {
    paths_[kOriginal] = places_.original.empty()
                            ? std::filesystem::path(engine.artifact().plan().model)
                            : places_.original;
    for (const std::filesystem::path& path : places_.others) {
        const std::string name = std::filesystem::absolute(path / "").parent_path().filename();
        if (!paths_.emplace(name, path).second) {
            throw Error("serve.swap-name", "Two places for swapped cells are called \"" + name +
                                               "\"; rename one of the folders.");
        }
    }
}

Json Swaps::list() const {
    const std::lock_guard lock(mutex_);
    Json sources = Json::array();
    for (const auto& [name, path] : paths_) {
        sources.push_back(name);
    }
    Json cells = Json::array();
    int64_t bytes = 0;
    for (const auto& [cell, placed] : state_) {
        cells.push_back({{"cell", cellName(cell)}, {"source", placed.source}});
        bytes += placed.cell->bytes;
    }
    return {{"object", "caldera.swaps"},
            {"sources", std::move(sources)},
            {"cells", std::move(cells)},
            {"bytes", bytes},
            {"undo_steps", undo_.size()}};
}

const CellSource& Swaps::open(const std::string& name) {
    const auto known = paths_.find(name);
    if (known == paths_.end()) {
        throw RequestError("source", quoted(name) + " is no source of cells here; GET "
                                                    "/caldera/v1/swaps lists them.");
    }
    std::unique_ptr<CellSource>& source = sources_[name];
    if (!source) {
        source = openCellSource(known->second, engine_.artifact());
    }
    return *source;
}

std::vector<Cell> Swaps::cellsOf(const Json& body) const {
    const auto patterns = body.find("cells");
    if (patterns == body.end() || !patterns->is_array() || patterns->empty() ||
        patterns->size() > kMostPatterns) {
        throw RequestError("cells", "\"cells\" must be a list of 1 to " +
                                        std::to_string(kMostPatterns) +
                                        " names of cells, or patterns of names.");
    }
    const std::vector<Cell> all = allCells(engine_.artifact().config().layerCount);
    std::vector<Cell> chosen;
    for (const Json& pattern : *patterns) {
        if (!pattern.is_string()) {
            throw RequestError("cells", "\"cells\" holds something that is no text; names of "
                                        "cells were needed.");
        }
        const auto text = pattern.get<std::string>();
        const size_t before = chosen.size();
        std::copy_if(all.begin(), all.end(), std::back_inserter(chosen),
                     [&text](Cell cell) { return matchesGlob(text, cellName(cell)); });
        if (chosen.size() == before) {
            throw RequestError("cells", quoted(text) +
                                            " names no cell of this model; its cells "
                                            "are named as " +
                                            cellName(all.front()) + ".");
        }
    }
    return chosen;
}

void Swaps::requireRoom(const State& state) const {
    int64_t bytes = 0;
    for (const auto& [cell, placed] : state) {
        bytes += placed.cell->bytes;
    }
    if (bytes > places_.mostBytes) {
        throw RequestError("cells", "The swapped cells would hold " +
                                        memoryText(static_cast<uint64_t>(bytes)) +
                                        " of memory; at most " +
                                        memoryText(static_cast<uint64_t>(places_.mostBytes)) +
                                        " are allowed. Swap fewer, or put others back first.");
    }
}

int64_t Swaps::heldBytes() const {
    std::set<std::shared_ptr<const SourceCell>> cells;
    const auto add = [&cells](const State& state) {
        for (const auto& [cell, placed] : state) {
            cells.insert(placed.cell);
        }
    };
    add(state_);
    std::for_each(undo_.begin(), undo_.end(), add);
    return std::accumulate(cells.begin(), cells.end(), int64_t{0},
                           [](int64_t sum, const auto& cell) { return sum + cell->bytes; });
}

bool Swaps::goTo(State state, const std::stop_token& cancel) {
    std::vector<CellSwap> swaps;
    for (const Cell cell : allCells(engine_.artifact().config().layerCount)) {
        const auto before = state_.find(cell);
        const auto after = state.find(cell);
        const auto weights = [](const auto& at, const State& of) {
            return at == of.end() ? nullptr : at->second.cell;
        };
        if (weights(before, state_) != weights(after, state)) {
            swaps.push_back({cell, weights(after, state)});
        }
    }
    if (!swaps.empty() && !engine_.swapCells(swaps, cancel)) {
        throw Cancelled();
    }
    const std::lock_guard lock(mutex_);
    state_ = std::move(state);
    return !swaps.empty();
}

Json Swaps::step(State state, const std::stop_token& cancel) {
    State before = state_;
    if (goTo(std::move(state), cancel)) {
        const std::lock_guard lock(mutex_);
        undo_.push_back(std::move(before));
        while (undo_.size() > kMostSteps || heldBytes() > places_.mostBytes) {
            undo_.erase(undo_.begin());
        }
    }
    return list();
}

Json Swaps::swap(std::string_view body, const std::stop_token& cancel) {
    const Json request = parseRequestBody(body, "cells\" and \"source");
    const std::vector<Cell> cells = cellsOf(request);
    const auto given = request.find("source");
    const Json source = given == request.end() ? Json(false) : *given;
    if (!source.is_null() && !source.is_string()) { // forgotten, it is not null
        throw RequestError("source", "\"source\" must be the name of a source, or null for the "
                                     "artifact's own weights.");
    }
    const std::lock_guard changing(changing_);
    State state = state_;
    for (const Cell cell : cells) {
        if (source.is_null()) {
            state.erase(cell);
            continue;
        }
        const auto name = source.get<std::string>();
        const auto placed = state.find(cell);
        if (placed == state.end() || placed->second.source != name) {
            state[cell] = {name, open(name).cell(cell)};
            requireRoom(state); // before the next one is read
        }
        checkCancelled(cancel);
    }
    return step(std::move(state), cancel);
}

Json Swaps::undo(const std::stop_token& cancel) {
    const std::lock_guard changing(changing_);
    if (undo_.empty()) {
        throw RequestError("", "No swap is left to be undone.");
    }
    goTo(undo_.back(), cancel);
    {
        const std::lock_guard lock(mutex_);
        undo_.pop_back();
    }
    return list();
}

Json Swaps::clear(const std::stop_token& cancel) {
    const std::lock_guard changing(changing_);
    return step({}, cancel);
}

} // namespace caldera
