#!/usr/bin/env bash
# Compiles the processors' kernels for 64-bit ARM and runs their tests in an emulator.
#
#   tests/arm/run.sh BUILD_FOLDER [gtest options]
#
# Needs, on Debian: g++-aarch64-linux-gnu, qemu-user-static, libgtest-dev, ninja-build and cmake, and the
# .deb files of libhwy1 and libhwy-dev for arm64 in BUILD_FOLDER/debs:
#
#   dpkg --add-architecture arm64 && apt-get update && apt-get download libhwy1:arm64 libhwy-dev:arm64
set -euo pipefail

if [ $# -lt 1 ]; then
    echo "usage: $0 BUILD_FOLDER [gtest options]" >&2
    exit 2
fi
source_folder=$(cd "$(dirname "$0")" && pwd)
build=$1
shift
for tool in aarch64-linux-gnu-g++ qemu-aarch64-static; do
    command -v "$tool" >/dev/null || { echo "$0: $tool is missing; see the head of this file." >&2; exit 1; }
done
compgen -G "$build/debs/libhwy*_arm64.deb" >/dev/null ||
    { echo "$0: there is no libhwy for arm64 in $build/debs; see the head of this file." >&2; exit 1; }
build=$(cd "$build" && pwd)
for deb in "$build"/debs/libhwy*_arm64.deb; do
    dpkg -x "$deb" "$build/hwy"
done
cmake -S "$source_folder" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux \
    -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ "-DCALDERA_HWY=$build/hwy" \
    >"$build/configure.log" || { cat "$build/configure.log" >&2; exit 1; }
cmake --build "$build" --target kernels_test
LD_LIBRARY_PATH= qemu-aarch64-static -L /usr/aarch64-linux-gnu \
    -E "LD_LIBRARY_PATH=$build/hwy/usr/lib/aarch64-linux-gnu" "$build/kernels_test" "$@"
