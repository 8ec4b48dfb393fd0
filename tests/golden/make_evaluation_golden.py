#!/usr/bin/env python3
"""What transformers says about a text and about questions: perplexity, KL divergence, log-likelihoods.

    python make_evaluation_golden.py demo                  evaluation/demo.json
    python make_evaluation_golden.py smollm2 FILE.gguf     evaluation/smollm2.json

Needs torch, transformers, safetensors and gguf. Run once; the result is committed. The divergence
is that of a model whose block matrices are rounded to multiples of 1/64 from the model itself.
"""
import json
import pathlib
import sys

import torch
import transformers
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
TEXT = ROOT / "resources" / "demo-model" / "heldout.txt"
SETTINGS = {"demo": dict(context=128, tokens=4000), "smollm2": dict(context=512, tokens=1024)}


def open_model(path):
    path = pathlib.Path(path)
    options = {"gguf_file": path.name} if path.suffix == ".gguf" else {}
    folder = path.parent if options else path
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    if options:  # transformers does not read the pre-tokenizer of SmolLM2 ("smollm") from GGUF files
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options).eval()
    return model, tokenizer


def log_probabilities(model, ids):
    with torch.no_grad():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)


def scores(model, ids, context):
    """Of every predicted token: log-probabilities [n, vocabulary] and the token."""
    rows, targets = [], []
    for first in range(0, len(ids), context):
        window = ids[first:first + context]
        if len(window) > 1:
            rows.append(log_probabilities(model, window)[:-1])
            targets += window[1:]
    return torch.cat(rows), torch.tensor(targets)


def rounded(model):
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if name.endswith("_proj.weight"):
                tensor.copy_((tensor * 64).round() / 64)
    return model


def prompts(question):
    """The context and the continuation of every choice, and the answer."""
    if "goal" in question:
        context = f"Question: {question['goal']}\nAnswer:"
        return [(context, " " + question[key]) for key in ("sol1", "sol2")], question["label"]
    if "ctx" in question:
        context = f"{question['activity_label']}: {question['ctx']}"
        return [(context, " " + ending) for ending in question["endings"]], int(question["label"])
    if "sentence" in question:
        before, after = question["sentence"].split("_")
        options = [question["option1"], question["option2"]]
        return [(before + option, " " + after.strip()) for option in options], int(question["answer"]) - 1
    if "question" in question:
        stem, choices = question["question"]["stem"], question["question"]["choices"]
        labels = [choice["label"] for choice in choices]
        return ([(f"Question: {stem}\nAnswer:", " " + choice["text"]) for choice in choices],
                labels.index(question["answerKey"]))
    if "contexts" in question:
        return [(context, question["continuation"]) for context in question["contexts"]], question["answer"]
    return [(question["context"], choice) for choice in question["choices"]], question["answer"]


def likelihoods(model, tokenizer, pairs):
    sums = []
    for context, continuation in pairs:
        ids = tokenizer.encode(context + continuation, add_special_tokens=False)
        begin = len(tokenizer.encode(context, add_special_tokens=False))
        rows = log_probabilities(model, ids)
        sums.append(sum(float(rows[place - 1, ids[place]]) for place in range(begin, len(ids))))
    return sums


def main():
    name = sys.argv[1]
    path = ROOT / "resources" / "demo-model" if name == "demo" else sys.argv[2]
    model, tokenizer = open_model(path)
    settings = SETTINGS[name]
    ids = tokenizer.encode(TEXT.read_text(), add_special_tokens=False)[:settings["tokens"]]
    questions = [json.loads(line) for line in (HERE / "evaluation" / "questions.jsonl").read_text().splitlines()]
    choices = [dict(answer=answer, likelihoods=likelihoods(model, tokenizer, pairs))
               for pairs, answer in map(prompts, questions)]
    original, targets = scores(model, ids, settings["context"])
    coarse, _ = scores(rounded(model), ids, settings["context"])
    loss = lambda rows: -rows.gather(1, targets[:, None]).double()
    divergence = (original.exp() * (original - coarse)).sum(1)
    best = [rows.topk(5).indices for rows in (original, coarse)]
    shared = (best[0][:, :, None] == best[1][:, None, :]).sum((1, 2)).double() / 5
    result = dict(made_with=f"transformers {transformers.__version__}, torch {torch.__version__}", **settings,
                  predicted=len(targets), perplexity=float(loss(original).mean().exp()),
                  rounded_perplexity=float(loss(coarse).mean().exp()), kl_mean=float(divergence.mean()),
                  kl_median=float(divergence.quantile(0.5)), kl_p99=float(divergence.quantile(0.99)),
                  kl_max=float(divergence.max()),
                  top1_agreement=float((best[0][:, 0] == best[1][:, 0]).double().mean()),
                  top5_agreement=float(shared.mean()), questions=choices)
    (HERE / "evaluation" / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print({key: value for key, value in result.items() if key != "questions"})


if __name__ == "__main__":
    main()
