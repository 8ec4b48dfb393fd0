#!/usr/bin/env bash
# Makes a worker bundle of this build, installs it as a host would, and runs it with an empty environment.
#   worker_bundle_test.sh BUILD_FOLDER
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$1
work=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; fi; rm -rf "$work"' EXIT
claim() { echo "-- $*"; }
broken() { echo "BROKEN: $*" >&2; exit 1; }
tools=/usr/bin:/bin
install() { env -i PATH="$tools" HOME="$work/home" sh "$root/resources/worker/install_worker.sh" "$@"; }
hash_of() { sha256sum "$1" | cut -d' ' -f1; }
# refused WORDS ARGUMENTS...: the installation fails, says so, and leaves no program behind.
refused() {
    local words=$1 said
    shift
    if said=$(install --to "$work/refused" "$@" 2>&1); then broken "accepted: $words"; fi
    grep -q "$words" <<<"$said" || broken "said \"$said\" instead of \"$words\""
    [ -z "$(find "$work/refused" -name caldera 2>/dev/null)" ] || broken "left a program behind: $words"
}

# A bundle of one script, for everything that must be refused.
small_bundle() {
    local glibc=$1 said=$2 folder=$work/small/caldera-worker
    rm -rf "$work/small"
    mkdir -p "$folder/bin"
    printf '#!/bin/sh\necho "caldera %s"\n' "$said" >"$folder/bin/caldera"
    chmod +x "$folder/bin/caldera"
    printf '{\n  "version": "1.2.3",\n  "architecture": "%s",\n  "glibc": "%s",\n  "driver": "580",\n  "compute_capability": "8.6"\n}\n' \
        "$(uname -m)" "$glibc" >"$folder/BUNDLE.json"
    (cd "$folder" && find . -type f ! -name SHA256SUMS -print0 | xargs -0 sha256sum >SHA256SUMS)
    [ -z "${3:-}" ] || echo tampered >>"$folder/$3"
    tar -C "$work/small" -czf "$work/small.tar.gz" caldera-worker
}
refused_bundle() {
    local words=$1
    shift
    small_bundle "$@"
    refused "$words" --archive "$work/small.tar.gz" --sha256 "$(hash_of "$work/small.tar.gz")"
}

claim "what is wrong with a bundle is said, and nothing is installed"
small_bundle 2.17 1.2.3
refused "does not have the hash" --archive "$work/small.tar.gz" --sha256 "$(printf x | sha256sum | cut -d' ' -f1)"
refused "needs 1.2.4" --archive "$work/small.tar.gz" --sha256 "$(hash_of "$work/small.tar.gz")" --version 1.2.4
refused "64 digits" --archive "$work/small.tar.gz" --sha256 abc
refused "could not be fetched" --url "http://127.0.0.1:9/nothing" --sha256 "$(hash_of "$work/small.tar.gz")"
refused_bundle "needs glibc 9.1 " 9.1 1.2.3
refused_bundle "calls itself" 2.17 6.6.6
refused_bundle "not what it was" 2.17 1.2.3 bin/caldera
refused_bundle "not what it was" 2.17 1.2.3 BUNDLE.json

claim "a driver or a GPU that is too old is noticed before a job is"
mkdir -p "$work/gpu"
card() { printf '#!/bin/sh\necho "%s"\n' "$1" >"$work/gpu/nvidia-smi"; chmod +x "$work/gpu/nvidia-smi"; }
tools=$work/gpu:$tools
card "535.183.01, 9.0"
refused_bundle "driver 580 and this host has 535.183.01" 2.17 1.2.3
card "580.95.05, 8.0"
refused_bundle "8.6 or newer, and this host's has 8.0" 2.17 1.2.3
card "590.44.01, 12.0"
small_bundle 2.17 1.2.3
install --to "$work/accepted" --archive "$work/small.tar.gz" --sha256 "$(hash_of "$work/small.tar.gz")" >/dev/null
tools=/usr/bin:/bin

claim "the bundle of this build"
"$root/packaging/make_bundle.sh" --build "$build" --out "$work/out" --level 1
bundle=$(echo "$work"/out/caldera-worker-*.tar.gz)
hash=$(cut -d' ' -f1 "$bundle.sha256")
[ "$(hash_of "$bundle")" = "$hash" ] || broken "the written hash is another"

claim "a download that broke goes on where it broke"
mkdir -p "$work/home/workers"
head -c 1000000 "$bundle" >"$work/home/workers/$hash.part"
(cd "$work/out" && exec python3 -u "$root/tests/integration/range_server.py" >"$work/port" 2>"$work/served") &
server=$!
until [ -s "$work/port" ]; do kill -0 "$server"; done
program=$(install --url "http://127.0.0.1:$(cat "$work/port")/$(basename "$bundle")" --sha256 "$hash" --to "$work/home/workers" | tail -1)
grep -q 'from 1000000' "$work/served" || broken "the download began anew"
[ ! -e "$work/home/workers/$hash.part" ] || broken "the download was left behind"
rm -rf "$work/out"

claim "an installed bundle is checked and used again"
[ "$(install --archive /nowhere --sha256 "$hash" --to "$work/home/workers" | tail -1)" = "$program" ] || broken "installed twice"

claim "it runs from its folder with an empty environment"
cd "$work"
model=$(dirname "$program")/../share/caldera/demo-model
env -i HOME="$work/home" "$program" info "$model" --json | grep -q '"architecture": "qwen2"' || broken "info"
env -i HOME="$work/home" "$program" compress "$model" --layers 0:1 --out "$work/shard" --json >"$work/compress.json"
[ "$(find "$work/shard/cells" -type f | wc -l)" -ge 7 ] && [ -f "$work/shard/shard.json" ] || broken "compress left no cells"
outside=$(env -i HOME="$work/home" LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu LD_DEBUG=libs "$program" --version 2>&1 |
    sed -n 's/.*calling init: //p' | grep -v "^$work" | grep -vE '/(ld-linux[^/]*|lib(c|m|dl|pthread|rt|resolv|util)\.so\.[0-9]+)$' || true)
[ -z "$outside" ] || broken "libraries of the host are used: $outside"

claim "a changed file is noticed"
chmod u+w "$(dirname "$program")/../BUNDLE.json"
echo >>"$(dirname "$program")/../BUNDLE.json"
if install --archive /nowhere --sha256 "$hash" --to "$work/home/workers" 2>/dev/null; then broken "a changed bundle was accepted"; fi
echo "all claims hold"
