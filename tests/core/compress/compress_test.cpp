#include "core/compress/compress.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/artifact/artifact.h"
#include "core/base/file.h"
#include "core/base/folder_lock.h"
#include "core/codec/codec_tables.h"
#include "core/compress/cell_key.h"
#include "core/compress/work_folder.h"
#include "core/forward/hidden_store.h"
#include "tests/core/compress/compress_fixture.h"

#include <ATen/ATen.h>

namespace caldera {
namespace {

TEST_F(Compress, MakesAnArtifactThatOpensAndAReport) {
    Recorder recorder;
    const CompressResult result = run(recorder);
    EXPECT_EQ(result.cells, kCells);
    EXPECT_EQ(result.reusedCells, 0);
    EXPECT_EQ(recorder.made, kCells);
    EXPECT_EQ(recorder.last, (std::pair<int64_t, int64_t>{kCells, kCells}));
    EXPECT_THAT(recorder.stages, testing::ElementsAre("compress", "write"));
    const auto artifact = Artifact::open(request_.out);
    artifact->verify();
    EXPECT_EQ(artifact->hash(), result.artifactHash);
    EXPECT_EQ(artifact->bitsPerWeight(), result.bitsPerWeight);
    const Report report = readReport(request_.out / "report.h5");
    EXPECT_EQ(report.cells.size(), static_cast<size_t>(kCells));
    EXPECT_EQ(report.run.at("model"), "tiny");
    EXPECT_FALSE(fs::exists(root_ / "out.partial"));
}

TEST_F(Compress, CountsItsTimeFromBeforeTheFirstCell) {
    Recorder recorder;
    run(recorder);
    EXPECT_EQ(recorder.first, std::pair(int64_t{0}, int64_t{kCells}))
        << "else what is left would be told by small cells alone, without their calibration";
}

TEST_F(Compress, MixesBitsOfTheTrellis) {
    request_.plan.defaults.codec = "trellis";
    CellOverride fewer;
    fewer.bits = 1.5;
    CellOverride more;
    more.bits = 3;
    request_.plan.patternOverrides.emplace_back("*.k_proj", fewer);
    request_.plan.patternOverrides.emplace_back("*.down_proj", more);
    run();
    const auto artifact = Artifact::open(request_.out);
    artifact->verify();
    EXPECT_EQ(artifact->cell({0, Module::QProj}).q.codec, "trellis-v4k8m4");
    EXPECT_EQ(artifact->cell({0, Module::KProj}).q.codec, "trellis-v4k6m6");
    EXPECT_EQ(artifact->cell({1, Module::DownProj}).q.codec, "trellis-v2k6m6");
    const std::map<std::string, std::string> tables = artifact->codecTables();
    EXPECT_EQ(tables.size(), 3U); // the matrices are too small for factors
    EXPECT_EQ(tables.at("trellis-v2k6m6"), codecTableHash("trellis-v2k6m6"));
    EXPECT_NEAR(static_cast<double>(planSize(request_.plan, artifact->config()).bitsPerWeight),
                artifact->bitsPerWeight(), 1e-9);
}

TEST_F(Compress, StoppedAndResumedGivesTheSameArtifact) {
    const std::string expected = freshHash();
    int left = kCells;
    for (const int stopAfter : {3, 6}) { // inside the first layer, then inside the second
        Recorder recorder;
        recorder.stopAfter = stopAfter;
        EXPECT_THROW(run(recorder), Cancelled);
        EXPECT_FALSE(fs::exists(request_.out));
        left -= stopAfter;
    }
    Recorder recorder;
    EXPECT_EQ(run(recorder).artifactHash, expected);
    EXPECT_EQ(recorder.made, left);
    EXPECT_EQ(recorder.reused, kCells - left);
}

TEST_F(Compress, NothingLeftToDoReusesEverything) {
    const std::string expected = run().artifactHash;
    fs::remove_all(request_.out);
    Recorder recorder;
    EXPECT_EQ(run(recorder).artifactHash, expected);
    EXPECT_EQ(recorder.made, 0);
    EXPECT_EQ(recorder.reused, kCells);
}

TEST_F(Compress, ADamagedCellIsDoneAgain) {
    const std::string expected = run().artifactHash;
    fs::remove_all(request_.out);
    const fs::path damaged = cellFile(request_.work, {0, Module::UpProj});
    {
        std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(
            static_cast<std::streamoff>(fs::file_size(damaged) / 2)); // padding is at the end
        const int byte = file.peek();
        file.seekp(file.tellg());
        file.put(static_cast<char>(byte ^ 1));
    }
    fs::resize_file(cellFile(request_.work, {1, Module::QProj}), 100);
    Recorder recorder;
    EXPECT_EQ(run(recorder).artifactHash, expected);
    EXPECT_EQ(recorder.made, 2);
    EXPECT_EQ(recorder.logs.size(), 2U);
    EXPECT_THAT(recorder.logs.front(), testing::HasSubstr("up_proj"));
}

TEST_F(Compress, DamagedHiddenStatesAreWorkedOutAgain) {
    const std::string expected = freshHash();
    Recorder first;
    first.stopAfter = 9;
    EXPECT_THROW(run(first), Cancelled);
    ASSERT_TRUE(fs::exists(request_.work / "hidden/layer-1.json"));
    fs::resize_file(request_.work / "hidden/layer-1.f32", 200);
    EXPECT_EQ(run().artifactHash, expected);
}

TEST_F(Compress, AChangedPlanReusesWhatItDoesNotTouch) {
    run();
    fs::remove_all(request_.out);
    CellOverride change;
    change.damping = 0.05;
    request_.plan.layerOverrides.emplace_back(cellName({1, Module::DownProj}), change);
    const std::string expected = freshHash();
    Recorder recorder;
    EXPECT_EQ(run(recorder).artifactHash, expected);
    EXPECT_EQ(recorder.made, 1);
}

TEST_F(Compress, ANewSeedOfTheFirstCellChangesItsGroup) {
    run();
    fs::remove_all(request_.out);
    CellOverride change;
    change.seed = 5;
    request_.plan.layerOverrides.emplace_back(cellName({0, Module::QProj}), change);
    Recorder recorder;
    run(recorder);
    EXPECT_EQ(recorder.made, 3); // q, k and v share their signs
}

TEST_F(Compress, OtherCalibrationReusesNothing) {
    run();
    fs::remove_all(request_.out);
    request_.plan.calibration.seed = 1;
    Recorder recorder;
    run(recorder);
    EXPECT_EQ(recorder.made, kCells);
}

TEST_F(Compress, AnotherNumberOfThreadsReusesNothing) {
    const std::string expected = run().artifactHash;
    EXPECT_EQ(workThreads(request_.work), 1);
    fs::remove_all(request_.out);
    fixNumerics(2);
    Recorder recorder;
    const std::string other = run(recorder).artifactHash;
    EXPECT_EQ(recorder.made, kCells);
    EXPECT_EQ(workThreads(request_.work), 2);
    EXPECT_EQ(other, freshHash()) << "with one thread: " << expected;
}

TEST_F(Compress, SkippedCellsStayDense) {
    request_.plan.skipLayers = {"model.layers.0.*", "*.down_proj"};
    const CompressResult result = run();
    EXPECT_EQ(result.cells, 6);
    const auto artifact = Artifact::open(request_.out);
    EXPECT_FALSE(artifact->cell({0, Module::QProj}).dense.empty());
    EXPECT_TRUE(artifact->cell({1, Module::QProj}).dense.empty());
}

TEST_F(Compress, RefusesBeforeItBegins) {
    fs::create_directories(request_.out);
    std::ofstream(request_.out / "notes.txt") << "mine";
    EXPECT_EQ(codeOf([&] { run(); }), "compress.out-exists");
    EXPECT_FALSE(fs::exists(request_.work));
    request_.out = root_ / "other";
    request_.device = "quantum";
    EXPECT_THAT(codeOf([&] { run(); }), testing::StartsWith("device."));
    request_.device = "cpu";
    request_.plan.defaults.rank = 4096;
    EXPECT_EQ(codeOf([&] { run(); }), "plan.rank");
    EXPECT_FALSE(fs::exists(request_.work));
}

TEST_F(Compress, TakesFoldersHoweverTheyAreWritten) {
    request_.out = root_ / "out" / "";
    request_.work = root_ / "work" / ".";
    run();
    EXPECT_TRUE(isArtifact(root_ / "out"));
    EXPECT_FALSE(fs::exists(root_ / "out.partial"));
}

TEST_F(Compress, RefusesATargetAroundItsWorkOrAmongItsCells) {
    const std::vector<std::pair<const char*, const char*>> folders = {
        {"a", "a"}, {"a", "a/work"}, {"a", "a/../a/b"}, {"a/cells/out", "a"}, {"a/hidden", "a"}};
    for (const auto& [out, work] : folders) {
        request_.out = root_ / out;
        request_.work = root_ / work;
        EXPECT_EQ(codeOf([&] { run(); }), "compress.folders") << out << " " << work;
    }
    EXPECT_FALSE(fs::exists(root_));
}

TEST_F(Compress, TwoNeverShareAFolder) {
    fs::create_directories(request_.work);
    {
        const FolderLock other(request_.work);
        EXPECT_EQ(codeOf([&] { run(); }), "file.busy");
    }
    {
        const FolderLock other(root_ / "out.partial");
        EXPECT_EQ(codeOf([&] { run(); }), "file.busy");
    }
    EXPECT_FALSE(fs::exists(root_ / "out.partial"));
    run();
    EXPECT_TRUE(isArtifact(request_.out));
}

TEST_F(Compress, WorkFilesAreFoundAndRemovedWithoutTouchingOthers) {
    EXPECT_FALSE(hasWorkFiles(request_.work));
    run();
    EXPECT_TRUE(hasWorkFiles(request_.work));
    std::ofstream(request_.work / "notes.txt") << "mine";
    removeWorkFiles(request_.work);
    EXPECT_FALSE(hasWorkFiles(request_.work));
    EXPECT_TRUE(fs::exists(request_.work / "notes.txt"));
    fs::remove(request_.work / "notes.txt");
    removeWorkFiles(request_.work);
    EXPECT_FALSE(fs::exists(request_.work));
}

TEST_F(Compress, FilesOfOthersAreNeitherTakenUpNorRemoved) {
    for (const char* name : {"cells/counts.txt", "hidden/treasure.txt", "work.json"}) {
        const fs::path file = request_.work / name;
        fs::create_directories(file.parent_path());
        std::ofstream(file) << "mine";
        EXPECT_FALSE(hasWorkFiles(request_.work)) << name;
        EXPECT_EQ(codeOf([&] { run(); }), "compress.work-foreign") << name;
        EXPECT_EQ(codeOf([&] { removeWorkFiles(request_.work); }), "compress.work-foreign") << name;
        EXPECT_EQ(readTextFile(file), "mine");
        fs::remove_all(request_.work);
    }
}

TEST_F(Compress, AForeignOrDamagedNoteOfThreadsCountsAsNone) {
    EXPECT_EQ(workThreads(request_.work), 0);
    openWorkFolder(request_.work, 7);
    EXPECT_EQ(workThreads(request_.work), 7);
    for (const char* text : {"", "{", "[]", R"({"format": "caldera-work/2", "threads": 7})",
                             R"({"format": "caldera-work/1", "threads": -7})",
                             R"({"format": "caldera-work/1", "threads": "7"})"}) {
        std::ofstream(request_.work / "work.json") << text;
        EXPECT_EQ(workThreads(request_.work), 0) << text;
    }
}

TEST_F(Compress, KeysIgnoreLocksAndFollowSettings) {
    const Cell cell{0, Module::KProj};
    const std::string key = cellKey(request_.plan, cell, "c");
    Plan plan = request_.plan;
    plan.defaults.locked = true;
    EXPECT_EQ(cellKey(plan, cell, "c"), key);
    plan.defaults.innerIterations += 1;
    EXPECT_NE(cellKey(plan, cell, "c"), key);
    EXPECT_NE(cellKey(request_.plan, cell, "d"), key);
    EXPECT_NE(cellKey(request_.plan, {1, Module::KProj}, "c"), key);
}

TEST_F(Compress, HiddenStoreKeepsTheNewestOfItsKey) {
    const HiddenStore store(root_ / "hidden", "a");
    EXPECT_FALSE(store.load(5).has_value());
    const torch::Tensor hidden = at::arange(24, at::kFloat).view({2, 3, 4});
    store.save(1, hidden);
    store.save(2, hidden * 2);
    EXPECT_FALSE(fs::exists(root_ / "hidden/layer-1.json"));
    EXPECT_FALSE(fs::exists(root_ / "hidden/layer-1.f32"));
    const auto state = store.load(4);
    ASSERT_TRUE(state.has_value());
    EXPECT_EQ(state->layer, 2);
    EXPECT_TRUE(at::equal(state->hidden, hidden * 2));
    EXPECT_FALSE(store.load(1).has_value());
    EXPECT_FALSE(HiddenStore(root_ / "hidden", "b").load(4).has_value());
}

TEST_F(Compress, HiddenStoreFindsDamageInEverySlice) {
    const HiddenStore store(root_ / "hidden", "a");
    const torch::Tensor hidden = at::arange(9 << 20, at::kFloat).view({2, -1, 16}); // 36 MiB
    store.save(3, hidden);
    ASSERT_TRUE(at::equal(store.load(3)->hidden, hidden));
    const fs::path data = root_ / "hidden/layer-3.f32";
    const auto flip = [&](int64_t place) {
        std::fstream file(data, std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(place);
        const int byte = file.peek();
        file.seekp(place);
        file.put(static_cast<char>(byte ^ 1));
    };
    for (const int64_t place : {int64_t{0}, int64_t{20} << 20, (int64_t{36} << 20) - 1}) {
        flip(place);
        EXPECT_FALSE(store.load(3).has_value()) << place;
        flip(place);
        EXPECT_TRUE(store.load(3).has_value()) << place;
    }
    fs::resize_file(data, fs::file_size(data) - 4);
    EXPECT_FALSE(store.load(3).has_value()) << "cut short";
    fs::remove(data);
    EXPECT_FALSE(store.load(3).has_value()) << "absent";
}

TEST_F(Compress, HiddenStoreCountsNothingBeforeItsFacts) {
    const HiddenStore store(root_ / "hidden", "a");
    const torch::Tensor hidden = at::ones({2, 3, 4});
    store.save(1, hidden);
    fs::copy_file(root_ / "hidden/layer-1.f32", root_ / "hidden/layer-2.f32"); // killed here
    EXPECT_EQ(store.load(2)->layer, 1);
    for (const char* text : {"", "{", "[]", R"({"format": "caldera-hidden/1", "key": "a"})"}) {
        std::ofstream(root_ / "hidden/layer-2.json") << text;
        EXPECT_EQ(store.load(2)->layer, 1) << text;
    }
    nlohmann::json facts = nlohmann::json::parse(readTextFile(root_ / "hidden/layer-1.json"));
    std::ofstream(root_ / "hidden/layer-2.json") << facts;
    EXPECT_EQ(store.load(2)->layer, 2);
    for (const char* shape : {"[]", "[24]", "[2, -3, -4]", "[-1, 3, 4]", "[0, 3, 4]", "[2, 3, 5]",
                              "[4611686018427387904, 2, 4]", "[9223372036854775807, 3, 4]"}) {
        facts["shape"] = nlohmann::json::parse(shape);
        std::ofstream(root_ / "hidden/layer-2.json") << facts;
        EXPECT_EQ(store.load(2)->layer, 1) << shape;
    }
    store.save(3, hidden);
    EXPECT_FALSE(fs::exists(root_ / "hidden/layer-2.f32"));
}

} // namespace
} // namespace caldera
