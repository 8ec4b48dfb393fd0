#!/usr/bin/env bash
# Makes the worker bundle: `caldera` with every library it needs, in one archive that runs from any
# folder of any Linux whose glibc is not older than the report says.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: packaging/make_bundle.sh [--build FOLDER] [--out FOLDER] [--also FILE]... [--level 1..9]

  --build   a finished build; one with CUDA gives the CUDA bundle (default: build/cpu)
  --out     where the archive, its .sha256 and its .json go (default: build/bundle)
  --also    a further library that is only loaded by name at run time (repeatable)
  --level   of gzip (default: 6)
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
die() { printf 'make_bundle: %s\n' "$*" >&2; exit 1; }

# These belong to the machine: the C library with its loader, and the driver.
is_of_the_host() {
    case $1 in
    ld-linux*|libc.so.*|libm.so.*|libmvec.so.*|libpthread.so.*|libdl.so.*|librt.so.*|libutil.so.*|libresolv.so.*|libanl.so.*|libnss_*|linux-vdso*) true ;;
    libcuda.so.*|libnvidia-*) true ;;
    *) false ;;
    esac
}

# Prints the paths of all libraries that the given files need, one a line. The driver's may be missing here.
libraries_of() {
    ldd "$@" | awk '/not found/ && $1 !~ /^lib(cuda\.so|nvidia-)/ { print "missing " $1; exit 1 } $2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u
}

# LibTorch loads these by name when a computation first needs them: solvers, and the compiler of small kernels
# with its tables. cuDNN's engines are left out (half a gigabyte): nothing here convolves.
loaded_by_name() {
    local needed torch nvrtc
    needed=$(ldd "$program")
    torch=$(awk '$1 == "libtorch_cuda.so" { print $3 }' <<<"$needed")
    [ -n "$torch" ] || return 0
    find "$(dirname "$torch")" -maxdepth 1 \( -name libtorch_cuda_linalg.so -o -name libcaffe2_nvrtc.so \)
    nvrtc=$(ldd "$(dirname "$torch")/libcaffe2_nvrtc.so" 2>/dev/null | awk '$1 ~ /^libnvrtc/ { print $3 }')
    [ -z "$nvrtc" ] || find -L "$(dirname "$nvrtc")" -maxdepth 1 -name 'libnvrtc-builtins.so.*'
}

# "CUDA DRIVER": the oldest that the bundle's CUDA runs on, by NVIDIA's table of minor version compatibility.
oldest_driver() {
    local runtime
    runtime=$(cd "$stage/lib" && echo libcudart.so.*)
    case $runtime in
    libcudart.so.12*) echo 12.0 525 ;;
    libcudart.so.13*) echo 13.0 580 ;;
    *) die "the driver that \"$runtime\" needs is not known. Add it to oldest_driver in $0." ;;
    esac
}

# The compute capability of the oldest GPU that the kernels were compiled for, such as 8.6.
oldest_gpu() {
    local lowest
    lowest=$(grep -oh 'arch=compute_[0-9]*' "$build/build.ninja" 2>/dev/null | sed 's/.*_//' | sort -nu | head -1)
    [ -n "$lowest" ] || die "$build/build.ninja does not say for which GPUs its kernels are; configure with -DCMAKE_CUDA_ARCHITECTURES=86 or a list of others."
    echo "${lowest%?}.${lowest: -1}"
}

copy_libraries() {
    local path name
    while read -r path; do
        case $path in missing*) die "a library of the build was not found: ${path#missing }. Is LD_LIBRARY_PATH set as for the build?" ;; esac
        name=$(basename "$path")
        is_of_the_host "$name" || cp -L "$path" "$stage/lib/$name"
    done
}

# "VERSION FILE" for every version of glibc's symbols that a file asks for, newest last.
glibc_versions() {
    find "$stage/bin" "$stage/lib" -type f | while read -r file; do
        readelf --version-info --wide "$file" 2>/dev/null | grep -o 'Name: GLIBC_[0-9.]*' |
            sed "s|.*_||; s|\$| $(basename "$file")|" || true
    done | sort -uV
}

relocate() {
    # DT_RPATH, not DT_RUNPATH: images for GPUs set LD_LIBRARY_PATH, and other libraries would come first.
    chmod -R u+w "$stage"
    patchelf --force-rpath --set-rpath '$ORIGIN/../lib' "$stage/bin/caldera"
    find "$stage/lib" -type f -print0 | xargs -0 -P 2 -n 1 patchelf --force-rpath --set-rpath '$ORIGIN'
}

copy_resources() {
    mkdir -p "$stage/share/caldera"
    cp -r "$root/resources/calibration" "$root/resources/demo-model" "$root/resources/worker" "$stage/share/caldera/"
    cp "$root/resources/LICENSES/third-party.md" "$root/LICENSE" "$stage/share/caldera/"
}

write_facts() {
    cat >"$stage/BUNDLE.json" <<JSON
{
  "format": "caldera-bundle/1",
  "version": "$version",
  "commit": "$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)",
  "backend": "$backend",
  "architecture": "$architecture",
  "glibc": "$glibc",
  "cuda": "$cuda",
  "driver": "$driver",
  "compute_capability": "$gpu"
}
JSON
    (cd "$stage" && find . -type f ! -name SHA256SUMS -print0 | LC_ALL=C sort -z | xargs -0 sha256sum >SHA256SUMS)
}

build=$root/build/cpu
out=$root/build/bundle
level=6
also=()
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=${2:?}; shift 2 ;;
    --out) out=${2:?}; shift 2 ;;
    --also) also+=("${2:?}"); shift 2 ;;
    --level) level=${2:?}; shift 2 ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
done

program=$build/app/cli/caldera
[ -x "$program" ] || die "there is no $program. Build the target caldera first, or name the build with --build."
command -v patchelf >/dev/null || die "patchelf is missing; packaging/bootstrap.sh build installs it."
facts=$("$program" --version)
version=$(sed -n '1s/caldera //p' <<<"$facts")
backend=cpu
grep -q 'CUDA kernels: yes' <<<"$facts" && backend=cuda
architecture=$(uname -m)
name=caldera-worker-$version-$backend-$architecture

mkdir -p "$out"
work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
stage=$work/$name
mkdir -p "$stage/bin" "$stage/lib"
cp "$program" "$stage/bin/caldera"
mapfile -t named < <(loaded_by_name)
also+=(${named[@]+"${named[@]}"})
libraries_of "$program" ${also[@]+"${also[@]}"} | copy_libraries
for file in ${also[@]+"${also[@]}"}; do cp -L "$file" "$stage/lib/"; done
relocate
versions=$(glibc_versions)
glibc=$(tail -1 <<<"$versions" | cut -d' ' -f1)
cuda='' driver='' gpu=''
if [ "$backend" = cuda ]; then
    driver=$(oldest_driver)
    cuda=${driver% *} driver=${driver#* }
    gpu=$(oldest_gpu)
fi
env -i "$stage/bin/caldera" --version >/dev/null || die "the packed program does not run from its folder."
copy_resources
write_facts
# The same build gives the same bytes: order, times, owners and gzip's header are fixed.
tar -C "$work" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - "$name" |
    gzip -n "-$level" >"$work/$name.tar.gz"
hash=$(sha256sum "$work/$name.tar.gz" | cut -d' ' -f1)
mv "$work/$name.tar.gz" "$out/$name.tar.gz"
printf '%s  %s\n' "$hash" "$name.tar.gz" >"$out/$name.tar.gz.sha256"
cp "$stage/BUNDLE.json" "$out/$name.json"
echo "$out/$name.tar.gz"
echo "SHA-256 $hash"
echo "$(du -h "$out/$name.tar.gz" | cut -f1) packed, $(du -sh "$stage" | cut -f1) unpacked, $(find "$stage/lib" -type f | wc -l) libraries"
echo "needs glibc $glibc or newer (because of$(grep "^$glibc " <<<"$versions" | cut -d' ' -f2 | tr '\n' ' ' | sed 's/^/ /; s/ $//'))"
if [ "$backend" = cuda ]; then echo "needs the NVIDIA driver $driver or newer, and a GPU of compute capability $gpu or newer"; fi
