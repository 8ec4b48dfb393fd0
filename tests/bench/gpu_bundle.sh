#!/usr/bin/env bash
# Makes the worker bundle of a CUDA build on a machine with an NVIDIA GPU, installs it as a host would, and works
# with it in an empty environment: everything that a job does on the GPU, and the artifact of the build itself.
#
#   tests/bench/gpu_bundle.sh BUILD_FOLDER
#
# BUILD_FOLDER  made by gpu_check.sh (CALDERA_TARGETS=caldera is enough); its debs/ are used where they are
# Needs patchelf, and 15 GB below BUILD_FOLDER.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 BUILD_FOLDER" >&2
    exit 2
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
broken() { echo "BROKEN: $*" >&2; exit 1; }

# The build's own libraries, where they were unpacked and not installed.
for folder in "$build"/debs/usr/lib/*-linux-gnu "$build"/debs/usr/lib/*-linux-gnu/hdf5/serial "$build/debs/usr/lib"; do
    [ ! -d "$folder" ] || LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
[ ! -x "$build/debs/usr/bin/patchelf" ] || PATH=$PATH:$build/debs/usr/bin
export LD_LIBRARY_PATH PATH
nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader || broken "there is no GPU here"
grep PRETTY /etc/os-release; getconf GNU_LIBC_VERSION

out=$build/bundle
rm -rf "$out"
begun=$SECONDS
"$root/packaging/make_bundle.sh" --build "$build" --out "$out" --level 1
echo "== packed in $((SECONDS - begun)) s"

archive=$(echo "$out"/caldera-worker-*-cuda-*.tar.gz)
home=$out/home
mkdir -p "$home"
begun=$SECONDS
program=$(env -i PATH=/usr/bin:/bin HOME="$home" sh "$root/resources/worker/install_worker.sh" --archive "$archive" \
    --sha256 "$(cut -d' ' -f1 "$archive.sha256")" | tail -1)
echo "== installed in $((SECONDS - begun)) s: $program"
rm "$archive"

# An image's own libraries, wherever it says they are, must not come first.
worker() { (cd "$home" && env -i HOME="$home" LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu:/usr/local/cuda/lib64 "$program" "$@"); }
model=$(dirname "$program")/../share/caldera/demo-model
worker --version
step() {
    local name=$1 begun=$SECONDS
    shift
    "$@" >"$out/$name.log" 2>"$out/$name.err" || { tail -n 15 "$out/$name.err"; broken "$name"; }
    echo "== $name: $((SECONDS - begun)) s"
}
step fidelity worker fidelity "$model" --metric proxy,kl,sipit,lens --calibration-tokens 4096 --text-tokens 256 \
    --device cuda --out "$home/fidelity.h5" --json
step compress worker compress "$model" --calibration-tokens 4096 --device cuda --out "$home/artifact" --json
step evaluate worker evaluate "$home/artifact" --reference "$model" --max-tokens 2048 --context 512 --device cuda --json
step chat worker chat "$home/artifact" --device cuda --max-tokens 16 --seed 1 --prompt "What is CALDERA?"
tail -n 3 "$out/chat.log"
# With the bundle's libraries: another cuBLAS rounds otherwise, and so makes another artifact.
step here env LD_LIBRARY_PATH="$(dirname "$program")/../lib:$LD_LIBRARY_PATH" "$build/app/cli/caldera" compress "$model" --calibration-tokens 4096 --device cuda --out "$home/here" --json
hash_in() { sed -n 's/.*"hash": "\([0-9a-f]*\)".*/\1/p' "$1"; }
[ -n "$(hash_in "$out/here.log")" ] && [ "$(hash_in "$out/here.log")" = "$(hash_in "$out/compress.log")" ] ||
    broken "the bundle makes another artifact than the build: $(hash_in "$out/compress.log"), $(hash_in "$out/here.log")"
grep -E '"(perplexity|kl_mean)"' "$out/evaluate.log" | head -n 4

outside=$(cd "$home" && env -i HOME="$home" LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu:/usr/local/cuda/lib64 LD_DEBUG=libs \
    "$program" evaluate "$home/artifact" --reference "$model" --max-tokens 256 --context 256 --device cuda --json 2>&1 >/dev/null |
    sed -n 's/.*calling init: //p' | grep -v "^$home" |
    grep -vE '/(ld-linux[^/]*|lib(c|m|dl|pthread|rt|resolv|util|cuda|nvidia-[a-z]*)\.so\.[0-9.]+)$' || true)
[ -z "$outside" ] || broken "libraries of the host are used: $outside"
echo "all claims hold"
