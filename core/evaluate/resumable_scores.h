// Scores of tokens that go on where an earlier, killed run was.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/evaluate/evaluation_work.h"
#include "core/evaluate/state_copies.h"
#include "core/evaluate/token_scores.h"
#include "core/report/finished_parts.h"

namespace caldera {

/// The tokens of a text or task come in groups whose states are in memory together. Of each group,
/// first its models pass, then its tokens are scored slice by slice. Scores and states are copied
/// to the work folder now and then; a run that finds them gives the same bits as one that was
/// never stopped.
class ResumableScores {
public:
    /// `what` names everything that the scores depend on besides the key of the work.
    ResumableScores(const EvaluationWork& work, const std::string& what, WorkMeter& meter);

    /// Whether the next `count` tokens are scored. They are passed over then.
    bool passOver(int64_t count);
    /// Begins a group: takes its models through their blocks. `group` outlives its scores.
    void pass(JointPass& group);
    /// Calls `score`, which appends to scores(), for those slices of the next `count` tokens that
    /// no earlier run scored; `first` counts from the first of these.
    void score(int64_t count, const std::function<void(int64_t first, int64_t count)>& score);
    /// Ends a group.
    void endGroup();

    TokenScores& scores() { return scores_; }
    /// The sums of the groups' numbers (JointPass); empty without any.
    const std::vector<double>& numbers() const { return numbers_; }

private:
    void load();
    void keep() const;
    void keepUnfinishedGroup();
    void forgetUnfinishedSlice();
    StateCopies copies() const;

    WorkMeter& meter_;
    bool isKept_;
    std::string part_; ///< what the scores are called among finished parts
    FinishedParts parts_;
    std::filesystem::path copies_;
    std::string copyKey_;
    CopyClock clock_;
    TokenScores scores_;
    std::vector<double> numbers_;
    int64_t known_ = 0; ///< tokens that an earlier run scored
    int64_t next_ = 0;  ///< token, counted over all groups
    JointPass* group_ = nullptr;
    int64_t groupBegin_ = 0;
    bool areStatesCopied_ = false; ///< of the group, after the last block
};

} // namespace caldera
