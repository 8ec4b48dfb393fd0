// Evaluations that are stopped again and again give what one gives that is left alone.
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/evaluate/choice_accuracy.h"
#include "core/evaluate/evaluate.h"
#include "tests/core/evaluate/stopped_runs.h"
#include "tests/support/random_model.h"
#include "tests/support/scratch_folder.h"

using namespace caldera;
using test::CountedWeights;
using test::StopAt;
namespace fs = std::filesystem;

namespace {

/// What no run can repeat is left out.
EvaluationRecord lasting(EvaluationRecord record) {
    record.numbers.erase("seconds");
    return record;
}

void expectSame(const EvaluationRecord& a, const EvaluationRecord& b) {
    EXPECT_EQ(lasting(a).numbers, lasting(b).numbers);
    EXPECT_EQ(a.layers, b.layers);
}

class EvaluationResume : public testing::Test {
protected:
    EvaluateRequest textRequest() const {
        EvaluateRequest request;
        request.subject = subject_;
        request.reference = reference_;
        request.tokenizer = test::tinyTokenizer();
        request.text = test::tinyText(333);
        request.contextLength = 32;
        request.hiddenBytes = int64_t{4} * 32 * 32 * 4; // groups of four windows
        return request;
    }
    ChoiceRequest choiceRequest() const {
        ChoiceRequest request;
        request.subject = subject_;
        request.reference = reference_;
        request.tokenizer = test::tinyTokenizer();
        const std::string text = test::tinyText(400);
        for (size_t i = 0; i < 12; ++i) {
            const std::string context = text.substr(i * 7, 5 + i);
            request.questions.push_back({{{context, " " + text.substr(i * 3 + 40, 3)},
                                          {context, " " + text.substr(i * 3 + 50, 4)}},
                                         static_cast<int>(i % 2)});
        }
        request.hiddenBytes = 8000; // a few groups
        return request;
    }
    EvaluationWork work() const {
        return {scratch_ / "scores", scratch_ / "states", "both models", 0};
    }

    /// Runs with stops at ever later places, each going on with what the one before left.
    /// Returns how often it was stopped.
    static int runStopping(const std::function<void(Progress&, const std::stop_token&)>& run) {
        constexpr int64_t kStep = 90;
        for (int stops = 0;; ++stops) {
            std::stop_source source;
            StopAt progress((stops + 1) * kStep, source);
            try {
                run(progress, source.get_token());
                return stops;
            } catch (const Cancelled&) {
                continue;
            }
        }
    }
    int blocks() const { return subject_->blocks + reference_->blocks; }

    test::ScratchFolder scratch_;
    std::shared_ptr<CountedWeights> subject_ =
        std::make_shared<CountedWeights>(modelWeights(test::tinyModel(1)));
    std::shared_ptr<CountedWeights> reference_ =
        std::make_shared<CountedWeights>(modelWeights(test::tinyModel(2)));
};

TEST_F(EvaluationResume, ATextThatIsStoppedOftenGivesTheSameBits) {
    EvaluateRequest request = textRequest();
    const EvaluationRecord whole = toRecord("text", evaluate(request, noProgress(), {}));
    ASSERT_EQ(whole.layers.at("hidden_error").size(), 2U);
    const int blocksOfOne = blocks();

    request.work = work();
    EvaluationRecord resumed;
    const int stops = runStopping([&](Progress& progress, const std::stop_token& stop) {
        resumed = toRecord("text", evaluate(request, progress, stop));
    });
    EXPECT_GT(stops, 8);
    expectSame(whole, resumed);
    // A stop loses at most the block of each model that is under way.
    EXPECT_LE(blocks() - blocksOfOne, blocksOfOne + 2 * stops);

    const int before = blocks();
    expectSame(whole, toRecord("text", evaluate(request, noProgress(), {})));
    EXPECT_EQ(blocks(), before) << "a text that is finished does not pass again";
}

TEST_F(EvaluationResume, QuestionsThatAreStoppedOftenGiveTheSameBits) {
    ChoiceRequest request = choiceRequest();
    const ChoiceEvaluation whole = evaluateChoices(request, noProgress(), {});
    request.work = work();
    ChoiceEvaluation resumed;
    const int stops = runStopping([&](Progress& progress, const std::stop_token& stop) {
        resumed = evaluateChoices(request, progress, stop);
    });
    EXPECT_GT(stops, 8);
    EXPECT_EQ(whole.likelihoods, resumed.likelihoods);
    expectSame(toRecord("task", whole), toRecord("task", resumed));
}

TEST_F(EvaluationResume, ATextAgainstKeptPredictionsGoesOnToo) {
    EvaluateRequest request = textRequest();
    request.keep = KeepReference{scratch_ / "references", "two", "fingerprint of two"};
    request.keep->checkpointSeconds = 0;
    const EvaluationRecord whole = toRecord("text", evaluate(request, noProgress(), {}));
    ASSERT_EQ(whole.layers.at("hidden_error").size(), 2U);
    fs::remove_all(scratch_ / "references");
    request.work = work();
    EvaluationRecord resumed;
    EXPECT_GT(runStopping([&](Progress& progress, const std::stop_token& stop) {
                  resumed = toRecord("text", evaluate(request, progress, stop));
              }),
              8);
    expectSame(whole, resumed);
}

TEST_F(EvaluationResume, WorkOfOtherModelsTextsOrSettingsCountsForNothing) {
    EvaluateRequest request = textRequest();
    request.work = work();
    evaluate(request, noProgress(), {});
    const auto blocksOf = [&](const EvaluateRequest& asked) {
        const int before = blocks();
        evaluate(asked, noProgress(), {});
        return blocks() - before;
    };
    EXPECT_EQ(blocksOf(request), 0);
    EvaluateRequest other = request;
    other.work.key = "another model";
    EXPECT_GT(blocksOf(other), 0);
    other = request;
    other.text = test::tinyText(332) + "#";
    EXPECT_GT(blocksOf(other), 0);
    other = request;
    other.contextLength = 16;
    EXPECT_GT(blocksOf(other), 0);
    other = request;
    other.reference.reset();
    EXPECT_GT(blocksOf(other), 0);
}

TEST_F(EvaluationResume, DamagedWorkIsWorkedOutAgain) {
    EvaluateRequest request = textRequest();
    const EvaluationRecord whole = toRecord("text", evaluate(request, noProgress(), {}));
    request.work = work();
    for (const int64_t stopAt : {200, 700}) {
        fs::remove_all(scratch_ / "scores");
        std::stop_source source;
        StopAt progress(stopAt, source);
        EXPECT_THROW(evaluate(request, progress, source.get_token()), Cancelled);
        std::vector<fs::path> files;
        for (const auto& entry : fs::recursive_directory_iterator(scratch_.path())) {
            if (entry.is_regular_file()) {
                files.push_back(entry.path());
            }
        }
        EXPECT_FALSE(files.empty());
        for (const fs::path& file : files) {
            fs::resize_file(file, fs::file_size(file) / 2);
        }
        expectSame(whole, toRecord("text", evaluate(request, noProgress(), {})));
    }
}

} // namespace
