#include "core/compress/shard.h"

#include <fstream>

#include <gmock/gmock.h>

#include "core/artifact/artifact.h"
#include "core/base/file.h"
#include "core/compress/cell_key.h"
#include "core/compress/merge.h"
#include "core/compress/work_folder.h"
#include "tests/core/compress/compress_fixture.h"

namespace caldera {
namespace {

using testing::HasSubstr;

/// What `body` throws: code and sentence.
std::pair<std::string, std::string> complaintOf(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& e) {
        return {e.code(), e.what()};
    }
    return {};
}

/// Three layers, so that a shard can have neighbours on both sides.
class Shards : public Compress {
protected:
    static constexpr int kCellsOfLayer = 7;

    void SetUp() override {
        Compress::SetUp();
        ModelConfig config = request_.model->config;
        config.layerCount = 3;
        request_.model = tinyModel(config);
    }

    fs::path folderOf(LayerRange layers) const {
        return root_ / ("shard-" + std::to_string(layers.begin) + "-" + std::to_string(layers.end));
    }
    CompressRequest shardRequest(LayerRange layers) const {
        CompressRequest request = request_;
        request.layers = layers;
        request.out = folderOf(layers);
        return request;
    }
    fs::path makeShard(LayerRange layers) {
        Recorder recorder;
        const CompressRequest request = shardRequest(layers);
        compress(request, recorder, recorder.stop.get_token());
        return request.out;
    }
    CompressResult merge(const std::vector<fs::path>& shards) {
        return mergeShards({request_.model, shards, root_ / "merged", "merge"}, noProgress(), {});
    }
    std::pair<std::string, std::string> refusal(const std::vector<fs::path>& shards) {
        auto complaint = complaintOf([&] { merge(shards); });
        EXPECT_FALSE(fs::exists(root_ / "merged"));
        return complaint;
    }
};

TEST_F(Shards, OfTwoAndOfThreeGiveTheHashOfAWholeRun) {
    const std::string expected = freshHash();
    const fs::path first = makeShard({0, 1});
    const fs::path second = makeShard({1, 2});
    const fs::path third = makeShard({2, 3});
    const CompressResult merged = merge({third, first, second});
    EXPECT_EQ(merged.artifactHash, expected);
    EXPECT_EQ(merged.cells, 3 * kCellsOfLayer);
    EXPECT_EQ(merged.reusedCells, merged.cells);
    Artifact::open(root_ / "merged")->verify();
    EXPECT_EQ(readReport(root_ / "merged/report.h5").cells.size(),
              static_cast<size_t>(merged.cells));

    fs::remove_all(root_ / "merged");
    EXPECT_EQ(merge({first, makeShard({1, 3})}).artifactHash, expected);
    EXPECT_TRUE(isShard(first)) << "shards stay";
}

TEST_F(Shards, HoldTheirLayersOnlyAndAreNoArtifact) {
    const fs::path folder = makeShard({1, 2});
    EXPECT_FALSE(isArtifact(folder));
    EXPECT_FALSE(fs::exists(hiddenFolder(folder)));
    for (int layer = 0; layer < 3; ++layer) {
        for (const Module module : kModules) {
            EXPECT_EQ(fs::exists(cellFile(folder, {layer, module})), layer == 1);
        }
    }
    const Shard shard = readShard(folder);
    EXPECT_EQ(shard.layers, (LayerRange{1, 2}));
    EXPECT_EQ(shard.plan, request_.plan);
    EXPECT_EQ(shard.calibration.at("model"), request_.model->fingerprint);
}

TEST_F(Shards, StoppedAndResumedAreTheSame) {
    const std::string expected = freshHash();
    for (const int stopAfter : {3, 6}) { // inside the first layer, then inside the second
        Recorder recorder;
        recorder.stopAfter = stopAfter;
        EXPECT_THROW(compress(shardRequest({1, 3}), recorder, recorder.stop.get_token()),
                     Cancelled);
        EXPECT_FALSE(isShard(folderOf({1, 3})));
        EXPECT_EQ(refusal({folderOf({1, 3})}).first, "shard.missing");
    }
    EXPECT_EQ(merge({makeShard({0, 1}), makeShard({1, 3})}).artifactHash, expected);
}

TEST_F(Shards, MayHaveNothingToCompress) {
    request_.plan.skipLayers = {"model.layers.1.*"};
    const std::string expected = freshHash();
    EXPECT_EQ(merge({makeShard({0, 1}), makeShard({1, 2}), makeShard({2, 3})}).artifactHash,
              expected);
}

TEST_F(Shards, RunAgainRepairWhatIsDamaged) {
    const fs::path folder = makeShard({0, 3});
    fs::resize_file(cellFile(folder, {1, Module::UpProj}), 100);
    const auto [code, sentence] = refusal({folder});
    EXPECT_EQ(code, "shard.cell");
    EXPECT_THAT(sentence, HasSubstr("model.layers.1.mlp.up_proj"));
    Recorder recorder;
    compress(shardRequest({0, 3}), recorder, {});
    EXPECT_EQ(recorder.made, 1);
    EXPECT_EQ(merge({folder}).artifactHash, freshHash());
}

TEST_F(Shards, WithGapsOrOverlapsAreRefused) {
    const fs::path first = makeShard({0, 1});
    const fs::path front = makeShard({0, 2});
    const fs::path middle = makeShard({1, 2});
    const fs::path last = makeShard({2, 3});
    const auto expectGap = [&](const std::vector<fs::path>& shards, const std::string& layers) {
        const auto [code, sentence] = refusal(shards);
        EXPECT_EQ(code, "merge.gap");
        EXPECT_THAT(sentence, HasSubstr("--layers " + layers));
        EXPECT_FALSE(fs::exists(root_ / "merged.partial")) << "refused before it begins";
    };
    expectGap({last, middle}, "0:1");
    expectGap({first, last}, "1:2");
    expectGap({front}, "2:3");
    EXPECT_EQ(refusal({front, middle, last}).first, "merge.overlap");
    EXPECT_EQ(refusal({front, front, last}).first, "merge.overlap");
}

TEST_F(Shards, CutShortAreRefusedAndLeaveNothingHalf) {
    const fs::path first = makeShard({0, 1});
    const fs::path second = makeShard({1, 3});
    const fs::path cell = cellFile(second, {2, Module::DownProj});
    fs::resize_file(cell, fs::file_size(cell) / 2);
    const auto [code, sentence] = refusal({first, second});
    EXPECT_EQ(code, "shard.cell");
    EXPECT_THAT(sentence, HasSubstr("model.layers.2.mlp.down_proj"));
    EXPECT_FALSE(fs::exists(root_ / "merged.partial"));
}

TEST_F(Shards, MadeDifferentlyAreRefused) {
    const fs::path first = makeShard({0, 1});
    const CompressRequest original = request_;
    const auto expectDifference = [&](const std::string& what) {
        const auto [code, sentence] = refusal({first, makeShard({1, 3})});
        EXPECT_EQ(code, "merge.differs");
        EXPECT_THAT(sentence, HasSubstr(what));
        fs::remove_all(folderOf({1, 3}));
        request_ = original;
    };
    request_.plan.defaults.damping = 0.02;
    expectDifference("plans differ");
    request_.plan.calibration.seed = 1;
    expectDifference("plans differ");
    auto other = std::make_shared<Model>(*request_.model);
    other->fingerprint = std::string(64, 'e');
    request_.model = other;
    expectDifference("\"model\"");
    fixNumerics(2);
    expectDifference("\"numerics\"");
}

TEST_F(Shards, OfAnotherDeviceKindOrTextAreRefused) {
    const fs::path first = makeShard({0, 1});
    const fs::path rest = makeShard({1, 3});
    const Shard shard = readShard(rest);
    for (const char* fact : {"device", "text", "version"}) {
        Shard changed = shard;
        changed.calibration[fact] = "other";
        sealShard(rest, changed);
        const auto [code, sentence] = refusal({first, rest});
        EXPECT_EQ(code, "merge.differs");
        EXPECT_THAT(sentence, HasSubstr('"' + std::string(fact) + '"'));
    }
}

TEST_F(Shards, AreNotMergedWithAnotherModel) {
    const fs::path folder = makeShard({0, 3});
    auto other = std::make_shared<Model>(*request_.model);
    other->fingerprint = std::string(64, 'e');
    request_.model = other;
    EXPECT_EQ(refusal({folder}).first, "merge.model");
}

TEST_F(Shards, DoNotTakeFoldersOfOthers) {
    const fs::path folder = makeShard({0, 1});
    CompressRequest request = shardRequest({1, 2});
    request.out = folder;
    EXPECT_EQ(codeOf([&] { compress(request, noProgress(), {}); }), "shard.layers");
    request.out = root_ / "mine";
    fs::create_directories(request.out);
    std::ofstream(request.out / "notes.txt") << "mine";
    EXPECT_EQ(codeOf([&] { compress(request, noProgress(), {}); }), "compress.out-exists");
    EXPECT_EQ(refusal({request.out}).first, "shard.missing");
    for (const char* name : {"cells", "hidden"}) {
        request.out = root_ / "study" / name / "..";
        fs::create_directories(root_ / "study" / name);
        std::ofstream(root_ / "study" / name / "counts.txt") << "mine";
        EXPECT_EQ(codeOf([&] { compress(request, noProgress(), {}); }), "compress.out-exists");
        EXPECT_EQ(readTextFile(root_ / "study" / name / "counts.txt"), "mine");
        fs::remove_all(root_ / "study");
    }
}

TEST_F(Shards, NeedLayersThatTheModelHas) {
    for (const LayerRange layers : {LayerRange{0, 4}, {2, 2}, {2, 1}, {-1, 2}}) {
        const auto [code, sentence] = complaintOf([&] { makeShard(layers); });
        EXPECT_EQ(code, "compress.layers");
        EXPECT_THAT(sentence, HasSubstr("the model has 3"));
        EXPECT_FALSE(fs::exists(folderOf(layers)));
    }
}

TEST_F(Shards, DamagedFactsAreNamed) {
    const fs::path folder = makeShard({0, 3});
    const std::string whole = readTextFile(folder / "shard.json");
    const auto with = [&](const std::string& text) {
        std::ofstream(folder / "shard.json") << text;
        return refusal({folder}).first;
    };
    EXPECT_EQ(with(""), "shard.damaged");
    EXPECT_EQ(with(whole.substr(0, whole.size() / 2)), "shard.damaged");
    EXPECT_EQ(with(R"({"format": "caldera-work/1"})"), "shard.damaged");
    EXPECT_EQ(with(R"({"format": "caldera-shard/1"})"), "shard.damaged");
    EXPECT_EQ(with(R"({"format": "caldera-shard/2"})"), "shard.newer");
    const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
    EXPECT_EQ(with(R"({"format": "caldera-shard/1", "layers": [0, 3], "model": "m", )"
                   R"("calibration": )" +
                   deep + "}"),
              "shard.damaged");
    for (const char* layers : {"[0]", "[0, 3, 9]", "[0, 3.9]", "[0, 1e300]", "[-1, 3]", "[true, 3]",
                               "[4294967296, 4294967299]", "[0, 18446744073709551615]", "5"}) {
        nlohmann::json facts = nlohmann::json::parse(whole);
        facts["layers"] = nlohmann::json::parse(layers);
        EXPECT_EQ(with(facts.dump()), "shard.damaged") << layers;
    }
    for (const nlohmann::json& calibration :
         {nlohmann::json(), nlohmann::json("text"), nlohmann::json::array({1}),
          nlohmann::json::object(), nlohmann::json{{"model", 1}, {"device", 1}, {"numerics", 1}}}) {
        nlohmann::json facts = nlohmann::json::parse(whole);
        facts["calibration"] = calibration;
        EXPECT_EQ(with(facts.dump()), "shard.damaged") << calibration;
    }
}

TEST_F(Shards, RunAgainWriteDamagedFactsAnew) {
    const fs::path folder = makeShard({0, 3});
    std::ofstream(folder / "shard.json") << "{";
    Recorder recorder;
    compress(shardRequest({0, 3}), recorder, {});
    EXPECT_EQ(recorder.made, 0);
    EXPECT_EQ(merge({folder}).artifactHash, freshHash());
}

TEST_F(Shards, StoppedBeforeTheFirstCellResume) {
    openWorkFolder(folderOf({0, 1}), 2);
    EXPECT_TRUE(isShard(makeShard({0, 1})));
}

TEST_F(Shards, AreNoWorkFoldersOfAWholeRun) {
    const fs::path folder = makeShard({0, 3});
    CompressRequest whole = request_;
    whole.work = folder;
    EXPECT_EQ(codeOf([&] { compress(whole, noProgress(), {}); }), "compress.work-shard");
    EXPECT_TRUE(isShard(folder));
    EXPECT_EQ(merge({folder}).cells, 3 * kCellsOfLayer);
}

TEST(CalibrationFacts, TellKindsOfDevicesApartNotDevices) {
    const Model model = *tinyModel();
    const auto keyOn = [&](const std::string& device) {
        return calibrationKey(calibrationFacts(model, {}, "text", device));
    };
    EXPECT_EQ(keyOn("cuda"), keyOn("cuda:1"));
    EXPECT_NE(keyOn("cuda"), keyOn("cpu"));
}

} // namespace
} // namespace caldera
