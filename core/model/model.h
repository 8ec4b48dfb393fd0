// A model as it lies on disk: configuration, tensors, tokenizer, chat template.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/model/chat_template.h"
#include "core/model/config.h"
#include "core/model/tokenizer.h"
#include "core/model/weight_source.h"

namespace caldera {

/// Immutable; opening maps files and reads headers, never the weights.
struct Model {
    std::string name; ///< folder or file name without extension
    std::filesystem::path path;
    ModelConfig config;
    std::shared_ptr<const WeightSource> weights;
    std::shared_ptr<const Tokenizer> tokenizer;
    ChatTemplate chat;
    /// SHA-256 over config, tokenizer, tensor table and the first and last 64 KiB of every tensor:
    /// tells models apart without reading 145 GB.
    std::string fingerprint;
};

/// Opens a folder with config.json, tokenizer.json and *.safetensors (single or with
/// model.safetensors.index.json), a .gguf file, or a name in the Hugging Face cache
/// ("Qwen/Qwen2-0.5B"). Checks that every tensor the configuration needs exists with the right
/// shape. Throws Error("model.*", "config.*", "safetensors.*", "gguf.*", "tokenizer.*").
std::shared_ptr<const Model> openModel(const std::filesystem::path& path);

/// Token ids of a conversation: template marks become special tokens, contents never do. Throws
/// Cancelled as Tokenizer::encode() does.
std::vector<Token> encodeChat(const Tokenizer& tokenizer, const ChatTemplate& chat,
                              const std::vector<ChatMessage>& messages,
                              const std::stop_token& stop = {});
/// Tokens at which an assistant's turn ends (eos tokens and the template's end mark).
std::vector<Token> stopTokens(const ModelConfig& config, const Tokenizer& tokenizer,
                              const ChatTemplate& chat);

} // namespace caldera
