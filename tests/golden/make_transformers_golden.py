#!/usr/bin/env python3
"""Small random Qwen2 and Llama models with the logits that transformers gives them in f32.

Run once: python make_transformers_golden.py (torch, transformers, safetensors). The result is
committed; tests read it. See README.md for the layout.
"""
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

ROOT = pathlib.Path(__file__).parent / "transformers"
BASE = dict(
    vocab_size=96,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    rms_norm_eps=1e-6,
    hidden_act="silu",
    bos_token_id=1,
    eos_token_id=2,
    torch_dtype="float32",
)
LLAMA3_SCALING = dict(
    rope_type="llama3",
    factor=4.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=64,
)
# name -> (architecture, changes to BASE, dtype on disk, shards, rope keys as transformers 5 writes)
CASES = {
    "qwen2-untied": ("qwen2", dict(tie_word_embeddings=False, rope_theta=1000000.0), "f32", 1, False),
    "qwen2-tied": ("qwen2", dict(tie_word_embeddings=True, num_key_value_heads=1, intermediate_size=44),
                   "bf16", 1, True),
    "llama-untied": ("llama", dict(tie_word_embeddings=False, num_key_value_heads=4, rms_norm_eps=1e-5),
                     "f16", 2, False),
    "llama-tied": ("llama", dict(tie_word_embeddings=True, rope_theta=100000.0, hidden_size=36,
                                 num_attention_heads=3, num_key_value_heads=1, eos_token_id=[2, 5]),
                   "bf16", 1, False),
    "llama3-untied": ("llama", dict(tie_word_embeddings=False, rope_theta=500000.0, rope_scaling=LLAMA3_SCALING),
                      "bf16", 1, False),
    "llama3-tied": ("llama", dict(tie_word_embeddings=True, rope_scaling=LLAMA3_SCALING, head_dim=16),
                    "bf16", 1, True),
}
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def randomize(model, dtype, seed):
    """Weights large enough that every part of the model moves the logits, exact in `dtype`."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("norm.weight"):
                value = 1.0 + 0.2 * noise
            elif name.endswith(".bias"):
                value = 0.5 * noise
            else:
                value = noise * 1.5 / tensor.shape[-1] ** 0.5
            tensor.copy_(value.to(dtype).to(torch.float32))


def torch_config(kind, settings):
    config_class = Qwen2Config if kind == "qwen2" else LlamaConfig
    settings = dict(settings)
    theta = settings.pop("rope_theta", 10000.0)
    scaling = settings.pop("rope_scaling", {"rope_type": "default"})
    settings.pop("torch_dtype")
    return config_class(**settings, rope_parameters={"rope_theta": theta, **scaling})


def disk_config(kind, settings, new_rope_keys):
    settings = dict(settings)
    if new_rope_keys:
        scaling = settings.pop("rope_scaling", {"rope_type": "default"})
        settings["rope_parameters"] = {"rope_theta": settings.pop("rope_theta", 10000.0), **scaling}
    architecture = "Qwen2ForCausalLM" if kind == "qwen2" else "LlamaForCausalLM"
    return {"architectures": [architecture], "model_type": kind, **settings}


def save_weights(model, folder, dtype, shards, tied):
    tensors = {name: tensor.to(dtype).contiguous() for name, tensor in model.state_dict().items()
               if not (tied and name == "lm_head.weight")}
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = sorted(tensors)
    index = {"metadata": {"total_size": sum(t.nbytes for t in tensors.values())}, "weight_map": {}}
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = {name: tensors[name] for name in names[shard::shards]}
        save_file(part, folder / file, metadata={"format": "pt"})
        index["weight_map"].update({name: file for name in part})
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def tiny_tokenizer():
    """One token per printable character and line feed, so that openModel accepts the folder."""
    characters = ["\u0120" if c == 32 else chr(c) for c in range(32, 127)] + ["\u010a"]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": byte_level,
            "post_processor": None, "decoder": byte_level,
            "model": {"type": "BPE", "vocab": {c: i for i, c in enumerate(characters)}, "merges": []}}


def main():
    torch.set_num_threads(1)
    for seed, (name, (kind, changes, dtype, shards, new_rope_keys)) in enumerate(CASES.items()):
        folder = ROOT / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        settings = {**BASE, **changes}
        config = torch_config(kind, settings)
        config._attn_implementation = "eager"
        model = (Qwen2ForCausalLM if kind == "qwen2" else LlamaForCausalLM)(config).eval().float()
        randomize(model, DTYPES[dtype], seed)
        tied = settings["tie_word_embeddings"]
        if tied:
            assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
        save_weights(model, folder, DTYPES[dtype], shards, tied)
        text = json.dumps(disk_config(kind, settings, new_rope_keys), indent=1)
        (folder / "config.json").write_text(text + "\n")
        (folder / "tokenizer.json").write_text(json.dumps(tiny_tokenizer()) + "\n")
        generator = torch.Generator().manual_seed(1000 + seed)
        tokens = torch.randint(0, settings["vocab_size"], (2, 40), generator=generator)
        with torch.no_grad():
            logits = model(tokens).logits
        save_file({"tokens": tokens.to(torch.int32).contiguous(), "logits": logits.float().contiguous()},
                  folder / "golden.safetensors")
        print(name, float(logits.std()), sum(f.stat().st_size for f in folder.iterdir()))


if __name__ == "__main__":
    main()
