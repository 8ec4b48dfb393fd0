#include "core/artifact/artifact.h"

#include <filesystem>
#include <fstream>
#include <set>

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/artifact/json_format.h"
#include "core/artifact/layout.h"
#include "core/artifact/manifest.h"
#include "core/artifact/table_codes.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/job/job_folder.h"
#include "tests/core/artifact/artifact_samples.h"
#include "tests/support/complaint.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ArtifactTest : public testing::Test {
protected:
    void SetUp() override { folder_ = fs::path(testing::TempDir()) / ("artifact-" + newJobId()); }
    void TearDown() override { fs::remove_all(folder_); }

    std::string readBytes(const std::string& name) const { return readTextFile(folder_ / name); }
    void writeBytes(const std::string& name, const std::string& bytes) const {
        std::ofstream(folder_ / name, std::ios::binary) << bytes;
    }
    Complaint openComplaint() const {
        return complaintOf([&] { Artifact::open(folder_); });
    }

    fs::path folder_;
};

template <class T>
std::vector<std::byte> bytesOf(std::span<const T> values) {
    const auto raw = std::as_bytes(values);
    return {raw.begin(), raw.end()};
}

/// Rewrites manifest.json as somebody would who knows how it is sealed.
class SealedManifest {
public:
    explicit SealedManifest(fs::path folder)
        : folder_(std::move(folder)), manifest(readManifest(folder_)) {}
    void write() const { writeFileAtomically(folder_ / "manifest.json", printManifest(manifest)); }

private:
    fs::path folder_;

public:
    Manifest manifest;
};

TEST_F(ArtifactTest, GivesBackWhatWasWritten) {
    const ArtifactRequest request = tinyRequest(folder_);
    const std::string hash = writeArtifact(request);
    const auto artifact = Artifact::open(folder_);
    artifact->verify();
    EXPECT_TRUE(isArtifact(folder_));
    EXPECT_EQ(artifact->hash(), hash);
    EXPECT_EQ(artifact->name(), "tiny");
    EXPECT_EQ(artifact->plan(), request.plan);
    EXPECT_EQ(artifact->modelFingerprint(), request.model->fingerprint);
    EXPECT_EQ(artifact->codecTables(), request.codecTables);
    EXPECT_EQ(artifact->chat().defaultSystem, "You are small.");
    EXPECT_EQ(artifact->config().intermediateSize, 72);
    EXPECT_EQ(artifact->tokenizer()->json(), request.model->tokenizer->json());
    for (int layer = 0; layer < 2; ++layer) {
        for (const Module module : kModules) {
            const Cell cell{layer, module};
            const ArtifactCell found = artifact->cell(cell);
            if (request.plan.settingsOf(cell).skip) {
                EXPECT_TRUE(found.q.codes.empty());
                EXPECT_EQ(found.dense.size(),
                          static_cast<size_t>(request.model->config.shapeOf(module).size()));
                continue;
            }
            const CompressedCell made = request.load(cell);
            EXPECT_EQ(bytesOf(found.q.codes), made.q.codes);
            EXPECT_EQ(found.q.codec, "e8p-2");
            EXPECT_EQ(found.q.shape, made.q.shape);
            EXPECT_EQ(bytesOf(found.l.codes), made.l.codes);
            EXPECT_EQ(bytesOf(found.r.codes), made.r.codes);
            EXPECT_EQ(found.rank(), made.rank());
            EXPECT_EQ(found.l.scale.size(), static_cast<size_t>(made.rank()));
            EXPECT_EQ(bytesOf(found.outSign), bytesOf(std::span<const uint16_t>(made.outSign)));
            EXPECT_EQ(bytesOf(found.inSign), bytesOf(std::span<const uint16_t>(made.inSign)));
            EXPECT_EQ(found.transform, "hadamard-128");
            EXPECT_EQ(found.bias.size(), module <= Module::VProj ? made.outSign.size() : size_t{0});
        }
    }
}

TEST_F(ArtifactTest, HoldsCellsWithoutQAndFactorsInATrellis) {
    ArtifactRequest request = tinyRequest(folder_);
    CellSettings& settings = request.plan.defaults;
    settings.codec = "none";
    settings.bits = 0;
    settings.factorCodec = "trellis";
    request.plan.layerOverrides.clear(); // every cell has a rank
    for (const std::string& codec : artifactCodecs(request.plan, request.model->config)) {
        request.codecTables[codec] = std::string(64, 'c');
    }
    request.load = [&](Cell cell) { return madeUpCell(cell, request.plan, request.model->config); };
    writeArtifact(request);
    const auto artifact = Artifact::open(folder_);
    artifact->verify();
    const Cell cell{1, Module::DownProj};
    const ArtifactCell found = artifact->cell(cell);
    const CompressedCell made = request.load(cell);
    EXPECT_EQ(found.q.codec, "none-0");
    EXPECT_TRUE(found.q.codes.empty());
    EXPECT_EQ(found.q.scale.size(), made.q.scale.size());
    EXPECT_EQ(found.l.codec, "trellis-v2k8m4");
    EXPECT_EQ(bytesOf(found.l.codes), made.l.codes);
    EXPECT_EQ(bytesOf(found.r.codes), made.r.codes);
    EXPECT_TRUE(found.dense.empty());
}

TEST_F(ArtifactTest, KeepsTablesNormsAndDenseCells) {
    const ArtifactRequest request = tinyRequest(folder_);
    writeArtifact(request);
    const auto artifact = Artifact::open(folder_);
    std::vector<float> original(30 * 40);
    request.model->weights->readRows("model.embed_tokens.weight", 0, 30, original);
    const ArtifactTable embedding = artifact->embedding();
    ASSERT_EQ(embedding.bits, 16);
    ASSERT_EQ(embedding.codes.size(), original.size() * 2);
    const auto* halves = reinterpret_cast<const uint16_t*>(embedding.codes.data());
    for (size_t i = 0; i < original.size(); ++i) {
        ASSERT_EQ(halves[i], floatToBf16(original[i]));
    }
    request.model->weights->readRows("lm_head.weight", 0, 30, original);
    const ArtifactTable head = artifact->head();
    ASSERT_EQ(head.bits, 8);
    ASSERT_EQ(head.scale.size(), 30U);
    for (size_t i = 0; i < original.size(); ++i) {
        const float scale = fp16ToFloat(head.scale[i / 40]);
        const float value = scale * static_cast<float>(static_cast<int8_t>(head.codes[i]));
        ASSERT_NEAR(value, original[i], 0.6F * scale);
    }
    EXPECT_EQ(artifact->norm("model.norm.weight"),
              request.model->weights->read("model.norm.weight"));
    EXPECT_EQ(complaintOf([&] { artifact->norm("model.nrm.weight"); }).code,
              "artifact.tensor-missing");
    EXPECT_EQ(complaintOf([&] { artifact->cell({2, Module::QProj}); }).code, "artifact.no-cell");
    const auto dense = artifact->cell({0, Module::UpProj}).dense;
    std::vector<float> weight(72 * 40);
    request.model->weights->readRows("model.layers.0.mlp.up_proj.weight", 0, 72, weight);
    ASSERT_EQ(dense.size(), weight.size());
    EXPECT_EQ(dense[100], floatToBf16(weight[100]));
}

TEST_F(ArtifactTest, KeepsTablesOfFourBits) {
    ArtifactRequest request = tinyRequest(folder_);
    request.plan.embeddingBits = 4;
    request.plan.headBits = 4;
    writeArtifact(request);
    const auto artifact = Artifact::open(folder_);
    artifact->verify();
    for (const char* name : {"model.embed_tokens", "lm_head"}) {
        const ArtifactTable table =
            name[0] == 'm' ? artifact->embedding() : artifact->head(); // [30, 40]
        EXPECT_EQ(table.bits, 4);
        EXPECT_EQ(table.codes.size(), 30U * 32U);
        EXPECT_EQ(table.scale.size(), 30U);
        std::vector<float> original(40);
        std::vector<float> decoded(40);
        request.model->weights->readRows(std::string(name) + ".weight", 29, 1, original);
        decodeTableRow(table, 29, decoded.data());
        for (size_t i = 0; i < original.size(); ++i) {
            ASSERT_NEAR(decoded[i], original[i], 0.1F);
        }
    }
    EXPECT_EQ(planSize(request.plan, request.model->config).embeddingBytes, 2 * 30 * (32 + 2));
}

TEST_F(ArtifactTest, RefusesScalesOfAnotherShape) {
    ArtifactRequest request = tinyRequest(folder_);
    request.plan.embeddingBits = 4;
    writeArtifact(request);
    SealedManifest sealed(folder_);
    sealed.manifest.tensors["model.embed_tokens.scale"].shape = {30};
    sealed.write();
    const Complaint c = openComplaint();
    EXPECT_EQ(c.code, "artifact.shape");
    EXPECT_THAT(c.sentence, HasSubstr("model.embed_tokens.scale"));
}

TEST_F(ArtifactTest, StoresTiedEmbeddingsOnce) {
    ModelConfig config = tinyConfig();
    config.tiedEmbeddings = true;
    writeArtifact(tinyRequest(folder_, config));
    const auto artifact = Artifact::open(folder_);
    EXPECT_EQ(artifact->head().codes.data(), artifact->embedding().codes.data());
    EXPECT_EQ(artifact->head().bits, 16);
}

TEST_F(ArtifactTest, HasExactlyTheBytesThatThePlanPredicts) {
    ArtifactRequest request = tinyRequest(folder_);
    request.plan.embeddingBits = 4;
    const PlanSize size = planSize(request.plan, request.model->config);
    writeArtifact(request);
    std::map<std::string, int64_t> byKind;
    int64_t all = 0;
    for (const auto& entry : fs::directory_iterator(folder_)) {
        if (entry.path().extension() != ".safetensors") {
            continue;
        }
        const SafetensorsFile file(entry.path());
        for (const auto& [name, tensor] : file.tensors()) {
            const auto bytes = static_cast<int64_t>(tensor.bytes.size());
            all += bytes;
            const bool table = name.starts_with("model.embed") || name.starts_with("lm_head");
            const bool other = name.ends_with("norm.weight") || name.ends_with(".bias");
            byKind[table ? "table" : other ? "other" : "cell"] += bytes;
        }
    }
    EXPECT_EQ(byKind["cell"], size.cellBytes);
    EXPECT_EQ(byKind["table"], size.embeddingBytes);
    EXPECT_EQ(byKind["other"], size.otherBytes);
    EXPECT_EQ(all, size.total());
    const auto artifact = Artifact::open(folder_);
    EXPECT_EQ(artifact->bitsPerWeight(), size.bitsPerWeight);
    int64_t onDisk = 0;
    for (const auto& entry : fs::directory_iterator(folder_)) {
        onDisk += static_cast<int64_t>(entry.file_size());
    }
    EXPECT_EQ(artifact->fileBytes(), onDisk);
}

TEST_F(ArtifactTest, HashFollowsFromContentsAlone) {
    const std::string first = writeArtifact(tinyRequest(folder_));
    fs::remove_all(folder_);
    EXPECT_EQ(writeArtifact(tinyRequest(folder_)), first);
    writeBytes("report.h5", "anything");
    EXPECT_EQ(Artifact::open(folder_)->hash(), first);
    fs::remove_all(folder_);
    ArtifactRequest other = tinyRequest(folder_);
    other.load = [load = other.load](Cell cell) {
        CompressedCell made = load(cell);
        if (cell == Cell{1, Module::DownProj}) {
            made.q.codes[5] ^= std::byte{1};
        }
        return made;
    };
    EXPECT_NE(writeArtifact(other), first);
}

TEST_F(ArtifactTest, FindsAFlippedByteAnywhere) {
    writeArtifact(tinyRequest(folder_));
    std::mt19937 random(7);
    for (const auto& entry : fs::directory_iterator(folder_)) {
        const std::string name = entry.path().filename().string();
        const std::string whole = readBytes(name);
        std::set<size_t> places = {0, 7, 8, 9, whole.size() / 2, whole.size() - 1};
        for (int i = 0; i < 60; ++i) {
            places.insert(random() % whole.size());
        }
        for (const size_t place : places) {
            std::string damaged = whole;
            damaged[place] = static_cast<char>(damaged[place] ^ (1 << (random() % 8)));
            writeBytes(name, damaged);
            EXPECT_NE(complaintOf([&] { Artifact::open(folder_)->verify(); }).code, "(none)")
                << name << " byte " << place;
        }
        writeBytes(name, whole);
    }
    Artifact::open(folder_)->verify();
}

TEST_F(ArtifactTest, NamesTheTensorThatIsDamaged) {
    writeArtifact(tinyRequest(folder_));
    const std::string name = shardName(1, 3);
    std::string bytes = readBytes(name);
    {
        const SafetensorsFile file(folder_ / name);
        const auto& first = file.tensors().begin()->second.bytes;
        const auto& codes = file.at("model.layers.1.mlp.gate_proj.q.codes").bytes;
        const size_t header = 8 + *reinterpret_cast<const uint64_t*>(bytes.data());
        const std::byte* data = first.data();
        for (const auto& [tensor, view] : file.tensors()) {
            data = std::min(data, view.bytes.data());
        }
        bytes[header + static_cast<size_t>(codes.data() - data) + 11] ^= 4;
    }
    writeBytes(name, bytes);
    const Complaint c = complaintOf([&] { Artifact::open(folder_)->verify(); });
    EXPECT_EQ(c.code, "artifact.checksum");
    EXPECT_THAT(c.sentence, HasSubstr("model.layers.1.mlp.gate_proj.q.codes"));
}

TEST_F(ArtifactTest, RefusesToOpenWhatIsNotWhole) {
    EXPECT_EQ(openComplaint().code, "artifact.missing");
    EXPECT_FALSE(isArtifact(folder_));
    writeArtifact(tinyRequest(folder_));
    const std::string shard = shardName(0, 3);
    const std::string whole = readBytes(shard);
    writeBytes(shard, whole.substr(0, whole.size() - 64));
    EXPECT_EQ(openComplaint().code, "artifact.truncated");
    fs::remove(folder_ / shard);
    EXPECT_EQ(openComplaint().code, "artifact.file-missing");
    ASSERT_EQ(::mkfifo((folder_ / shard).c_str(), 0600), 0);
    EXPECT_THAT(openComplaint().sentence, HasSubstr(shard + ": it is no regular file"));
    fs::remove(folder_ / shard);
    fs::create_directory(folder_ / shard);
    EXPECT_THAT(openComplaint().sentence, HasSubstr(shard + ": it is a folder"));
    fs::remove(folder_ / shard);
    writeBytes(shard, whole);
    const std::string manifest = readBytes("manifest.json");
    writeBytes("manifest.json", manifest.substr(0, manifest.size() / 2));
    EXPECT_EQ(openComplaint().code, "artifact.manifest");
    fs::remove(folder_ / "manifest.json");
    EXPECT_THAT(openComplaint().sentence, HasSubstr("resume it"));
    writeBytes("manifest.json", manifest);
    EXPECT_EQ(openComplaint().code, "(none)");
    writeBytes("plan.yaml", readBytes("plan.yaml") + "\n");
    EXPECT_EQ(openComplaint().code, "artifact.truncated");
}

TEST_F(ArtifactTest, NamesMissingTensorsAndWrongShapes) {
    writeArtifact(tinyRequest(folder_));
    const SealedManifest sealed(folder_);
    const auto complaintAfter = [&](auto change) {
        SealedManifest changed = sealed;
        change(changed.manifest);
        changed.write();
        return openComplaint();
    };
    Complaint c = complaintAfter(
        [](Manifest& m) { m.tensors.erase("model.layers.0.self_attn.q_proj.q.codes"); });
    EXPECT_EQ(c.code, "artifact.tensor-missing");
    EXPECT_THAT(c.sentence, HasSubstr("model.layers.0.self_attn.q_proj.q.codes"));
    c = complaintAfter([](Manifest& m) { m.tensors["lm_head.weight"].shape = {31, 40}; });
    EXPECT_EQ(c.code, "artifact.shape");
    c = complaintAfter([](Manifest& m) { m.tensors["more"] = m.tensors["lm_head.weight"]; });
    EXPECT_EQ(c.code, "artifact.tensor-unexpected");
    c = complaintAfter([](Manifest& m) { m.chatFormat = "telepathy"; });
    EXPECT_EQ(c.code, "artifact.manifest");
    // a plan that needs other tensors than those that are there
    Plan plan = tinyPlan();
    plan.layerOverrides.clear();
    savePlan(plan, folder_ / "plan.yaml");
    const std::string text = printPlan(plan);
    c = complaintAfter([&](Manifest& m) {
        m.files["plan.yaml"] = {static_cast<int64_t>(text.size()), sha256Hex(text)};
    });
    EXPECT_EQ(c.code, "artifact.tensor-missing");
}

TEST_F(ArtifactTest, RefusesANewerFormat) {
    writeArtifact(tinyRequest(folder_));
    std::string manifest = readBytes("manifest.json");
    const std::string format = "caldera-artifact/1";
    manifest.replace(manifest.find(format), format.size(), "caldera-artifact/2");
    writeBytes("manifest.json", manifest);
    EXPECT_EQ(openComplaint().code, "artifact.newer");
    writeBytes("manifest.json", "{\"format\": \"something\"}");
    EXPECT_EQ(openComplaint().code, "artifact.missing");
}

TEST_F(ArtifactTest, NeverOverwritesAFinishedArtifactButGoesOnWithAnUnfinishedOne) {
    const std::string hash = writeArtifact(tinyRequest(folder_));
    EXPECT_EQ(complaintOf([&] { writeArtifact(tinyRequest(folder_)); }).code, "artifact.exists");
    fs::remove(folder_ / "manifest.json");
    fs::remove(folder_ / shardName(2, 3));
    EXPECT_EQ(writeArtifact(tinyRequest(folder_)), hash);
}

TEST_F(ArtifactTest, PacksOnlyCellsThatFitThePlan) {
    const auto complaintAfter = [&](auto change) {
        fs::remove_all(folder_);
        ArtifactRequest request = tinyRequest(folder_);
        request.load = [load = request.load, change](Cell cell) {
            CompressedCell made = load(cell);
            if (cell == Cell{0, Module::VProj}) {
                change(made);
            }
            return made;
        };
        const Complaint c = complaintOf([&] { writeArtifact(request); });
        EXPECT_FALSE(isArtifact(folder_));
        return c;
    };
    EXPECT_EQ(complaintAfter([](CompressedCell& c) { c.q.codec = "e8p-3"; }).code, "artifact.cell");
    EXPECT_EQ(complaintAfter([](CompressedCell& c) { c.l.shape.columns = 32; }).code,
              "artifact.cell");
    EXPECT_EQ(complaintAfter([](CompressedCell& c) { c.q.codes.pop_back(); }).code,
              "artifact.shape");
    EXPECT_EQ(complaintAfter([](CompressedCell& c) { c.outSign.pop_back(); }).code,
              "artifact.shape");
    EXPECT_EQ(complaintAfter([](CompressedCell& c) { c.q.scale[0] = 0x7E00; }).code,
              "artifact.cell");
    EXPECT_EQ(complaintAfter([](CompressedCell& c) { c.inSign[3] ^= 0x8000; }).code,
              "artifact.cell");
    EXPECT_EQ(complaintAfter([](CompressedCell& c) { c.cell.layer = 1; }).code, "artifact.cell");
}

TEST_F(ArtifactTest, AsksForVerificationOfEveryCell) {
    ArtifactRequest request = tinyRequest(folder_);
    std::set<Cell> seen;
    request.verify = [&](const CompressedCell& cell) { seen.insert(cell.cell); };
    writeArtifact(request);
    EXPECT_EQ(seen.size(), 12U); // 14 less two skipped
    fs::remove_all(folder_);
    request.verify = [](const CompressedCell&) { throw Error("artifact.verify", "no"); };
    EXPECT_EQ(complaintOf([&] { writeArtifact(request); }).code, "artifact.verify");
    EXPECT_FALSE(isArtifact(folder_));
}

TEST(JsonFormat, IsReadFromWhateverADocumentIs) {
    EXPECT_EQ(formatOf({{"format", "caldera-shard/1"}}), "caldera-shard/1");
    EXPECT_EQ(formatOf({{"format", 1}}), "");
    EXPECT_EQ(formatOf({{"model", "x"}}), "");
    EXPECT_EQ(formatOf(nlohmann::json::array({"format"})), "");
    EXPECT_EQ(formatOf(nullptr), "");
}

} // namespace
} // namespace caldera
