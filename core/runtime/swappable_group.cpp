#include "core/runtime/swappable_group.h"

#include <array>
#include <utility>

namespace caldera {

SwappableGroup::SwappableGroup(std::vector<ArtifactCell> own)
    : own_(std::move(own)), others_(own_.size()) {
    divide();
}

SwappableGroup SwappableGroup::with(size_t member, std::shared_ptr<const SourceCell> cell) const {
    SwappableGroup result = *this;
    result.others_[member] = std::move(cell);
    result.divide();
    return result;
}

void SwappableGroup::divide() {
    parts_.clear();
    std::vector<ArtifactCell> together;
    std::vector<size_t> members;
    for (size_t i = 0; i < own_.size(); ++i) {
        if (others_[i]) {
            parts_.push_back({GroupLinear({others_[i]->cell}), {i}});
        } else {
            together.push_back(own_[i]);
            members.push_back(i);
        }
    }
    if (!together.empty()) {
        parts_.push_back({GroupLinear(std::move(together)), std::move(members)});
    }
}

int64_t SwappableGroup::bytes() const {
    int64_t bytes = 0;
    for (const Part& part : parts_) {
        bytes += part.linears.bytes();
    }
    return bytes;
}

void SwappableGroup::apply(ThreadPool& pool, LinearWorkspace& workspace, const float* x,
                           int64_t tokens, std::span<float* const> outputs) const {
    for (const Part& part : parts_) {
        std::array<float*, kModules.size()> own{};
        for (size_t i = 0; i < part.members.size(); ++i) {
            own.at(i) = outputs[part.members[i]];
        }
        part.linears.apply(pool, workspace, x, tokens,
                           std::span<float* const>(own).first(part.members.size()));
    }
}

} // namespace caldera
