#!/usr/bin/env python3
"""Blocks of every GGUF type with the values that the `gguf` package gives them, and whole files.

Run once, after make_transformers_golden.py: python make_gguf_golden.py (numpy, safetensors, gguf,
torch to read BF16). The result is committed; tests read it. See README.md for the layout.
"""
import json
import pathlib

import gguf
import numpy as np
from gguf import quants
from safetensors.torch import load_file
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
TYPES = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
# Where the fp16 scales of a block lie: they must be finite for the values to be.
SCALES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
NAMES = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
         "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def make_blocks():
    rng = np.random.default_rng(20261121)
    golden = {}
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        if name in SCALES:
            blocks = rng.integers(0, 256, (4 if elements == 256 else 12, size), dtype=np.uint8)
            for at in SCALES[name]:
                scale = rng.normal(0, 0.05, blocks.shape[0]).astype(np.float16)
                scale[0] = np.float16(3e-7)  # a subnormal scale
                blocks[:, at:at + 2] = scale.view(np.uint8).reshape(-1, 2)
        else:
            values = rng.normal(0, 2, 64).astype(np.float32)
            blocks = quants.quantize(values, kind).view(np.uint8).reshape(1, -1)
        golden[name + ".blocks"] = blocks.reshape(-1)
        golden[name + ".values"] = quants.dequantize(blocks, kind).astype(np.float32).reshape(-1)
    save_file(golden, HERE / "gguf" / "blocks.safetensors")


def gguf_name(name):
    for whole, short in {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}.items():
        if name.startswith(whole + "."):
            return name.replace(whole, short)
    _, _, layer, rest = name.split(".", 3)
    stem, ending = rest.rsplit(".", 1)
    return f"blk.{layer}.{NAMES[stem]}.{ending}"


def permuted(weight, heads):
    """Rows of each head as llama.cpp wants them: rotary pairs side by side."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def add_tokenizer(writer, llama):
    tokens = ["\u0120" if c == 32 else chr(c) for c in range(32, 127)] + ["\u010a"]
    tokens[90:95] = ["th", "the", "<|end|>", "<|user|>", "[unused]"]
    types = [1] * 92 + [3, 4, 5, 1]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe" if llama else "qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(["t h", "th e"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(92)
    writer.add_chat_template("{{ '<|start_header_id|>' }}" if llama else "{{ '<|im_start|>system\nBe kind.<|im_end|>' }}")


def make_model(name, out, matrix_type):
    folder = HERE / "transformers" / name
    config = json.loads((folder / "config.json").read_text())
    tensors = {}
    for file in sorted(folder.glob("model*.safetensors")):
        tensors.update({k: v.float().numpy() for k, v in load_file(file).items()})
    kind = config["model_type"]
    rope = config.get("rope_parameters", config)
    theta = rope.get("rope_theta", 10000.0)
    head_dim = config.get("head_dim", config["hidden_size"] // config["num_attention_heads"])
    writer = gguf.GGUFWriter(HERE / "gguf" / out, kind)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(theta)
    if "head_dim" in config:
        writer.add_key_length(head_dim)
    add_tokenizer(writer, kind == "llama")
    if rope.get("rope_type") == "llama3":
        low, high, factor, old = 1.0, 4.0, rope["factor"], 8192
        turns = old / (2 * np.pi * theta ** (np.arange(0, head_dim, 2) / head_dim))
        smooth = (turns - low) / (high - low)
        divisors = np.where(turns > high, 1.0, np.where(turns < low, factor, 1 / ((1 - smooth) / factor + smooth)))
        writer.add_tensor("rope_freqs.weight", divisors.astype(np.float32))
    for full_name, weight in sorted(tensors.items()):
        if kind == "llama" and "q_proj.weight" in full_name:
            weight = permuted(weight, config["num_attention_heads"])
        elif kind == "llama" and "k_proj.weight" in full_name:
            weight = permuted(weight, config["num_key_value_heads"])
        wanted = gguf.GGMLQuantizationType[matrix_type if weight.ndim == 2 else "F32"]
        if weight.shape[-1] % gguf.GGML_QUANT_SIZES[wanted][0] != 0:
            wanted = gguf.GGMLQuantizationType.F16
        writer.add_tensor(gguf_name(full_name), quants.quantize(weight, wanted), raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    make_blocks()
    make_model("llama-untied", "llama-untied-f16.gguf", "F16")
    make_model("qwen2-untied", "qwen2-untied-q8_0.gguf", "Q8_0")
    make_model("llama3-tied", "llama3-tied-bf16.gguf", "BF16")


if __name__ == "__main__":
    main()
