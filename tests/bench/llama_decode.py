#!/usr/bin/env python3
"""How fast llama.cpp answers and reads prompts, in the windows of cpu_decode.cpp.

    tests/bench/llama_decode.py MODEL.gguf TEXT THREADS WINDOWS

Needs the package llama-cpp-python.
"""
import os
import statistics
import sys
import time

import llama_cpp

START, ANSWER, PROMPT = 8, 25, 512


def main(path, text, threads, windows):
    model = llama_cpp.Llama(path, n_ctx=1024, n_threads=threads, n_threads_batch=threads, n_batch=PROMPT,
                            n_ubatch=PROMPT, verbose=False)
    with open(text, "rb") as file:
        tokens = model.tokenize(file.read(1 << 18))[:PROMPT]

    def forget():
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(model.ctx), True)

    def append(part):
        array = (llama_cpp.llama_token * len(part))(*part)
        if llama_cpp.llama_decode(model.ctx, llama_cpp.llama_batch_get_one(array, len(part))) != 0:
            sys.exit("llama_decode failed")
        llama_cpp.llama_get_logits(model.ctx)

    answers, prompts = [], []
    for window in range(windows):
        forget()
        append(tokens[:START])
        begin = time.perf_counter()
        for token in tokens[START:START + ANSWER]:
            append([token])
        answers.append(ANSWER / (time.perf_counter() - begin))
        if window % 3 == 0:
            forget()
            begin = time.perf_counter()
            append(tokens)
            prompts.append(PROMPT / (time.perf_counter() - begin))
    print(f"{os.path.getsize(path) / 1e6:.1f} MB")
    for what, speeds in (("answers", answers), (f"prompts of {PROMPT}", prompts)):
        print(f"{what}: median {statistics.median(speeds):.1f} tok/s, best {max(speeds):.1f}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
