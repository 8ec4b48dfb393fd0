// tokenizer.json out of the tokenizer that a GGUF file carries in its metadata.
#pragma once

#include <nlohmann/json.hpp>

#include "core/model/gguf_file.h"

namespace caldera {

/// The tokenizer as Hugging Face writes it. "gpt2" models only, with the pre-tokenizers smollm,
/// qwen2, llama-bpe, gpt-2 and default (taken for gpt-2). Throws Error("gguf.tokenizer",
/// "gguf.key-missing").
nlohmann::json ggufTokenizerJson(const GgufFile& file);

} // namespace caldera
