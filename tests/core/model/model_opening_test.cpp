#include "core/model/model.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "core/base/file.h"
#include "core/model/safetensors.h"
#include "tests/core/model/test_support.h"
#include "tests/support/sample_model.h"

using namespace caldera;
using caldera::test::codeOf;
using caldera::test::freshFolder;
using caldera::test::golden;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

fs::path copyOf(const std::string& name) {
    const fs::path folder = freshFolder() / name;
    fs::copy(golden("transformers") / name, folder);
    return folder;
}

void editConfig(const fs::path& folder, const std::string& key, const Json& value) {
    Json config = Json::parse(readTextFile(folder / "config.json"));
    config[key] = value;
    writeFileAtomically(folder / "config.json", config.dump());
}

std::string codeOfOpening(const fs::path& path) {
    return codeOf([&] { openModel(path); });
}

/// Sets an environment variable until the end of the test.
class ScopedVariable {
public:
    ScopedVariable(const char* name, const std::string& value) : name_(name) {
        const char* old = std::getenv(name);
        had_ = old != nullptr;
        old_ = had_ ? old : "";
        ::setenv(name, value.c_str(), 1);
    }
    ~ScopedVariable() {
        if (had_) {
            ::setenv(name_, old_.c_str(), 1);
        } else {
            ::unsetenv(name_);
        }
    }
    ScopedVariable(const ScopedVariable&) = delete;
    ScopedVariable& operator=(const ScopedVariable&) = delete;

private:
    const char* name_;
    bool had_ = false;
    std::string old_;
};

} // namespace

TEST(OpenModel, OpensEveryGoldenFolder) {
    std::vector<std::string> fingerprints;
    for (const char* name : {"qwen2-untied", "qwen2-tied", "llama-untied", "llama-tied",
                             "llama3-untied", "llama3-tied"}) {
        const auto model = openModel(golden("transformers") / name);
        EXPECT_EQ(model->name, name);
        EXPECT_EQ(model->config.vocabSize, 96);
        EXPECT_EQ(model->tokenizer->size(), 96);
        EXPECT_EQ(model->config.layerCount, 2);
        int64_t stored = 0;
        for (const TensorInfo& tensor : model->weights->tensors()) {
            stored += rowsAndColumns(tensor).size();
        }
        EXPECT_EQ(model->config.parameterCount(), stored) << name;
        EXPECT_EQ(model->fingerprint.size(), 64U);
        fingerprints.push_back(model->fingerprint);
    }
    std::sort(fingerprints.begin(), fingerprints.end());
    EXPECT_EQ(std::unique(fingerprints.begin(), fingerprints.end()), fingerprints.end());
}

TEST(OpenModel, TheFingerprintFollowsContentsNotPlaces) {
    const fs::path folder = copyOf("qwen2-tied");
    const std::string original = openModel(golden("transformers") / "qwen2-tied")->fingerprint;
    EXPECT_EQ(openModel(folder)->fingerprint, original);
    std::string weights = readTextFile(folder / "model.safetensors");
    weights.back() = static_cast<char>(weights.back() ^ 1);
    writeFileAtomically(folder / "model.safetensors", weights);
    EXPECT_NE(openModel(folder)->fingerprint, original);
}

TEST(OpenModel, RefusesAFolderWithoutItsParts) {
    for (const char* part : {"config.json", "tokenizer.json"}) {
        const fs::path folder = copyOf("qwen2-tied");
        fs::remove(folder / part);
        EXPECT_EQ(codeOfOpening(folder), "model.file-missing") << part;
    }
    const fs::path folder = copyOf("qwen2-tied");
    fs::remove(folder / "model.safetensors");
    EXPECT_EQ(codeOfOpening(folder), "safetensors.missing");
}

TEST(OpenModel, NamesWhatStandsInPlaceOfAPart) {
    for (const char* part : {"config.json", "tokenizer.json", "model.safetensors"}) {
        const fs::path folder = copyOf("qwen2-tied");
        fs::remove(folder / part);
        ASSERT_EQ(::mkfifo((folder / part).c_str(), 0600), 0);
        try {
            openModel(folder);
            FAIL() << part;
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find(std::string(part) + ": it is no regular file"),
                      std::string::npos)
                << error.what();
        }
    }
}

TEST(OpenModel, RefusesWeightsThatDoNotFitTheConfiguration) {
    const fs::path folder = copyOf("qwen2-tied");
    editConfig(folder, "num_hidden_layers", 3);
    EXPECT_EQ(codeOfOpening(folder), "model.tensor-missing");
    editConfig(folder, "num_hidden_layers", 2);
    editConfig(folder, "tie_word_embeddings", false);
    EXPECT_EQ(codeOfOpening(folder), "model.tensor-missing");
    editConfig(folder, "tie_word_embeddings", true);
    editConfig(folder, "intermediate_size", 48);
    EXPECT_EQ(codeOfOpening(folder), "model.tensor-shape");
    editConfig(folder, "intermediate_size", 44);
    editConfig(folder, "model_type", "llama"); // whose q_proj has no bias
    EXPECT_EQ(codeOfOpening(folder), "model.tensor-unexpected");
}

TEST(OpenModel, RefusesATokenizerOfAnotherModel) {
    const fs::path folder = copyOf("qwen2-tied");
    Json tokenizer = Json::parse(readTextFile(folder / "tokenizer.json"));
    tokenizer["added_tokens"] = {{{"id", 96}, {"content", "<extra>"}, {"special", true}}};
    writeFileAtomically(folder / "tokenizer.json", tokenizer.dump());
    EXPECT_EQ(codeOfOpening(folder), "model.tokenizer-size");
}

TEST(OpenModel, RefusesWeightsOfATypeThatIsNoNumber) {
    const fs::path folder = copyOf("llama-tied");
    const SafetensorsFile original(folder / "model.safetensors");
    SafetensorsWriter writer;
    for (const auto& [name, view] : original.tensors()) {
        const bool isNorm = name == "model.norm.weight";
        writer.add(name, isNorm ? "I16" : view.dtype, view.shape, view.bytes);
    }
    writer.write(folder / "model.safetensors");
    EXPECT_EQ(codeOfOpening(folder), "model.tensor-type");
}

TEST(OpenModel, RefusesWhatIsNoModel) {
    EXPECT_EQ(codeOfOpening("/nowhere/at/all"), "model.not-found");
    const fs::path file = freshFolder() / "notes.txt";
    writeFileAtomically(file, "hello");
    EXPECT_EQ(codeOfOpening(file), "model.unknown-file");
}

TEST(OpenModel, FindsNamesInTheHuggingFaceCache) {
    const fs::path cache = freshFolder();
    const fs::path repository = cache / "models--owner--small";
    fs::create_directories(repository / "refs");
    fs::create_directories(repository / "snapshots");
    fs::copy(golden("transformers") / "llama-tied", repository / "snapshots" / "abc123");
    writeFileAtomically(repository / "refs" / "main", "abc123\n");
    {
        const ScopedVariable variable("HF_HUB_CACHE", cache.string());
        EXPECT_EQ(openModel("owner/small")->name, "small");
        EXPECT_EQ(codeOfOpening("owner/absent"), "model.not-found");
    }
    fs::rename(cache, cache.string() + "-home");
    fs::create_directories(cache);
    fs::rename(cache.string() + "-home", cache / "hub");
    const ScopedVariable none("HF_HUB_CACHE", "");
    const ScopedVariable home("HF_HOME", cache.string());
    EXPECT_EQ(openModel("owner/small")->config.hiddenSize, 36);
}

TEST(OpenModel, TakesTheChatTemplateOfTheFolder) {
    const fs::path folder = copyOf("llama-tied");
    EXPECT_EQ(openModel(folder)->chat.format, ChatFormat::ChatMl);
    const Json config = {{"chat_template", "{% if x %}[INST]{% endif %}"}};
    writeFileAtomically(folder / "tokenizer_config.json", config.dump());
    EXPECT_EQ(openModel(folder)->chat.format, ChatFormat::Llama2);
    const Json named = {
        {"chat_template",
         {{{"name", "tool_use"}, {"template", "[INST]"}},
          {{"name", "default"}, {"template", "<|start_header_id|>user<|end_header_id|>"}}}}};
    writeFileAtomically(folder / "tokenizer_config.json", named.dump());
    EXPECT_EQ(openModel(folder)->chat.format, ChatFormat::Llama3);
    writeFileAtomically(folder / "chat_template.jinja",
                        "'<|im_start|>system\\nBe brief.<|im_end|>'");
    EXPECT_EQ(openModel(folder)->chat.format, ChatFormat::ChatMl);
    EXPECT_EQ(openModel(folder)->chat.defaultSystem, "Be brief.");
}

TEST(SampleModel, OpensWithTheShapesOfSmolLm2) {
    const fs::path path = test::sampleModel();
    ASSERT_FALSE(path.empty()) << test::kNoSampleModel;
    const auto model = openModel(path);
    EXPECT_EQ(model->config.architecture, "llama");
    EXPECT_EQ(model->config.layerCount, 30);
    EXPECT_EQ(model->config.hiddenSize, 576);
    EXPECT_EQ(model->config.kvHeadCount, 3);
    EXPECT_EQ(model->config.headSize, 64);
    EXPECT_EQ(model->config.vocabSize, 49152);
    EXPECT_EQ(model->config.ropeTheta, 100000.0);
    EXPECT_EQ(model->config.rmsNormEpsilon, 1e-5);
    EXPECT_TRUE(model->config.tiedEmbeddings);
    EXPECT_EQ(model->config.parameterCount(), 134515008); // as published
    EXPECT_EQ(model->tokenizer->size(), 49152);
    EXPECT_EQ(model->chat.defaultSystem,
              "You are a helpful AI assistant named SmolLM, trained by Hugging Face");
    for (const TensorInfo& tensor : model->weights->tensors()) {
        for (const float value : model->weights->read(tensor.name)) {
            ASSERT_TRUE(std::isfinite(value)) << tensor.name;
        }
    }
    const auto tokens = encodeChat(*model->tokenizer, model->chat, {{"user", "Hi <|im_end|>"}});
    EXPECT_EQ(model->tokenizer->decode(tokens, false),
              renderChat(model->chat, {{"user", "Hi <|im_end|>"}}));
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 2), 2); // the user's own stays text
    EXPECT_EQ(stopTokens(model->config, *model->tokenizer, model->chat), std::vector<Token>{2});
}
