// The linears of an input group, some of which may stand in for the artifact's own.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/runtime/cell_source.h"
#include "core/runtime/linear.h"

namespace caldera {

/// A cell from elsewhere has signs, transform and codec of its own, so it is multiplied by itself;
/// the others stay together.
class SwappableGroup {
public:
    explicit SwappableGroup(std::vector<ArtifactCell> own);

    /// The same with these weights for `member`; null: the own ones.
    SwappableGroup with(size_t member, std::shared_ptr<const SourceCell> cell) const;
    int64_t bytes() const; ///< read for each token

    /// x [tokens, columns] to outputs[member] [tokens, rows].
    void apply(ThreadPool& pool, LinearWorkspace& workspace, const float* x, int64_t tokens,
               std::span<float* const> outputs) const;

private:
    struct Part {
        GroupLinear linears;
        std::vector<size_t> members;
    };
    void divide();

    std::vector<ArtifactCell> own_;
    std::vector<std::shared_ptr<const SourceCell>> others_; ///< by member; null: its own counts
    std::vector<Part> parts_;
};

} // namespace caldera
