// Predictions of a reference that are kept, against the reference itself.
#include <cmath>
#include <filesystem>
#include <fstream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/evaluate/evaluate.h"
#include "core/evaluate/reference_store.h"
#include "tests/core/evaluate/stopped_runs.h"
#include "tests/support/random_model.h"

using namespace caldera;
using test::CountedWeights;
using test::StopAt;
namespace fs = std::filesystem;

namespace {

class KeptReference : public testing::Test {
protected:
    KeptReference() : root_("/tmp/caldera-kept-" + std::to_string(::getpid())) {
        fs::remove_all(root_);
        reference_ = std::make_shared<CountedWeights>(modelWeights(test::tinyModel(2)));
    }
    ~KeptReference() override { fs::remove_all(root_); }

    EvaluateRequest request(int64_t likeliest = 24) const {
        EvaluateRequest request;
        request.subject = modelWeights(test::tinyModel(1));
        request.reference = reference_;
        request.tokenizer = test::tinyTokenizer();
        request.text = test::tinyText(333);
        request.contextLength = 32;
        request.keep = KeepReference{root_, "two", "fingerprint of two"};
        request.keep->settings.likeliest = likeliest;
        return request;
    }
    static Evaluation run(const EvaluateRequest& request) {
        return evaluate(request, noProgress(), {});
    }
    static std::string codeOf(const EvaluateRequest& request) {
        try {
            run(request);
        } catch (const Error& error) {
            return error.code();
        }
        return "";
    }

    fs::path root_;
    std::shared_ptr<CountedWeights> reference_;
};

} // namespace

TEST_F(KeptReference, AWholeVocabularyLosesNothing) {
    auto asked = request(96);
    const Evaluation kept = run(asked);
    asked.keep.reset();
    const Evaluation exact = run(asked);
    // Rows pass the head in other slices, so the last digits may differ.
    EXPECT_NEAR(kept.perplexity, exact.perplexity, 1e-4);
    EXPECT_NEAR(kept.referencePerplexity, exact.referencePerplexity, 1e-4);
    EXPECT_NEAR(kept.klMean, exact.klMean, 1e-6);
    EXPECT_NEAR(kept.klMedian, exact.klMedian, 1e-6);
    EXPECT_NEAR(kept.klMax, exact.klMax, 1e-5);
    EXPECT_EQ(kept.top1Agreement, exact.top1Agreement);
    EXPECT_EQ(kept.top5Agreement, exact.top5Agreement);
    EXPECT_EQ(*kept.klKeptError, 0);
    EXPECT_FALSE(exact.klKeptError);
}

TEST_F(KeptReference, APartIsWithinTheErrorThatItStates) {
    auto asked = request();
    const Evaluation kept = run(asked);
    asked.keep.reset();
    const Evaluation exact = run(asked);
    EXPECT_GT(*kept.klKeptError, 0);
    EXPECT_LT(*kept.klKeptError, 0.05 * exact.klMean);
    // Half as much again as the 95 % that is stated: a chance of 1 in 300 for one seed.
    EXPECT_NEAR(kept.klMean, exact.klMean, 1.5 * *kept.klKeptError);
    EXPECT_EQ(kept.top1Agreement, exact.top1Agreement);
}

TEST_F(KeptReference, RunsTheReferenceOnce) {
    const Evaluation first = run(request());
    const int blocks = reference_->blocks;
    EXPECT_GT(blocks, 0);
    const Evaluation second = run(request());
    EXPECT_EQ(reference_->blocks, blocks);
    EXPECT_EQ(first.klMean, second.klMean);
    EXPECT_EQ(first.keptFolder, second.keptFolder);
    EXPECT_EQ(second.keptName, "two");
}

TEST_F(KeptReference, TheRunThatMakesThemTellsHowTheErrorGrowsThroughTheDepth) {
    for (const int64_t bytes : {int64_t{1} << 30, int64_t{4} * 32 * 32 * 4}) { // one group, three
        auto asked = request();
        asked.hiddenBytes = bytes;
        asked.keep->fingerprint = std::to_string(bytes);
        const Evaluation made = run(asked);
        const Evaluation read = run(asked);
        EXPECT_TRUE(read.hiddenError.empty()) << "the reference did not run";
        asked.keep.reset();
        EXPECT_EQ(made.hiddenError, run(asked).hiddenError);
        EXPECT_FALSE(made.hiddenError.empty());
    }
}

TEST_F(KeptReference, AnErrorThroughTheDepthIsOfAllTheText) {
    auto asked = request();
    asked.hiddenBytes = int64_t{4} * 32 * 32 * 4;
    fs::remove(run(asked).keptFolder / "window-000003.rows");
    EXPECT_TRUE(run(asked).hiddenError.empty()) << "two groups of three were kept";
}

TEST_F(KeptReference, ServesWithoutTheReference) {
    const Evaluation first = run(request());
    auto alone = request();
    alone.reference.reset();
    alone.keep.reset();
    alone.kept = first.keptFolder;
    alone.hiddenBytes = 1; // other groups of windows than those that were kept
    EXPECT_NEAR(run(alone).klMean, first.klMean, 1e-6);
    alone.contextLength = 16;
    EXPECT_EQ(codeOf(alone), "evaluate.kept-other");
    alone.contextLength = 32;
    alone.text = test::tinyText(332) + "#";
    EXPECT_EQ(codeOf(alone), "evaluate.kept-other");
    alone.kept = root_ / "nothing";
    EXPECT_EQ(codeOf(alone), "reference.missing");
}

TEST_F(KeptReference, OtherTextsModelsAndSettingsHaveFoldersOfTheirOwn) {
    const fs::path first = run(request()).keptFolder;
    auto other = request();
    other.text = test::tinyText(332) + "#";
    EXPECT_NE(run(other).keptFolder, first);
    other = request();
    other.keep->fingerprint = "another";
    EXPECT_NE(run(other).keptFolder, first);
    other = request();
    other.keep->settings.seed = 7;
    EXPECT_NE(run(other).keptFolder, first);
    other = request();
    other.contextLength = 16;
    EXPECT_NE(run(other).keptFolder, first);
    other = request();
    other.keep->name = "a copy elsewhere";
    EXPECT_EQ(run(other).keptFolder, first);
}

TEST_F(KeptReference, DamagedWindowsAreMadeAgain) {
    const Evaluation first = run(request());
    const fs::path window = first.keptFolder / "window-000003.rows";
    std::string bytes = readTextFile(window);
    bytes[100] = static_cast<char>(bytes[100] ^ 1);
    writeFileAtomically(window, bytes);
    auto alone = request();
    alone.kept = first.keptFolder;
    alone.reference.reset();
    alone.keep.reset();
    EXPECT_EQ(codeOf(alone), "evaluate.kept-missing");
    EXPECT_EQ(run(request()).klMean, first.klMean);
    EXPECT_EQ(run(alone).klMean, first.klMean);
    fs::resize_file(window, bytes.size() / 2);
    EXPECT_EQ(codeOf(alone), "evaluate.kept-missing");
}

TEST_F(KeptReference, PredictionsThatAreNoNumbersAreMadeAgain) {
    const Evaluation first = run(request());
    const ReferenceStore store = ReferenceStore::open(first.keptFolder);
    KeptRows rows = *store.load(2, 31);
    rows.loss[3] = std::nan("");
    store.save(2, rows); // with the hash that fits
    EXPECT_FALSE(store.load(2, 31).has_value());
    EXPECT_EQ(run(request()).klMean, first.klMean);
}

TEST_F(KeptReference, ARunThatWasStoppedGoesOnWhereItWas) {
    auto asked = request();
    asked.keep->checkpointSeconds = 0;
    std::stop_source source;
    StopAt progress(682, source); // both models are through the first of two blocks
    EXPECT_THROW(evaluate(asked, progress, source.get_token()), Cancelled);
    EXPECT_EQ(reference_->blocks, 1);
    const Evaluation resumed = run(asked);
    EXPECT_EQ(reference_->blocks, 2) << "the first block is not read again";
    fs::remove_all(root_);
    EXPECT_EQ(run(asked).klMean, resumed.klMean);
    EXPECT_FALSE(fs::exists(resumed.keptFolder / "hidden"));
}

TEST_F(KeptReference, FilesThatAreNotOursAreNamed) {
    const auto codeWith = [&](const std::string& facts) {
        const fs::path folder = root_ / "foreign";
        fs::create_directories(folder);
        writeFileAtomically(folder / "reference.json", facts);
        try {
            ReferenceStore::open(folder);
        } catch (const Error& error) {
            return error.code();
        }
        return std::string();
    };
    EXPECT_EQ(codeWith("{"), "reference.corrupt");
    EXPECT_EQ(codeWith("[]"), "reference.corrupt");
    EXPECT_EQ(codeWith(R"({"format": "caldera-reference/2"})"), "reference.newer");
    EXPECT_EQ(codeWith(R"({"format": "caldera-plan/1"})"), "reference.corrupt");
    EXPECT_EQ(codeWith(R"({"format": "caldera-reference/1"})"), "reference.corrupt");
    EXPECT_EQ(codeWith(R"({"format": "caldera-reference/1", "name": "", "fingerprint": "",
        "text": "", "context": 1, "predicted": 1, "vocabulary": -5, "likeliest": 1, "sampled": 2,
        "seed": 1})"),
              "reference.corrupt");
    EXPECT_EQ(codeWith(R"({"format": "caldera-reference/1", "name": "", "fingerprint": "",
        "text": "", "context": 1, "predicted": 1, "vocabulary": 96, "likeliest": 1,
        "sampled": 1000000000000, "seed": 1})"),
              "reference.corrupt");
}
