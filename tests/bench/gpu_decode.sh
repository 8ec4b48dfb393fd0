#!/usr/bin/env bash
# Prints what docs/benchmarks.md says about decoding on a GPU.
#
#   tests/bench/gpu_decode.sh CALDERA
#
# CALDERA  the program, built with CUDA.
set -euo pipefail

if [ $# -ne 1 ] || [ ! -x "$1" ]; then
    echo "usage: $0 CALDERA (the program)" >&2
    exit 2
fi
caldera=$1
gemv() { "$caldera" bench gemv --device cuda "$@"; }

nvidia-smi --query-gpu=name,driver_version,clocks.sm --format=csv,noheader
echo "== One product, 2 bits"
gemv --rows 29568,29568 --columns 8192
gemv --rows 8192 --columns 29568
gemv --rows 8192 --columns 8192
gemv --rows 8192,1024,1024 --columns 8192
gemv --rows 29568,29568 --columns 8192 --activation-bits 16
echo "== Other codes, gate and up"
for codec in trellis-v4k6m6 trellis-v4k10m4 trellis-v2k6m6 trellis-v2k8m4; do
    gemv --codec "$codec" --rows 29568,29568 --columns 8192
done
echo "== e8p-2"
gemv --codec e8p-2 --rows 29568,29568 --columns 8192
gemv --codec e8p-2 --rows 8192 --columns 29568
gemv --codec e8p-2 --rows 8192 --columns 8192
gemv --codec e8p-2 --rows 8192,1024,1024 --columns 8192
echo "== L R"
for rank in 64 256; do
    gemv --rows 29568,29568 --columns 8192 --rank "$rank"
    gemv --rows 8192 --columns 29568 --rank "$rank"
    gemv --rows 8192 --columns 8192 --rank "$rank"
    gemv --rows 8192,1024,1024 --columns 8192 --rank "$rank"
done
echo "== Whole steps"
"$caldera" bench decode --rank 64 --prompt 1024,2048,8192
echo "== Short prompts: the last that goes by steps has 64 tokens"
"$caldera" bench decode --rank 64 --kv-bits 8 --prompt 2,8,16,32,64,65
"$caldera" bench decode --rank 0
echo "== Memory: 2.1 bits a weight, and 2.2 with keys and values of 8 bits"
"$caldera" bench decode --rank 128 --prompt 2048
"$caldera" bench decode --rank 256 --kv-bits 8 --prompt 2048
echo "== Longer contexts, several chats, a smaller model"
"$caldera" bench decode --rank 64 --position 8191 --kv-bits 8
"$caldera" bench decode --rank 64 --context 2048 --chats 1,2,4,8,16
"$caldera" bench decode --shape qwen2-7b --rank 64 --prompt 8,64,65
