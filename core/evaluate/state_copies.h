// Copies of states between two blocks, so that a pass which was killed goes on there.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/elapsed.h"
#include "core/evaluate/model_pass.h"
#include "core/forward/hidden_store.h"

namespace caldera {

/// When the next copy is due, so that copies take a thirtieth of the time at most.
class CopyClock {
public:
    /// `longest`: seconds after which one is due however long it takes.
    explicit CopyClock(double longest) : longest_(longest) {}

    bool isDue() const;
    /// Makes a copy.
    void make(const std::function<void()>& copy);

private:
    double longest_;
    double cost_ = 0; ///< seconds that the last copy took
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// States of models that pass side by side, in one file, so that all are of the same layer.
class StateCopies {
public:
    /// `key` names everything that the states depend on. No folder: there are no copies.
    StateCopies(std::filesystem::path folder, std::string key)
        : folder_(std::move(folder)), store_(folder_, std::move(key)) {}

    /// Fills `states` from the newest copy and returns how many blocks it has passed; 0 without
    /// one. A tensor of wider numbers than f32 has to be the first.
    int load(int layers, std::vector<torch::Tensor> states) const;
    /// Throws Error("file.*").
    void save(int layer, const std::vector<torch::Tensor>& states) const;
    bool areKept() const { return !folder_.empty(); }

private:
    std::filesystem::path folder_;
    HiddenStore store_;
};

/// Models that pass their blocks side by side, and numbers of the way (f64 on the CPU) that are
/// copied with the states; undefined: none.
struct JointPass {
    std::vector<ModelPass> passes;
    torch::Tensor numbers{};
    /// All models have passed the block of this layer.
    std::function<void(const JointPass& pass, int layer)> afterBlock{};

    int layers() const; ///< of the deepest
    /// Everything that a copy holds.
    std::vector<torch::Tensor> states() const;
    /// Goes on from the newest copy, and makes further ones when they are due. Returns whether the
    /// last state was copied.
    bool passAllBlocks(const StateCopies& copies, CopyClock& clock, WorkMeter& meter);
};

} // namespace caldera
