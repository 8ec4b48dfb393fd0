// Cells of a served artifact that have other weights for a while, and the way back.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/runtime/engine.h"

namespace caldera {

/// Where weights may be taken from. Clients say a name; a path is never theirs to choose.
struct SwapPlaces {
    std::filesystem::path original;              ///< empty: the model that the plan names
    std::vector<std::filesystem::path> others{}; ///< artifacts, by the names of their folders
    /// Of memory for swapped originals, those that steps could bring back included.
    int64_t mostBytes = int64_t{4} << 30;
};

/// GET, POST and DELETE of /caldera/v1/swaps (docs/serve.md). Any thread may call; one swap is made
/// at a time.
class Swaps {
public:
    /// Throws Error("serve.swap-name") when two places have the same name. Opens nothing yet.
    Swaps(Engine& engine, SwapPlaces places);

    /// What is swapped, from where, and how many steps can be undone.
    nlohmann::json list() const;
    /// {"cells": [names or patterns], "source": a name, or null for the artifact's own}. Throws
    /// RequestError, Error("swap.model", "engine.swap"), what opening throws; Cancelled.
    nlohmann::json swap(std::string_view body, const std::stop_token& cancel);
    /// Takes the last step back. Throws RequestError when there is none.
    nlohmann::json undo(const std::stop_token& cancel);
    /// Gives every cell its own weights again; a step that can be undone, where it changes
    /// anything.
    nlohmann::json clear(const std::stop_token& cancel);

private:
    struct Placed {
        std::string source;
        std::shared_ptr<const SourceCell> cell;
    };
    using State = std::map<Cell, Placed>; ///< by cell; others have their own weights

    const CellSource& open(const std::string& name);
    std::vector<Cell> cellsOf(const nlohmann::json& body) const;
    void requireRoom(const State& state) const;
    /// What cells of the state and of all steps before it hold; each counts once.
    int64_t heldBytes() const;
    /// False when nothing changes by it.
    bool goTo(State state, const std::stop_token& cancel);
    nlohmann::json step(State state, const std::stop_token& cancel);

    Engine& engine_;
    SwapPlaces places_;
    std::map<std::string, std::filesystem::path> paths_; ///< by name

    std::mutex changing_; ///< one swap at a time; it may wait for answers to end
    std::map<std::string, std::unique_ptr<CellSource>> sources_; ///< opened
    mutable std::mutex mutex_; ///< of the rest, which only a swap writes
    State state_;
    std::vector<State> undo_; ///< the states before, last one last
};

} // namespace caldera
