#!/usr/bin/env bash
# Measures the decomposition on a machine with an NVIDIA GPU: encoders and solver against the
# processor, the reference matrix, one block of Qwen2-72B. The most telling steps come first; a
# step that finds no time left is skipped.
#
#   tests/bench/gpu_decompose.sh BUILD_FOLDER [MATRIX.safetensors]
#
# BUILD_FOLDER      outside the source tree; made when missing. Where its program is already
#                   there (CALDERA_BUILT=1), nothing is built.
# MATRIX            a matrix `weight` with its `hessian`, for `caldera decompose`
# CALDERA_SECONDS   for everything but building (140)
# CALDERA_OUT       folder for the JSON documents (BUILD_FOLDER)
# CMAKE_PREFIX_PATH, CALDERA_DEBS: as for gpu_check.sh
set -uo pipefail

if [ $# -lt 1 ]; then
    echo "usage: $0 BUILD_FOLDER [MATRIX.safetensors]" >&2
    exit 2
fi
source_folder=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
matrix=${2:-}
out=${CALDERA_OUT:-$build}

if [ -z "${CALDERA_BUILT:-}" ]; then
    CALDERA_TARGETS="caldera cuda_test decompose_gpu_test evaluate_gpu_test" \
        "$source_folder/tests/bench/gpu_check.sh" "$build" || exit 1
fi
libraries=$(python3 -c "import importlib.util as i; print(i.find_spec('torch').submodule_search_locations[0])" 2>/dev/null)/lib
for folder in "$build/lib" "$build"/debs/usr/lib/*-linux-gnu "$build/debs/usr/lib" "$libraries"; do
    [ -d "$folder" ] && LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
done
export LD_LIBRARY_PATH
find_program() { find "$build" -name "$1" -type f -perm -u+x | head -n 1; }
caldera=$(find_program caldera)

end=$((SECONDS + ${CALDERA_SECONDS:-140}))
status=0
# step SECONDS NAME COMMAND...: the command's last lines, its time and its failure
step() {
    local limit=$1 name=$2 left=$((end - SECONDS)) begun=$SECONDS rc=0
    shift 2
    if [ $left -lt 3 ]; then
        echo "== $name: no time left"
        return
    fi
    [ "$limit" -lt $left ] || limit=$left
    timeout -k 2 "$limit" "$@" >"$out/$name.log" 2>"$out/$name.err" || rc=$?
    echo "== $name: $((SECONDS - begun)) s$([ $rc -eq 0 ] || echo ", exit code $rc")"
    if [ $rc -ne 0 ]; then
        status=1
        tail -n 15 "$out/$name.err"
        grep -E -A 4 'Failure|FAILED|what\(\)' "$out/$name.log" | head -n 40
    fi
}
show() { [ -s "$out/$1.log" ] && grep -E "$2" "$out/$1.log" | head -n "${3:-40}"; }

nvidia-smi --query-gpu=name,driver_version,memory.used --format=csv,noheader || exit 1
step 40 encoders "$(find_program cuda_test)" --gtest_brief=1
show encoders 'PASSED|FAILED|SKIPPED' 5
if [ -n "$matrix" ]; then
    for setting in "trellis 64" "e8p 64" "trellis 0"; do
        read -r codec rank <<<"$setting"
        step 30 "matrix-$codec-$rank" "$caldera" decompose --weight "$matrix" --codec "$codec" --rank "$rank" \
            --device cuda --json
        show "matrix-$codec-$rank" '"(relative_error|seconds|bpw)": ' | tail -n 3 | tr -d '\n'
        echo
    done
fi
step 120 block "$caldera" bench compress --shape qwen2-72b --device cuda --codec trellis --json
[ -s "$out/block.log" ] && head -c 6000 "$out/block.log"
tail -n 12 "$out/block.err"
step 60 solver "$(find_program decompose_gpu_test)" --gtest_brief=1
show solver 'PASSED|FAILED|SKIPPED|error:' 12
step 40 passes "$(find_program evaluate_gpu_test)" --gtest_brief=1
show passes 'PASSED|FAILED|SKIPPED' 8
if command -v compute-sanitizer >/dev/null; then
    step 60 sanitizer compute-sanitizer --tool memcheck --error-exitcode 9 \
        "$(find_program cuda_test)" --gtest_brief=1 --gtest_filter='CudaEncode.*'
    show sanitizer 'ERROR SUMMARY|PASSED' 3
fi
exit $status
