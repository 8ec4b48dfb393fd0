#include "core/model/outline.h"

#include <vector>

#include <nlohmann/json.hpp>

#include "core/base/file.h"
#include "tests/core/model/test_support.h"

using namespace caldera;
using caldera::test::codeOf;
using caldera::test::freshFolder;
namespace fs = std::filesystem;

namespace {

std::shared_ptr<const Model> demo() {
    return openModel(fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model");
}

fs::path outlineOfDemo() {
    const fs::path folder = freshFolder() / "demo";
    writeOutline(*demo(), folder);
    return folder;
}

TEST(Outline, IsTheModelWithoutItsWeights) {
    const auto model = demo();
    const fs::path folder = outlineOfDemo();
    EXPECT_TRUE(isOutline(folder));
    EXPECT_FALSE(isOutline(model->path));
    const auto outline = openModel(folder);
    EXPECT_EQ(outline->name, model->name);
    EXPECT_EQ(outline->fingerprint, model->fingerprint) << "what was measured there fits here";
    EXPECT_EQ(configToJson(outline->config), configToJson(model->config));
    EXPECT_EQ(outline->tokenizer->size(), model->tokenizer->size());
    EXPECT_EQ(outline->chat.format, model->chat.format);
    EXPECT_EQ(outline->chat.defaultSystem, model->chat.defaultSystem);
    ASSERT_EQ(outline->weights->tensors().size(), model->weights->tensors().size());
    for (const TensorInfo& tensor : model->weights->tensors()) {
        const TensorInfo* found = outline->weights->find(tensor.name);
        ASSERT_NE(found, nullptr) << tensor.name;
        EXPECT_EQ(found->shape, tensor.shape);
        EXPECT_EQ(found->bytes, tensor.bytes);
    }
    EXPECT_EQ(codeOf([&] { outline->weights->read("model.norm.weight"); }), "model.outline");
}

TEST(Outline, OfAnOutlineIsTheSame) {
    const fs::path first = outlineOfDemo();
    const fs::path second = first.parent_path() / "again";
    writeOutline(*openModel(first), second);
    for (const char* file : {"config.json", "tokenizer.json", "outline.json"}) {
        EXPECT_TRUE(readTextFile(first / file) == readTextFile(second / file)) << file;
    }
}

TEST(Outline, WhatIsWrongIsNamed) {
    const fs::path folder = outlineOfDemo();
    const std::string whole = readTextFile(folder / "outline.json");
    const auto codeWith = [&](const std::string& text) {
        writeFileAtomically(folder / "outline.json", text);
        return codeOf([&] { openModel(folder); });
    };
    EXPECT_EQ(codeWith(whole.substr(0, whole.size() / 2)), "model.outline-damaged");
    EXPECT_EQ(codeWith("[]"), "model.outline-damaged");
    EXPECT_EQ(codeWith(R"({"format": "caldera-outline/1"})"), "model.outline-damaged");
    EXPECT_EQ(codeWith(R"({"format": "caldera-outline/2"})"), "model.newer");
    EXPECT_EQ(codeWith(R"({"format": 7})"), "model.outline-damaged");
}

} // namespace
