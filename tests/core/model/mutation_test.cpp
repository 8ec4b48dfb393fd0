// Files with a few bytes changed, cut or repeated: they open or are refused, and nothing else.
#include <cstring>
#include <fstream>
#include <random>

#include "core/base/file.h"
#include "core/model/model.h"
#include "core/model/safetensors.h"
#include "tests/core/model/test_support.h"

using namespace caldera;
using caldera::test::freshFolder;
using caldera::test::golden;

namespace {

constexpr uint32_t kSeed = 20261121;

/// One to four changes inside the first `reach` bytes, where the header lies.
std::string mutated(const std::string& original, size_t reach, std::mt19937& random) {
    std::string text = original;
    for (uint32_t change = 0; change <= random() % 4; ++change) {
        const size_t at = random() % std::min(reach, text.size());
        switch (random() % 7) {
        case 0:
            text[at] = static_cast<char>(random());
            break;
        case 1:
            text[at] = static_cast<char>(text[at] ^ (1 << random() % 8));
            break;
        case 2:
            text.resize(at + 1);
            break;
        case 3:
            text.erase(at, random() % 16);
            break;
        case 4:
            text.insert(at, text.substr(random() % text.size(), random() % 16));
            break;
        case 5: // the largest and smallest numbers
            text.replace(at, std::min<size_t>(8, text.size() - at),
                         std::string(8, random() % 2 == 0 ? '\xFF' : '\0'));
            break;
        default: // a digit, as in offsets and shapes
            text[at] = static_cast<char>('0' + random() % 10);
            break;
        }
        if (text.empty()) {
            text = "x";
        }
    }
    return text;
}

struct Outcome {
    int opened = 0;
    int refused = 0;
};

/// Opens `rounds` mutations and reads whatever opens; anything but Error escapes and fails.
template <typename Open>
Outcome openMutations(const std::filesystem::path& path, size_t reach, int rounds, Open open) {
    const std::string original = readTextFile(path);
    const auto file = freshFolder() / path.filename();
    std::mt19937 random(kSeed);
    Outcome outcome;
    for (int round = 0; round < rounds; ++round) {
        SCOPED_TRACE("seed " + std::to_string(kSeed) + ", round " + std::to_string(round));
        // No sync to disk is wanted thousands of times, hence no AtomicFile.
        std::ofstream(file, std::ios::binary) << mutated(original, reach, random);
        try {
            open(file);
            ++outcome.opened;
        } catch (const Error&) {
            ++outcome.refused;
        }
    }
    return outcome;
}

size_t headerBytes(const std::filesystem::path& path) {
    uint64_t length = 0;
    std::memcpy(&length, readTextFile(path).data(), sizeof(length));
    return length + sizeof(length);
}

} // namespace

TEST(Mutation, SafetensorsOpenOrAreRefused) {
    const auto path = golden("transformers/llama-tied/model.safetensors");
    const Outcome outcome =
        openMutations(path, headerBytes(path), 2000, [](const std::filesystem::path& file) {
            const SafetensorsFile opened(file);
            unsigned sum = 0;
            for (const auto& [name, view] : opened.tensors()) {
                for (const std::byte byte : view.bytes) {
                    sum += static_cast<unsigned>(byte);
                }
            }
            EXPECT_GE(sum, 0U);
        });
    EXPECT_GT(outcome.refused, 500);
    EXPECT_GT(outcome.opened, 50); // a changed name, say
}

TEST(Mutation, GgufModelsOpenOrAreRefused) {
    const Outcome outcome = openMutations(
        golden("gguf/qwen2-untied-q8_0.gguf"), 5500, 2000, [](const std::filesystem::path& file) {
            const auto model = openModel(file);
            for (const TensorInfo& tensor : model->weights->tensors()) {
                EXPECT_EQ(model->weights->read(tensor.name).size(),
                          static_cast<size_t>(rowsAndColumns(tensor).size()));
            }
            model->tokenizer->encode("the text");
        });
    EXPECT_GT(outcome.refused, 500);
    EXPECT_GT(outcome.opened, 50);
}

TEST(Mutation, TokenizersOpenOrAreRefused) {
    const auto folder = freshFolder() / "model";
    std::filesystem::copy(golden("transformers/llama-tied"), folder);
    const std::string original = readTextFile(folder / "tokenizer.json");
    std::mt19937 random(kSeed);
    int refused = 0;
    for (int round = 0; round < 1000; ++round) {
        SCOPED_TRACE("seed " + std::to_string(kSeed) + ", round " + std::to_string(round));
        std::ofstream(folder / "tokenizer.json", std::ios::binary)
            << mutated(original, original.size(), random);
        try {
            openModel(folder)->tokenizer->encode("the text");
        } catch (const Error&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 300);
}
