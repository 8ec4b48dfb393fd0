#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/model.h"
#include "tests/app/cli/run_command.h"

namespace caldera::cli {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

std::string golden(const std::string& name) {
    return std::string(CALDERA_SOURCE_DIR) + "/tests/golden/" + name;
}

Result info(std::vector<std::string> words) {
    words.insert(words.begin(), "info");
    return runCommandLine(words, addInfoCommand);
}

TEST(InfoCommand, TellsWhatAFolderHolds) {
    const std::string path = golden("transformers/qwen2-tied");
    const Result told = info({path, "--json"});
    ASSERT_EQ(told.exitCode, 0) << told.err;
    const Json json = Json::parse(told.out);
    const auto model = openModel(path);
    EXPECT_EQ(json.at("kind"), "model");
    EXPECT_EQ(json.at("name"), "qwen2-tied");
    EXPECT_EQ(json.at("architecture"), "qwen2");
    EXPECT_EQ(json.at("layers"), 2);
    EXPECT_EQ(json.at("parameters"), model->config.parameterCount());
    EXPECT_EQ(json.at("biases"), true);
    EXPECT_EQ(json.at("tied_embeddings"), true);
    EXPECT_EQ(json.at("shapes").at("down_proj"), Json::array({32, 44}));
    EXPECT_EQ(json.at("tensors").at("BF16").at("count"), model->weights->tensors().size());
    EXPECT_EQ(json.at("tokenizer_size"), 96);
    EXPECT_EQ(json.at("chat_format"), "chatml");
    EXPECT_EQ(json.at("fingerprint"), model->fingerprint);
    EXPECT_EQ(json.at("bytes"), std::filesystem::file_size(path + "/model.safetensors"));
}

TEST(InfoCommand, TellsItToPeopleToo) {
    const Result told = info({golden("gguf/llama3-tied-bf16.gguf")});
    ASSERT_EQ(told.exitCode, 0) << told.err;
    EXPECT_THAT(told.out, HasSubstr("llama3-tied-bf16\n"));
    EXPECT_THAT(told.out, HasSubstr("4 heads of 16, 2 for keys and values, no biases"));
    EXPECT_THAT(told.out, HasSubstr("llama3 scaling by 4"));
    EXPECT_THAT(told.out, HasSubstr("the head is the same table"));
    EXPECT_THAT(told.out, HasSubstr("chat          llama-3"));
    EXPECT_THAT(told.out, HasSubstr("BF16 ("));
}

TEST(InfoCommand, SaysWhatIsNoModel) {
    const Result told = info({"/nowhere/at/all"});
    EXPECT_EQ(told.exitCode, 1);
    EXPECT_THAT(told.err, HasSubstr("/nowhere/at/all is neither a folder nor a file"));
}

} // namespace
} // namespace caldera::cli
