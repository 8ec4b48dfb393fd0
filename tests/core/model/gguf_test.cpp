#include "core/model/gguf.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <nlohmann/json.hpp>

#include "core/base/file.h"
#include "core/model/gguf_dequantize.h"
#include "core/model/gguf_file.h"
#include "core/model/safetensors.h"
#include "tests/core/model/test_support.h"

using namespace caldera;
using caldera::test::codeOf;
using caldera::test::freshFolder;
using caldera::test::golden;

namespace {

/// Writes GGUF headers, true ones and lying ones.
class HeaderWriter {
public:
    template <typename T>
    HeaderWriter& put(T value) {
        text_.append(reinterpret_cast<const char*>(&value), sizeof(value));
        return *this;
    }
    HeaderWriter& begin(uint64_t tensors, uint64_t metadata, uint32_t version = 3) {
        text_ += "GGUF";
        return put(version).put(tensors).put(metadata);
    }
    HeaderWriter& name(const std::string& text) {
        put<uint64_t>(text.size());
        text_ += text;
        return *this;
    }
    HeaderWriter& tensor(const std::string& tensorName, const std::vector<uint64_t>& axes,
                         GgufType type, uint64_t offset) {
        name(tensorName).put(static_cast<uint32_t>(axes.size()));
        for (const uint64_t size : axes) {
            put(size);
        }
        return put(static_cast<uint32_t>(type)).put(offset);
    }
    /// Aligns to 32 and adds data.
    std::string withData(size_t bytes) const {
        std::string text = text_;
        text.append((32 - text.size() % 32) % 32 + bytes, '\0');
        return text;
    }
    const std::string& text() const { return text_; }

private:
    std::string text_;
};

std::string codeOfFile(const std::string& contents) {
    const auto path = freshFolder() / "model.gguf";
    writeFileAtomically(path, contents);
    return codeOf([&] { GgufFile file(path); });
}

HeaderWriter oneTensor(const std::vector<uint64_t>& axes, GgufType type, uint64_t offset = 0) {
    return HeaderWriter().begin(1, 0).tensor("a", axes, type, offset);
}

constexpr uint64_t kHuge = uint64_t{1} << 62;

} // namespace

class GgufBlocks : public testing::TestWithParam<const char*> {};

TEST_P(GgufBlocks, DequantizeToTheReferencesValues) {
    const SafetensorsFile file(golden("gguf/blocks.safetensors"));
    const auto type = parseGgufType(GetParam());
    ASSERT_TRUE(type.has_value());
    const auto& blocks = file.at(std::string(GetParam()) + ".blocks");
    const auto& expectedView = file.at(std::string(GetParam()) + ".values");
    std::vector<float> expected(expectedView.bytes.size() / sizeof(float));
    convertToFloat("F32", expectedView.bytes, expected);
    std::vector<float> values(expected.size());
    dequantize(*type, blocks.bytes, values);
    for (size_t i = 0; i < values.size(); ++i) {
        EXPECT_NEAR(values[i], expected[i], 1e-6F * std::abs(expected[i]) + 1e-12F) << i;
    }
    values.pop_back();
    EXPECT_EQ(codeOf([&] { dequantize(*type, blocks.bytes, values); }), "gguf.size");
    const GgufBlock block = ggufBlock(*type);
    EXPECT_EQ(blocks.bytes.size() / block.bytes * block.elements, expected.size());
    EXPECT_EQ(ggufTypeName(*type), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Types, GgufBlocks,
                         testing::Values("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0",
                                         "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST(Gguf, GivesTheSameModelAsTheFolderItWasMadeFrom) {
    const auto gguf = openModel(golden("gguf/llama-untied-f16.gguf"));
    const auto folder = openModel(golden("transformers/llama-untied"));
    EXPECT_EQ(gguf->name, "llama-untied-f16");
    EXPECT_EQ(gguf->config.headCount, folder->config.headCount);
    EXPECT_EQ(gguf->config.rmsNormEpsilon, 1e-5);
    EXPECT_FALSE(gguf->config.tiedEmbeddings);
    EXPECT_EQ(gguf->weights->tensors().size(), folder->weights->tensors().size());
    for (const TensorInfo& tensor : folder->weights->tensors()) {
        EXPECT_EQ(gguf->weights->read(tensor.name), folder->weights->read(tensor.name))
            << tensor.name;
    }
    std::vector<float> rows(3 * 32);
    const std::string name = "model.layers.1.self_attn.q_proj.weight";
    gguf->weights->readRows(name, 6, 3, rows); // across two heads
    const auto whole = folder->weights->read(name);
    EXPECT_TRUE(std::equal(rows.begin(), rows.end(), whole.begin() + 6 * 32));
}

TEST(Gguf, ReadsQwen2WithBiasesAndQuantizedWeights) {
    const auto gguf = openModel(golden("gguf/qwen2-untied-q8_0.gguf"));
    const auto folder = openModel(golden("transformers/qwen2-untied"));
    EXPECT_TRUE(gguf->config.attentionBias);
    EXPECT_EQ(gguf->config.ropeTheta, 1000000.0);
    EXPECT_EQ(gguf->weights->find("lm_head.weight")->dtype, "Q8_0");
    EXPECT_EQ(gguf->chat.defaultSystem, "Be kind.");
    for (const TensorInfo& tensor : folder->weights->tensors()) {
        const auto expected = folder->weights->read(tensor.name);
        const auto values = gguf->weights->read(tensor.name);
        ASSERT_EQ(values.size(), expected.size());
        for (size_t i = 0; i < values.size(); ++i) {
            ASSERT_NEAR(values[i], expected[i], 0.01) << tensor.name;
        }
    }
}

TEST(Gguf, ReadsLlama3ScalingFromItsDivisors) {
    const auto gguf = openModel(golden("gguf/llama3-tied-bf16.gguf"));
    ASSERT_TRUE(gguf->config.ropeScaling.has_value());
    EXPECT_EQ(gguf->config.ropeScaling->factor, 4.0);
    EXPECT_EQ(gguf->config.ropeScaling->originalMaxPositions, 8192);
    EXPECT_EQ(gguf->config.headSize, 16);
    EXPECT_TRUE(gguf->config.tiedEmbeddings);
    EXPECT_EQ(gguf->chat.format, ChatFormat::Llama3);
}

TEST(Gguf, BringsItsTokenizer) {
    const auto model = openModel(golden("gguf/llama3-tied-bf16.gguf"));
    const Tokenizer& tokenizer = *model->tokenizer;
    const Token begin = 1; // the file's begin token is '!', which llama-bpe puts before texts
    EXPECT_EQ(tokenizer.encode("the<|end|>"), (std::vector<Token>{begin, 91, 92}));
    EXPECT_TRUE(tokenizer.isSpecial(92));
    EXPECT_FALSE(tokenizer.isSpecial(93));
    EXPECT_EQ(tokenizer.encode("<|user|>", Tokenizer::Special::AsText), std::vector<Token>{93});
    EXPECT_EQ(tokenizer.find("[unused]"), std::nullopt);
    EXPECT_EQ(model->config.eosTokens, std::vector<int32_t>{92});
    const auto again = Tokenizer::fromJson(nlohmann::json::parse(tokenizer.json()), "again");
    EXPECT_EQ(again->encode("the cat"), tokenizer.encode("the cat"));
}

TEST(Gguf, RefusesForeignAndOtherVersions) {
    EXPECT_EQ(codeOfFile(""), "gguf.magic");
    EXPECT_EQ(codeOfFile("GGUX----------------"), "gguf.magic");
    EXPECT_EQ(codeOfFile("GGUF"), "gguf.truncated");
    EXPECT_EQ(codeOfFile(HeaderWriter().begin(0, 0, 2).text()), "gguf.version");
    EXPECT_EQ(codeOfFile(HeaderWriter().begin(0, 0, 0x03000000).text()), "gguf.version");
    EXPECT_EQ(codeOfFile(HeaderWriter().begin(0, 0).text()), "");
}

TEST(Gguf, LyingCountsAreNoticedBeforeMemoryIsTaken) {
    EXPECT_EQ(codeOfFile(HeaderWriter().begin(kHuge, 0).text()), "gguf.truncated");
    EXPECT_EQ(codeOfFile(HeaderWriter().begin(0, kHuge).text()), "gguf.truncated");
    EXPECT_EQ(codeOfFile(HeaderWriter().begin(0, 1).put(kHuge).text()), "gguf.truncated");
    const auto metadata = [](uint32_t type) {
        return HeaderWriter().begin(0, 1).name("key").put(type);
    };
    EXPECT_EQ(codeOfFile(metadata(8).put(kHuge).text()), "gguf.truncated");
    EXPECT_EQ(codeOfFile(metadata(9).put<uint32_t>(4).put(kHuge).text()), "gguf.truncated");
    EXPECT_EQ(codeOfFile(metadata(9).put<uint32_t>(8).put(kHuge).text()), "gguf.truncated");
    EXPECT_EQ(codeOfFile(metadata(9).put<uint32_t>(99).put(kHuge).text()), "gguf.header");
    EXPECT_EQ(codeOfFile(metadata(99).text()), "gguf.header");
    HeaderWriter nested = metadata(9);
    for (int depth = 0; depth < 1000; ++depth) {
        nested.put<uint32_t>(9).put<uint64_t>(1);
    }
    EXPECT_EQ(codeOfFile(nested.text()), "gguf.header");
}

TEST(Gguf, RefusesTensorsThatLie) {
    EXPECT_EQ(codeOfFile(oneTensor({32, 2}, GgufType::F32).withData(256)), "");
    EXPECT_EQ(codeOfFile(oneTensor({32, 2}, GgufType::F32).withData(255)), "gguf.truncated");
    EXPECT_EQ(codeOfFile(oneTensor({32, 2}, GgufType::F32, 32).withData(256)), "gguf.truncated");
    EXPECT_EQ(codeOfFile(oneTensor({32, 2}, GgufType::F32, kHuge).withData(256)), "gguf.truncated");
    EXPECT_EQ(codeOfFile(oneTensor({32, 2}, GgufType::F32, 8).withData(512)), "gguf.offset");
    EXPECT_EQ(codeOfFile(oneTensor({33}, GgufType::Q80).withData(256)), "gguf.shape");
    EXPECT_EQ(codeOfFile(oneTensor({0, 2}, GgufType::F32).withData(256)), "gguf.shape");
    EXPECT_EQ(codeOfFile(oneTensor({kHuge, kHuge}, GgufType::F32).withData(256)), "gguf.shape");
    EXPECT_EQ(codeOfFile(oneTensor({1U << 31, 1U << 31}, GgufType::F32).withData(8)), "gguf.shape");
    EXPECT_EQ(codeOfFile(oneTensor({1, 1, 1, 1, 1}, GgufType::F32).withData(256)), "gguf.shape");
    EXPECT_EQ(codeOfFile(oneTensor({32}, static_cast<GgufType>(16)).withData(256)), "gguf.type");
    const HeaderWriter overlapping = HeaderWriter()
                                         .begin(2, 0)
                                         .tensor("a", {32}, GgufType::F32, 0)
                                         .tensor("b", {32}, GgufType::F32, 96);
    EXPECT_EQ(codeOfFile(overlapping.withData(512)), "gguf.overlap");
    const HeaderWriter twice = HeaderWriter()
                                   .begin(2, 0)
                                   .tensor("a", {32}, GgufType::F32, 0)
                                   .tensor("a", {32}, GgufType::F32, 128);
    EXPECT_EQ(codeOfFile(twice.withData(512)), "gguf.header");
}

TEST(Gguf, NamesTheMetadataItMisses) {
    const auto codeOfOpening = [](const HeaderWriter& header) {
        const auto path = freshFolder() / "model.gguf";
        writeFileAtomically(path, header.withData(256));
        return codeOf([&] { openGgufModel(path); });
    };
    EXPECT_EQ(codeOfOpening(HeaderWriter().begin(0, 0)), "gguf.key-missing");
    const auto architecture = [](const std::string& name) {
        return HeaderWriter().begin(0, 1).name("general.architecture").put<uint32_t>(8).name(name);
    };
    EXPECT_EQ(codeOfOpening(architecture("gemma")), "gguf.architecture");
    EXPECT_EQ(codeOfOpening(architecture("llama")), "gguf.key-missing");
    EXPECT_EQ(codeOfOpening(architecture("\xFF\xFE")), "gguf.key");
    EXPECT_EQ(codeOfOpening(
                  HeaderWriter().begin(0, 1).name("general.architecture").put<uint32_t>(4).put(7U)),
              "gguf.key");
}
