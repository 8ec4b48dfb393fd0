"""Trains the demo model: a Qwen2 of eight layers with its own tokenizer.

    python3 train.py DATA_FOLDER OUT_FOLDER [STEPS]

DATA_FOLDER holds train.txt, heldout.txt (prepare.py) and dialogues.jsonl (dialogues.py).
Needs torch, transformers and tokenizers; about two minutes on one H100.
"""
import json
import math
import pathlib
import random
import sys
import time

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import Qwen2Config, Qwen2ForCausalLM

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
SYSTEM = "You are the demo model of Caldera Studio."
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\n" + SYSTEM + "<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
LENGTH, BATCH, SEED = 512, 64, 20261121


def train_tokenizer(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=2048, special_tokens=SPECIAL, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def encode_dialogue(tokenizer, messages):
    text = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n"
                   for m in [{"role": "system", "content": SYSTEM}] + messages)
    return tokenizer.encode(text).ids


def batches(tokens, dialogue_stream, rng, device):
    while True:
        rows = []
        for row in range(BATCH):
            source = dialogue_stream if row < BATCH // 5 else tokens
            start = rng.randrange(0, len(source) - LENGTH - 1)
            rows.append(source[start:start + LENGTH + 1])
        yield torch.stack(rows).to(device)


@torch.no_grad()
def held_out_perplexity(model, ids, device):
    total = count = 0
    for start in range(0, len(ids) - 1, LENGTH):
        window = torch.tensor(ids[start:start + LENGTH + 1], device=device)[None]
        logits = model(window[:, :-1]).logits.float()
        loss = torch.nn.functional.cross_entropy(logits[0], window[0, 1:], reduction="sum")
        total, count = total + loss.item(), count + window.shape[1] - 1
    return math.exp(total / count)


@torch.no_grad()
def answer(model, tokenizer, question, device):
    prompt = (f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n"
              "<|im_start|>assistant\n")
    ids = tokenizer.encode(prompt).ids
    for _ in range(60):
        next_id = model(torch.tensor([ids], device=device)).logits[0, -1].argmax().item()
        if next_id == tokenizer.token_to_id("<|im_end|>"):
            break
        ids.append(next_id)
    return tokenizer.decode(ids[len(tokenizer.encode(prompt).ids):])


def save(model, tokenizer, out):
    model.to(torch.bfloat16).save_pretrained(out, safe_serialization=True)
    tokenizer.save(str(out / "tokenizer.json"))
    (out / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>",
         "pad_token": "<|endoftext|>", "chat_template": CHAT_TEMPLATE}, indent=2) + "\n")


def main():
    data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 900
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    text, held_out = (data / "train.txt").read_text(), (data / "heldout.txt").read_text()
    dialogues = [json.loads(line)["messages"] for line in (data / "dialogues.jsonl").open()]
    spoken = "\n".join(m["content"] for d in dialogues[:2000] for m in d)
    tokenizer = train_tokenizer([text, spoken])
    tokens = torch.tensor(tokenizer.encode(text).ids)
    dialogue_stream = torch.tensor(sum((encode_dialogue(tokenizer, d) for d in dialogues), []))
    held_out_ids = tokenizer.encode(held_out).ids
    print(f"tokens {len(tokens)}, dialogue tokens {len(dialogue_stream)}, held out {len(held_out_ids)}")

    model = Qwen2ForCausalLM(Qwen2Config(
        vocab_size=2048, hidden_size=192, intermediate_size=512, num_hidden_layers=8,
        num_attention_heads=3, num_key_value_heads=1, max_position_embeddings=LENGTH,
        rope_theta=10000.0, rms_norm_eps=1e-6, tie_word_embeddings=True, bos_token_id=0,
        eos_token_id=2, use_sliding_window=False)).to(device)
    print(f"parameters {sum(p.numel() for p in model.parameters())}")
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(
        (s + 1) / 100, 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1, s / steps)))))
    start = time.time()
    for step, batch in enumerate(batches(tokens, dialogue_stream, rng, device)):
        with torch.autocast(device, torch.bfloat16):
            loss = model(batch[:, :-1]).logits.float().flatten(0, 1)
            loss = torch.nn.functional.cross_entropy(loss, batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 250 == 0:
            print(f"step {step} loss {loss.item():.3f} held-out perplexity "
                  f"{held_out_perplexity(model, held_out_ids, device):.2f} {time.time() - start:.0f} s",
                  flush=True)
        if step + 1 >= steps:
            break
    print(f"held-out perplexity {held_out_perplexity(model, held_out_ids, device):.3f}")
    for question in ["Hello!", "What is CALDERA?", "What is a cell?", "Which layers are fragile?"]:
        print(question, "->", answer(model, tokenizer, question, device))
    out.mkdir(parents=True, exist_ok=True)
    save(model, tokenizer, out)


if __name__ == "__main__":
    main()
