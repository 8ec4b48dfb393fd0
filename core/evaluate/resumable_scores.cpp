#include "core/evaluate/resumable_scores.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/hash.h"

namespace caldera {

namespace {

constexpr size_t kNameDigits = 16; ///< of the key, in a file's name
constexpr const char* kRecord = "scores";
constexpr const char* kNumbers = "numbers";

/// By the names that they have among finished parts.
template <class Scores>
auto named(Scores& scores) {
    return std::array{std::pair("loss", &scores.loss),
                      std::pair("reference_loss", &scores.referenceLoss),
                      std::pair("divergence", &scores.divergence),
                      std::pair("divergence_error", &scores.divergenceError),
                      std::pair("same_top", &scores.sameTop),
                      std::pair("shared_top", &scores.sharedTop)};
}

} // namespace

ResumableScores::ResumableScores(const EvaluationWork& work, const std::string& what,
                                 WorkMeter& meter)
    : meter_(meter), isKept_(!work.scores.empty()),
      part_("scores-" + sha256Hex(what).substr(0, kNameDigits)),
      parts_(work.scores, sha256Hex(work.key + '\n' + what)), copies_(work.states),
      copyKey_(work.key + '\n' + what + '\n'), clock_(work.longestGap) {
    load();
}

void ResumableScores::load() {
    std::optional<Report> part = parts_.find(part_);
    if (!part || part->evaluations.size() != 1) {
        return;
    }
    auto& lists = part->evaluations.front().layers;
    const size_t count = lists["loss"].size();
    for (const auto& [name, list] : named(scores_)) {
        *list = std::move(lists[name]);
        if (!list->empty() && list->size() != count) { // damaged
            scores_ = {};
            return;
        }
    }
    numbers_ = std::move(lists[kNumbers]);
    known_ = static_cast<int64_t>(count);
}

void ResumableScores::keep() const {
    Report part;
    EvaluationRecord& record = part.evaluations.emplace_back();
    record.name = kRecord;
    for (const auto& [name, list] : named(scores_)) {
        if (!list->empty()) {
            record.layers[name] = *list;
        }
    }
    if (!numbers_.empty()) {
        record.layers[kNumbers] = numbers_;
    }
    parts_.keep(part_, std::move(part));
}

bool ResumableScores::passOver(int64_t count) {
    if (next_ + count > known_) {
        return false;
    }
    next_ += count;
    return true;
}

void ResumableScores::pass(JointPass& group) {
    group_ = &group;
    groupBegin_ = next_;
    areStatesCopied_ = group.passAllBlocks(copies(), clock_, meter_);
}

StateCopies ResumableScores::copies() const {
    return {copies_, copyKey_ + std::to_string(groupBegin_)};
}

void ResumableScores::score(int64_t count, const std::function<void(int64_t, int64_t)>& score) {
    forLogitSlices(group_->passes.front().model->config(), count, [&](int64_t first, int64_t some) {
        meter_.check();
        if (!passOver(some)) {
            forgetUnfinishedSlice();
            keepUnfinishedGroup(); // before a slice, so that what is kept never ends a group
            score(first, some);
            next_ += some;
        }
        for (const ModelPass& pass : group_->passes) {
            meter_.throughHead(pass.model->config(), some);
        }
    });
}

/// Slices of another program may have ended elsewhere.
void ResumableScores::forgetUnfinishedSlice() {
    if (next_ < known_) {
        for (const auto& [name, list] : named(scores_)) {
            list->resize(std::min(list->size(), static_cast<size_t>(next_)));
        }
        known_ = next_;
    }
}

/// The states go first: without them a run that goes on would pass all blocks again.
void ResumableScores::keepUnfinishedGroup() {
    if (!isKept_ || !clock_.isDue()) {
        return;
    }
    clock_.make([this] {
        if (!areStatesCopied_) {
            copies().save(group_->layers(), group_->states());
            areStatesCopied_ = true;
        }
        keep();
    });
}

void ResumableScores::endGroup() {
    if (group_->numbers.defined()) {
        const double* values = group_->numbers.data_ptr<double>();
        numbers_.resize(static_cast<size_t>(group_->numbers.numel()));
        for (double& sum : numbers_) {
            sum += *values++;
        }
    }
    group_ = nullptr;
    if (isKept_ && next_ > known_) {
        keep();
    }
}

} // namespace caldera
