// What is behind an opened artifact.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/artifact/layout.h"
#include "core/artifact/manifest.h"

namespace caldera {

/// Tensors that are read from a model when they are first asked for, and then stay in memory.
class ReadTensors {
public:
    ReadTensors(std::shared_ptr<const Model> model, const std::vector<TensorSpec>& specs);
    /// Empty when there is no such tensor. Throws what reading throws.
    std::span<const std::byte> bytes(const std::string& name) const;

private:
    struct Tensor {
        TensorSpec spec;
        std::once_flag isRead;
        std::vector<std::byte> bytes;
    };
    std::shared_ptr<const Model> model_;
    mutable std::map<std::string, Tensor> tensors_;
};

struct Artifact::Data {
    std::filesystem::path path;
    Manifest manifest;
    std::string hash;
    ModelConfig config;
    std::shared_ptr<const Tokenizer> tokenizer;
    ChatTemplate chat;
    Plan plan;
    std::vector<std::unique_ptr<SafetensorsFile>> shards;
    std::map<std::string, TensorView> tensors;
    int64_t fileBytes = 0;
    /// What there is instead of shards where a model stands for an artifact.
    std::unique_ptr<const ReadTensors> original;

    /// Empty when the artifact has no such tensor.
    std::span<const std::byte> bytes(const std::string& name) const {
        if (original) {
            return original->bytes(name);
        }
        const auto found = tensors.find(name);
        return found == tensors.end() ? std::span<const std::byte>() : found->second.bytes;
    }
    std::span<const uint16_t> halves(const std::string& name) const {
        const auto raw = bytes(name);
        return {reinterpret_cast<const uint16_t*>(raw.data()), raw.size() / sizeof(uint16_t)};
    }
    std::vector<float> floats(const std::string& name) const {
        const auto raw = bytes(name);
        std::vector<float> values(raw.size() / sizeof(float));
        if (!values.empty()) {
            std::memcpy(values.data(), raw.data(), raw.size());
        }
        return values;
    }
    ArtifactTable table(const std::string& name, int bits) const {
        return {{config.vocabSize, config.hiddenSize},
                bits,
                bytes(name + ".weight"),
                halves(name + ".scale")};
    }
};

} // namespace caldera
