#include "core/blame/blame.h"

#include <filesystem>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/complaint.h"
#include "tests/support/random_model.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

/// A model of seed 1 in which some matrices are those of seed 2.
std::shared_ptr<const TransformerWeights> modelWith(const std::vector<Cell>& others) {
    const ModelConfig config = test::tinyConfig();
    const auto weights = test::tinyWeights(config, 1);
    const auto source = test::tinyWeights(config, 2);
    for (const Cell cell : others) {
        const std::string name = cellName(cell) + ".weight";
        weights->values(name) = source->values(name);
    }
    auto model = std::make_shared<Model>(*test::tinyModel(1));
    model->weights = weights;
    return modelWeights(model);
}

BlameRequest requestFor(const std::vector<Cell>& damaged, std::optional<int64_t> place = 20) {
    BlameRequest request;
    request.original = modelWith({});
    request.subject = modelWith(damaged);
    request.tokens = test::tinyTokenizer()->encode(test::tinyText(40));
    request.place = place;
    return request;
}

Blame run(const BlameRequest& request) {
    return findBlame(request, noProgress(), {});
}

TEST(Blame, OneDamagedCellBearsAllOfIt) {
    const Cell guilty{1, Module::DownProj};
    const Blame blame = run(requestFor({guilty}));
    ASSERT_EQ(blame.gains.size(), 14U);
    EXPECT_GT(std::abs(blame.originalLog - blame.subjectLog), 1e-4);
    EXPECT_NEAR(blame.gains.at(guilty), blame.originalLog - blame.subjectLog, 1e-5);
    for (const auto& [cell, gain] : blame.gains) {
        if (cell != guilty) {
            EXPECT_NEAR(gain, 0, 1e-5) << cellName(cell);
        }
    }
    EXPECT_NEAR(blame.embeddingGain, 0, 1e-5);
    EXPECT_NEAR(blame.headGain, 0, 1e-5);
}

TEST(Blame, EachGainIsThatOfTheModelWithTheCellSwappedBack) {
    const std::vector<Cell> damaged = {{0, Module::QProj}, {0, Module::UpProj}, {1, Module::OProj}};
    const Blame blame = run(requestFor(damaged));
    for (const Cell back : damaged) {
        std::vector<Cell> rest = damaged;
        std::erase(rest, back);
        BlameRequest swapped = requestFor(rest);
        EXPECT_NEAR(blame.gains.at(back), run(swapped).subjectLog - blame.subjectLog, 1e-5)
            << cellName(back);
    }
}

TEST(Blame, ExplainsTheTokenThatLostMostUnlessToldWhich) {
    const std::vector<Cell> damaged = {{0, Module::DownProj}, {1, Module::UpProj}};
    const Blame worst = run(requestFor(damaged, std::nullopt));
    const double lost = worst.originalLog - worst.subjectLog;
    for (int64_t place = 1; place < 40; ++place) {
        const Blame other = run(requestFor(damaged, place));
        EXPECT_EQ(other.place, place);
        EXPECT_LE(other.originalLog - other.subjectLog, lost + 1e-5);
    }
}

TEST(Blame, PartsGiveTheWhole) {
    BlameRequest request = requestFor({{0, Module::VProj}, {1, Module::GateProj}});
    const Blame whole = run(request);
    request.variantBytes = 1;
    const Blame parts = run(request);
    EXPECT_EQ(parts.gains, whole.gains);
}

/// Counts cells, and asks to stop after some.
class StoppingProgress : public Progress {
public:
    explicit StoppingProgress(int cells) : left_(cells) {}
    void stage(const std::string&) override {}
    void advance(int64_t done, int64_t total) override { EXPECT_LE(done, total); }
    void event(const std::string& kind, nlohmann::json fields) override {
        if (kind == "cell") {
            reused_ += fields.at("reused").get<bool>() ? 1 : 0;
            if (--left_ == 0) {
                stop_.request_stop();
            }
        }
    }
    std::stop_token token() const { return stop_.get_token(); }
    int reused() const { return reused_; }

private:
    int left_;
    int reused_ = 0;
    std::stop_source stop_;
};

TEST(Blame, GoesOnWhereItWasStopped) {
    BlameRequest request = requestFor({{0, Module::VProj}, {1, Module::GateProj}});
    const Blame whole = run(request);
    request.variantBytes = 1;
    const test::ScratchFolder folder;
    request.work = folder / "work";
    StoppingProgress first(7);
    EXPECT_THROW(findBlame(request, first, first.token()), Cancelled);
    StoppingProgress second(1000);
    EXPECT_EQ(findBlame(request, second, second.token()).gains, whole.gains);
    EXPECT_EQ(second.reused(), 7);
    request.place = 21; // other work
    StoppingProgress third(1000);
    findBlame(request, third, third.token());
    EXPECT_EQ(third.reused(), 0);
}

TEST(Blame, BadRequestsAreRefused) {
    const auto codeOf = [](const BlameRequest& request) {
        return complaintOf([&] { run(request); }).code;
    };
    EXPECT_EQ(codeOf(requestFor({}, 0)), "blame.place");
    EXPECT_EQ(codeOf(requestFor({}, 40)), "blame.place");
    EXPECT_EQ(codeOf(requestFor({}, -3)), "blame.place");
    BlameRequest request = requestFor({});
    request.tokens.resize(1);
    EXPECT_EQ(codeOf(request), "blame.tokens");
    request.tokens.assign(66, 1); // the model has 64 positions
    EXPECT_EQ(codeOf(request), "blame.tokens");
    request = requestFor({});
    ModelConfig other = test::tinyConfig();
    other.layerCount = 1;
    request.original = modelWeights(test::tinyModel(1, other));
    EXPECT_EQ(codeOf(request), "blame.models");
}

TEST(Blame, CountsFromWherePeopleDo) {
    BlameRequest request = requestFor({{1, Module::DownProj}}, std::nullopt);
    request.firstPlace = request.origin = 30; // an answer of ten tokens
    const Blame blame = run(request);
    EXPECT_EQ(blame.number, blame.place - 29);
    EXPECT_EQ(blame.candidates, 10);
}

TEST(Blame, BecomesAMetricOfAReport) {
    const Blame blame = run(requestFor({{1, Module::DownProj}}));
    const FidelityMetric metric = toMetric(blame, " the");
    EXPECT_EQ(metric.name, "blame");
    EXPECT_EQ(metric.values, blame.gains);
    EXPECT_EQ(metric.numbers.at("place"), 20);
    EXPECT_EQ(metric.numbers.at("number"), 21) << "from 1";
    EXPECT_EQ(metric.numbers.at("candidates"), 0) << "it was asked for";
    EXPECT_NE(metric.description.find("\" the\""), std::string::npos);
}

} // namespace
} // namespace caldera
