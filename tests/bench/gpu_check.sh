#!/usr/bin/env bash
# Builds the CUDA engine on a machine with an NVIDIA GPU and runs every test of it.
#
#   tests/bench/gpu_check.sh BUILD_FOLDER
#
# BUILD_FOLDER      outside the source tree; made when missing, reused when not
# CMAKE_PREFIX_PATH a CUDA LibTorch; else the installed PyTorch is asked
# CALDERA_TARGETS   only these are built, for the GPU at hand, and nothing is run
# CALDERA_ARCHITECTURES  GPUs to compile for, e.g. 86-virtual: what an RTX 3090 runs, on any later GPU
# CALDERA_DEBS      folder of .deb files to unpack (not install) for libraries the machine lacks
# Needs nvcc (on PATH or in /usr/local/cuda/bin), CMake and Ninja; neither Qt nor network nor root.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 BUILD_FOLDER (outside the source tree)" >&2
    exit 2
fi
source_folder=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
build_folder=$(cd "$1" && pwd)
case "$build_folder/" in
"$source_folder"/*)
    echo "$0: $build_folder lies in the source tree; choose a folder outside of it." >&2
    exit 2
    ;;
esac

unpack_debs() {
    local prefix=$build_folder/debs multiarch
    multiarch=$(gcc -print-multiarch)
    multiarch=${multiarch:-x86_64-linux-gnu}
    mkdir -p "$prefix"
    local deb
    for deb in "$CALDERA_DEBS"/*.deb; do
        dpkg -x "$deb" "$prefix"
    done
    # The .pc files name /usr; let pkg-config put the prefix before it.
    local pc
    find "$prefix" -name '*.pc' -print0 | while IFS= read -r -d '' pc; do
        sed -i "s|^prefix=/usr\$|prefix=$prefix/usr|; s|=/usr/|=$prefix/usr/|" "$pc"
    done
    local libraries=$prefix/usr/lib/$multiarch
    export PKG_CONFIG_PATH=$libraries/pkgconfig:$prefix/usr/lib/pkgconfig:$prefix/usr/share/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    export CPATH=$prefix/usr/include:$prefix/usr/include/hdf5/serial${CPATH:+:$CPATH}
    export LIBRARY_PATH=$libraries:$prefix/usr/lib${LIBRARY_PATH:+:$LIBRARY_PATH}
    export LD_LIBRARY_PATH=$libraries:$libraries/hdf5/serial:$prefix/usr/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    deb_prefix=$prefix/usr
}

deb_prefix=
if [ -n "${CALDERA_DEBS:-}" ]; then
    unpack_debs
fi
command -v nvcc >/dev/null || export PATH=/usr/local/cuda/bin:$PATH
command -v nvcc >/dev/null || {
    echo "$0: nvcc is neither on PATH nor in /usr/local/cuda/bin; install the CUDA Toolkit." >&2
    exit 1
}
if [ -z "${CMAKE_PREFIX_PATH:-}" ]; then
    CMAKE_PREFIX_PATH=$(python3 -c "import torch; print(torch.utils.cmake_prefix_path)") || {
        echo "$0: no PyTorch in python3; set CMAKE_PREFIX_PATH to a CUDA LibTorch." >&2
        exit 1
    }
fi
prefixes=${CMAKE_PREFIX_PATH//:/;}${deb_prefix:+;$deb_prefix}
unset CMAKE_PREFIX_PATH

cd "$source_folder"
started=$SECONDS
targets=()
architectures=()
if [ -n "${CALDERA_TARGETS:-}" ]; then
    read -r -a targets <<<"--target $CALDERA_TARGETS"
    CALDERA_ARCHITECTURES=${CALDERA_ARCHITECTURES:-native}
fi
if [ -n "${CALDERA_ARCHITECTURES:-}" ]; then
    architectures=("-DCMAKE_CUDA_ARCHITECTURES=$CALDERA_ARCHITECTURES")
fi
cmake --preset engine -B "$build_folder" "-DCMAKE_PREFIX_PATH=$prefixes" "${architectures[@]}" \
    >"$build_folder/configure.log" 2>&1 || {
    tail -n 40 "$build_folder/configure.log"
    echo "$0: configuring failed; the whole log is $build_folder/configure.log." >&2
    exit 1
}
cmake --build "$build_folder" "${targets[@]}" >"$build_folder/build.log" 2>&1 || {
    grep -E -A 12 'FAILED|error' "$build_folder/build.log" | head -n 120
    echo "$0: building failed; the whole log is $build_folder/build.log." >&2
    exit 1
}
built=$((SECONDS - started))
if [ -n "${CALDERA_TARGETS:-}" ]; then
    echo "== Built in ${built}s: $CALDERA_TARGETS"
    exit 0
fi

# Contexts of 8192 tokens take minutes under memcheck, and so does racecheck of long ones. cuBLAS waits
# in ways that racecheck does not know, so it sees no products of prompts; nor tests of residuals,
# see docs/benchmarks.md.
kernels_for_memcheck='-*t8192*'
kernels_for_synccheck='CudaStep.*:*Residuals*:*SeesTheWhole*-*t8192*'
kernels_for_racecheck='CudaStep.*:*SeesTheWholeContext/h3kv1d64b16t5s2i16'

status=0
ctest --test-dir "$build_folder" --output-on-failure -j "$(nproc)" \
    >"$build_folder/test.log" 2>&1 || status=$?
[ $status -eq 0 ] || grep -E -v '^ *[0-9]+/[0-9]+ Test.*Passed|^ *Start ' "$build_folder/test.log" |
    tail -n 150

echo
echo "== Card and driver"
nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader ||
    echo "no nvidia-smi: there is no usable GPU here"
nvcc --version | tail -n 2 | head -n 1
echo "== Tests (built in ${built}s)"
sed -n '/tests passed/,$p' "$build_folder/test.log"
"$build_folder/tests/kernels/cuda_test" --gtest_filter='*HasRoomFor*' | grep KiB || status=1
if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck synccheck racecheck; do
        filter=kernels_for_$tool
        echo "== $tool"
        compute-sanitizer --tool "$tool" --error-exitcode 1 "$build_folder/tests/kernels/cuda_test" \
            --gtest_filter="${!filter}" | tail -n 2 || status=1
    done
fi
exit $status
