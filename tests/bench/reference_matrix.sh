#!/usr/bin/env bash
# Decomposes the reference matrix in the four settings of docs/benchmarks.md over seeds 0 to 4 and
# prints the mean relative errors. Exits with 1 when a mean is above its goal.
#
#   tests/bench/reference_matrix.sh CALDERA MATRIX.safetensors [OPTION ...]
#
# MATRIX   a matrix `weight` with its `hessian`
# OPTION   of `caldera decompose`, as --device cuda
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 CALDERA MATRIX.safetensors [OPTION ...]" >&2
    exit 2
fi
caldera=$1
matrix=$2
options=("${@:3}")

status=0
# check GOAL CODEC RANK FACTOR_BITS: the mean over the seeds against its goal
check() {
    local goal=$1 codec=$2 rank=$3 bits=$4 seed report error
    local errors=()
    for seed in 0 1 2 3 4; do
        report=$("$caldera" decompose --weight "$matrix" --codec "$codec" --bits 2 --rank "$rank" \
            --factor-bits "$bits" --seed "$seed" --json "${options[@]}")
        error=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["relative_error"])' <<<"$report")
        errors+=("$error")
    done
    printf '%s\n' "${errors[@]}" | awk -v goal="$goal" -v name="$codec, rank $rank, $bits-bit factors" '
        { sum += $1 }
        END {
            missed = sum / NR > goal
            printf "%s: %.4f, goal %s%s\n", name, sum / NR, goal, missed ? ": missed" : ""
            exit missed
        }' || status=1
}

check 0.0925 trellis 64 4
check 0.1450 trellis 0 4
check 0.0817 trellis 64 16
check 0.1032 e8p 64 4
exit $status
