#include "core/model/safetensors.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <nlohmann/json.hpp>

#include "core/base/half.h"
#include "tests/core/model/test_support.h"

using namespace caldera;
using caldera::test::bytesOf;
using caldera::test::codeOf;
using caldera::test::freshFolder;

namespace {

/// A file with this header text (its true length, unless another is claimed) and `dataBytes` zeros.
std::filesystem::path fileWith(const std::string& header, size_t dataBytes,
                               std::optional<uint64_t> claimedLength = {}) {
    const auto path = freshFolder() / "model.safetensors";
    const uint64_t length = claimedLength.value_or(header.size());
    std::string text(reinterpret_cast<const char*>(&length), sizeof(length));
    text += header + std::string(dataBytes, '\0');
    writeFileAtomically(path, text);
    return path;
}

std::string codeOfHeader(const std::string& header, size_t dataBytes = 16) {
    return codeOf([&] { SafetensorsFile file(fileWith(header, dataBytes)); });
}

std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return "{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

} // namespace

TEST(Safetensors, ReadsBackWhatItWrites) {
    const auto path = freshFolder() / "a.safetensors";
    SafetensorsWriter writer;
    const std::vector<float> weights = {1.5F, -2.0F, 0.25F};
    const std::vector<uint8_t> codes(100, 7);
    writer.add("weights", "F32", {1, 3}, bytesOf(weights));
    writer.add("codes", "U8", {100}, bytesOf(codes));
    writer.add("nothing", "F32", {0, 4}, {});
    writer.setMetadata("format", "caldera-test/1");
    EXPECT_EQ(writer.byteCount(), 64U + 128U);
    writer.write(path);

    const SafetensorsFile file(path);
    EXPECT_EQ(file.metadata().at("format"), "caldera-test/1");
    ASSERT_EQ(file.tensors().size(), 3U);
    EXPECT_EQ(file.at("weights").shape, (std::vector<int64_t>{1, 3}));
    EXPECT_EQ(std::memcmp(file.at("weights").bytes.data(), weights.data(), 12), 0);
    EXPECT_EQ(std::memcmp(file.at("codes").bytes.data(), codes.data(), 100), 0);
    for (const auto& [name, view] : file.tensors()) {
        EXPECT_EQ(reinterpret_cast<uintptr_t>(view.bytes.data()) % 64, 0U) << name;
    }
    EXPECT_EQ(codeOf([&] { file.at("absent"); }), "safetensors.tensor-missing");
}

TEST(Safetensors, WritesNoGapsThatOtherReadersRefuse) {
    const auto path = freshFolder() / "a.safetensors";
    SafetensorsWriter writer;
    for (const char* name : {"b", "a", "c"}) {
        writer.add(name, "U8", {5}, bytesOf(std::vector<uint8_t>(5, 1)));
    }
    writer.write(path);
    const std::string text = readTextFile(path);
    uint64_t length = 0;
    std::memcpy(&length, text.data(), sizeof(length));
    const auto header = nlohmann::ordered_json::parse(text.substr(8, length));
    uint64_t end = 0;
    for (const auto& [name, entry] : header.items()) {
        EXPECT_EQ(entry["data_offsets"][0].get<uint64_t>(), end) << name;
        end = entry["data_offsets"][1].get<uint64_t>();
    }
    EXPECT_EQ(end, text.size() - 8 - length);
}

TEST(Safetensors, TheWriterRefusesRepeatedNamesAndWrongSizes) {
    SafetensorsWriter writer;
    const std::vector<uint8_t> bytes(4);
    writer.add("a", "U8", {4}, bytesOf(bytes));
    EXPECT_EQ(codeOf([&] { writer.add("a", "U8", {4}, bytesOf(bytes)); }), "safetensors.duplicate");
    EXPECT_EQ(codeOf([&] { writer.add("b", "F32", {4}, bytesOf(bytes)); }), "safetensors.size");
    EXPECT_EQ(codeOf([&] { writer.add("c", "Q4_0", {4}, bytesOf(bytes)); }), "safetensors.size");
}

TEST(Safetensors, RefusesTruncatedFilesAndLyingLengths) {
    const std::string good = "{\"a\":" + tensor("F32", "[4]", "[0,16]") + "}";
    EXPECT_EQ(codeOfHeader(good), "");
    EXPECT_EQ(codeOfHeader(good, 15), "safetensors.truncated");
    const auto codeOfLength = [&](uint64_t length) {
        return codeOf([&] { SafetensorsFile file(fileWith(good, 16, length)); });
    };
    EXPECT_EQ(codeOfLength(good.size() + 17), "safetensors.truncated");
    EXPECT_EQ(codeOfLength(std::numeric_limits<uint64_t>::max()), "safetensors.header");
    EXPECT_EQ(codeOfLength(good.size() - 1), "safetensors.header");
    EXPECT_EQ(codeOfLength(0), "safetensors.header");
    const auto path = freshFolder() / "short";
    writeFileAtomically(path, "1234567");
    EXPECT_EQ(codeOf([&] { SafetensorsFile file(path); }), "safetensors.truncated");
    writeFileAtomically(path, "");
    EXPECT_EQ(codeOf([&] { SafetensorsFile file(path); }), "safetensors.truncated");
}

TEST(Safetensors, RefusesHeadersThatLie) {
    const std::string good = tensor("U8", "[8]", "[0,8]");
    EXPECT_EQ(codeOfHeader("{\"a\":" + good + ",\"b\":" + tensor("U8", "[8]", "[7,15]") + "}"),
              "safetensors.overlap");
    EXPECT_EQ(codeOfHeader("{\"a\":" + good + ",\"a\":" + good + "}"), "safetensors.header");
    EXPECT_EQ(codeOfHeader("{\"a\":" + tensor("U8", "[8]", "[8,0]") + "}"), "safetensors.offsets");
    EXPECT_EQ(codeOfHeader("{\"a\":" + tensor("U8", "[8]", "[0]") + "}"), "safetensors.offsets");
    EXPECT_EQ(codeOfHeader("{\"a\":" + tensor("U8", "[8]", "[-8,0]") + "}"), "safetensors.offsets");
    EXPECT_EQ(codeOfHeader("{\"a\":" + tensor("U8", "[9]", "[0,8]") + "}"), "safetensors.size");
    EXPECT_EQ(codeOfHeader("{\"a\":" + tensor("Q9", "[8]", "[0,8]") + "}"), "safetensors.dtype");
    EXPECT_EQ(codeOfHeader("{\"a\":" + tensor("U8", "[-8]", "[0,8]") + "}"), "safetensors.shape");
    EXPECT_EQ(codeOfHeader("{\"a\":" + tensor("U8", "[1.5]", "[0,8]") + "}"), "safetensors.shape");
    EXPECT_EQ(codeOfHeader("{\"a\":" + tensor("F64", "[4294967296,4294967296,8]", "[0,8]") + "}"),
              "safetensors.shape");
    EXPECT_EQ(codeOfHeader("{\"a\":" + tensor("U8", "[4294967296,4294967296]", "[0,0]") + "}"),
              "safetensors.shape");
    EXPECT_EQ(codeOfHeader("{\"a\":" + tensor("U8", "[9223372036854775807,0]", "[0,0]") + "}", 0),
              "");
}

/// A header that is a byte longer or shorter than claimed would shift all weights by that byte.
TEST(Safetensors, RefusesBytesThatBelongToNoTensor) {
    const std::string whole = tensor("U8", "[16]", "[0,16]");
    EXPECT_EQ(codeOfHeader("{\"a\":" + whole + "}", 16), "");
    EXPECT_EQ(codeOfHeader("{\"a\":" + whole + "}", 17), "safetensors.gap");
    EXPECT_EQ(codeOfHeader("{\"a\":" + tensor("U8", "[8]", "[8,16]") + "}", 16), "safetensors.gap");
    EXPECT_EQ(codeOfHeader("{\"a\":" + tensor("U8", "[4]", "[0,4]") +
                               ",\"b\":" + tensor("U8", "[8]", "[8,16]") + "}",
                           16),
              "safetensors.gap");
}

TEST(Safetensors, ReadsAHeaderOfManyTensorsInTimeProportionalToThem) {
    constexpr int kTensors = 400'000; // to compare each with all others takes longer than tests may
    std::string header = "{";
    for (int i = 0; i < kTensors; ++i) {
        header +=
            (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":" + tensor("U8", "[0]", "[0,0]");
    }
    const auto path = fileWith(header + "}", 0);
    EXPECT_EQ(SafetensorsFile(path).tensors().size(), static_cast<size_t>(kTensors));
}

TEST(Safetensors, RefusesDamagedJson) {
    EXPECT_EQ(codeOfHeader("{\"a\xFF\":1}"), "safetensors.header");
    EXPECT_EQ(codeOfHeader("[1]"), "safetensors.header");
    EXPECT_EQ(codeOfHeader("{\"a\":3}"), "safetensors.header");
    EXPECT_EQ(codeOfHeader("{\"__metadata__\":{\"a\":1}}"), "safetensors.header");
    EXPECT_EQ(codeOfHeader("{\"a\":" + std::string(100000, '[')), "safetensors.header");
    EXPECT_EQ(codeOfHeader(""), "safetensors.header");
}

TEST(Safetensors, ConvertsEveryReadableTypeToFloat) {
    const std::vector<float> values = {0.0F, 1.0F, -2.5F, 0.125F, 65504.0F};
    std::vector<float> read(values.size());
    const auto expectSame = [&](const std::string& dtype, std::span<const std::byte> bytes) {
        convertToFloat(dtype, bytes, read);
        EXPECT_EQ(read, values) << dtype;
    };
    expectSame("F32", bytesOf(values));
    std::vector<uint16_t> half;
    for (const float value : values) {
        half.push_back(floatToFp16(value));
    }
    expectSame("F16", bytesOf(half));
    expectSame("F64", bytesOf(std::vector<double>(values.begin(), values.end())));
    std::vector<float> two(2);
    convertToFloat("I8", bytesOf(std::vector<int8_t>{-128, 127}), two);
    EXPECT_EQ(two, (std::vector<float>{-128.0F, 127.0F}));
    convertToFloat("U8", bytesOf(std::vector<uint8_t>{0, 255}), two);
    EXPECT_EQ(two, (std::vector<float>{0.0F, 255.0F}));
    convertToFloat("BF16", bytesOf(std::vector<uint16_t>{0x3F80, 0xC000}), two);
    EXPECT_EQ(two, (std::vector<float>{1.0F, -2.0F}));
    EXPECT_EQ(codeOf([&] { convertToFloat("I64", bytesOf(values), read); }), "safetensors.size");
    EXPECT_EQ(codeOf([&] { convertToFloat("I32", bytesOf(values), read); }), "safetensors.dtype");
    EXPECT_EQ(codeOf([&] { convertToFloat("F16", bytesOf(values), read); }), "safetensors.size");
}

TEST(Safetensors, ReadsShardsAsOneModel) {
    const auto weights = openSafetensorsWeights(test::golden("transformers/llama-untied"));
    EXPECT_EQ(weights->tensors().size(), 2U * 9 + 3);
    const TensorInfo* embedding = weights->find("model.embed_tokens.weight");
    ASSERT_NE(embedding, nullptr);
    EXPECT_EQ(embedding->dtype, "F16");
    EXPECT_EQ(embedding->bytes, 96U * 32 * 2);
    const std::vector<float> whole = weights->read(embedding->name);
    std::vector<float> rows(3 * 32);
    weights->readRows(embedding->name, 93, 3, rows);
    EXPECT_TRUE(std::equal(rows.begin(), rows.end(), whole.end() - 96));
    EXPECT_EQ(weights->find("absent"), nullptr);
    EXPECT_EQ(codeOf([&] { weights->readRows("absent", 0, 1, rows); }), "model.tensor-missing");
    EXPECT_EQ(codeOf([&] { weights->readRows(embedding->name, 94, 3, rows); }), "model.row-range");
    EXPECT_EQ(codeOf([&] { weights->readRows(embedding->name, -1, 3, rows); }), "model.row-range");
    EXPECT_EQ(codeOf([&] { weights->readRows(embedding->name, 0, 2, rows); }), "model.row-range");
}

TEST(Safetensors, RefusesABrokenIndex) {
    const auto folder = freshFolder();
    EXPECT_EQ(codeOf([&] { openSafetensorsWeights(folder); }), "safetensors.missing");
    const auto codeOfIndex = [&](const std::string& text) {
        writeFileAtomically(folder / "model.safetensors.index.json", text);
        return codeOf([&] { openSafetensorsWeights(folder); });
    };
    EXPECT_EQ(codeOfIndex("{"), "safetensors.index");
    EXPECT_EQ(codeOfIndex("{\"weight_map\":{}}"), "safetensors.index");
    EXPECT_EQ(codeOfIndex("{\"weight_map\":{\"a\":\"../outside\"}}"), "safetensors.index");
    EXPECT_EQ(codeOfIndex("{\"weight_map\":{\"a\":3}}"), "safetensors.index");
    EXPECT_EQ(codeOfIndex("{\"weight_map\":{\"a\":\"absent.safetensors\"}}"),
              "safetensors.missing");
    SafetensorsWriter writer;
    writer.add("b", "U8", {1}, bytesOf(std::vector<uint8_t>{1}));
    writer.write(folder / "one.safetensors");
    writer.write(folder / "two.safetensors");
    EXPECT_EQ(codeOfIndex("{\"weight_map\":{\"a\":\"one.safetensors\"}}"),
              "safetensors.tensor-missing");
    EXPECT_EQ(
        codeOfIndex("{\"weight_map\":{\"b\":\"one.safetensors\",\"b2\":\"two.safetensors\"}}"),
        "safetensors.tensor-missing");
    SafetensorsWriter more;
    more.add("b", "U8", {1}, bytesOf(std::vector<uint8_t>{1}));
    more.add("c", "U8", {1}, bytesOf(std::vector<uint8_t>{1}));
    more.write(folder / "two.safetensors");
    EXPECT_EQ(codeOfIndex("{\"weight_map\":{\"b\":\"one.safetensors\",\"c\":\"two.safetensors\"}}"),
              "safetensors.duplicate");
}

TEST(Safetensors, RandomTensorsSurviveWritingAndReading) {
    const uint32_t seed = 20261121;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    for (int round = 0; round < 20; ++round) {
        SafetensorsWriter writer;
        std::vector<std::vector<float>> contents(random() % 6);
        for (size_t i = 0; i < contents.size(); ++i) {
            contents[i].resize(random() % 50);
            for (float& value : contents[i]) {
                value = static_cast<float>(random()) - 2e9F;
            }
            writer.add("t" + std::to_string(i), "F32", {static_cast<int64_t>(contents[i].size())},
                       bytesOf(contents[i]));
        }
        const auto path = freshFolder() / "model.safetensors";
        writer.write(path);
        if (contents.empty()) {
            continue;
        }
        const auto weights = openSafetensorsWeights(path.parent_path());
        for (size_t i = 0; i < contents.size(); ++i) {
            EXPECT_EQ(weights->read("t" + std::to_string(i)), contents[i]);
        }
    }
}
