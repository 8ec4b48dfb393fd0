#!/bin/sh
# Installs a worker bundle on a host, without root. POSIX shell: it runs before anything of ours is there.
#   install_worker.sh --sha256 HASH (--url URL | --archive FILE) [--version V] [--to FOLDER]
# Prints the path of the `caldera` program as its last line. Nothing counts as installed before its hash,
# every file's hash, the C library, the GPU's driver and the program's own version have been checked.
set -eu

fail() { printf 'install_worker: %s\n' "$*" >&2; exit 1; }

hash='' url='' archive='' version='' to=$HOME/.local/share/caldera/workers
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || fail "$1 needs a value."
    case $1 in
    --sha256) hash=$2 ;;
    --url) url=$2 ;;
    --archive) archive=$2 ;;
    --version) version=$2 ;;
    --to) to=$2 ;;
    *) fail "unknown option $1; --sha256, --url, --archive, --version and --to are known." ;;
    esac
    shift 2
done
case $hash in *[!0-9a-f]*) fail "the hash has other characters than 0-9 and a-f." ;; esac
[ ${#hash} = 64 ] || fail "a SHA-256 of 64 digits is needed with --sha256."
[ -n "$url$archive" ] || fail "name the bundle with --url or --archive."
for tool in tar gzip sha256sum; do
    command -v $tool >/dev/null || fail "$tool is missing on this host."
done

fact() { sed -n "s/.*\"$1\": \"\\(.*\\)\".*/\\1/p" "$2/BUNDLE.json"; }

# Whether the first version is not newer than the second.
not_newer() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n | head -1)" = "$1" ]; }

# Where no GPU answers (a login node, a machine without one) nothing is known; a job says what it lacks.
check_gpu() {
    driver=$(fact driver "$1")
    [ -n "$driver" ] && command -v nvidia-smi >/dev/null || return 0
    seen=$(nvidia-smi --query-gpu=driver_version,compute_cap --format=csv,noheader 2>/dev/null | head -1) || return 0
    [ -n "$seen" ] || return 0
    not_newer "$driver" "${seen%%,*}" ||
        fail "the bundle needs the NVIDIA driver $driver and this host has ${seen%%,*}. Update the driver, or choose a bundle made with an older CUDA, or one for processors."
    not_newer "$(fact compute_capability "$1")" "${seen##*, }" ||
        fail "the bundle's kernels are for GPUs of compute capability $(fact compute_capability "$1") or newer, and this host's has ${seen##*, }. Build them for it: -DCMAKE_CUDA_ARCHITECTURES."
}

# Checks an unpacked bundle; says what is wrong and fails.
check() {
    (cd "$1" && sha256sum --check --quiet --strict SHA256SUMS) >/dev/null 2>&1 ||
        fail "a file of the bundle is not what it was when it was made; nothing was installed."
    [ "$(fact architecture "$1")" = "$(uname -m)" ] ||
        fail "the bundle is for $(fact architecture "$1"), and this host is $(uname -m)."
    have=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/glibc //')
    [ -n "$have" ] || fail "this host has no GNU C library; one of Debian, Ubuntu, Fedora or the like is needed."
    not_newer "$(fact glibc "$1")" "$have" ||
        fail "the bundle needs glibc $(fact glibc "$1") and this host has $have. Choose a newer image, or build the worker on this host."
    check_gpu "$1"
    [ -z "$version" ] || [ "$(fact version "$1")" = "$version" ] ||
        fail "the bundle is version $(fact version "$1"), and the studio needs $version."
    said=$("$1/bin/caldera" --version 2>&1) || fail "the worker does not run on this host: $(echo "$said" | tail -1)"
    [ "$(echo "$said" | sed -n '1s/caldera //p')" = "$(fact version "$1")" ] ||
        fail "the worker calls itself \"$(echo "$said" | head -1)\", which is not the bundle's version."
}

done_with() {
    ln -s "$1" "$to/current.$$" && mv -T "$to/current.$$" "$to/current"
    echo "$to/$1/bin/caldera"
    exit 0
}

mkdir -p "$to"
short=$(echo "$hash" | cut -c1-16)
if [ -d "$to/$short" ]; then
    check "$to/$short"
    done_with "$short"
fi

# A broken download goes on where it broke: the part is named by the hash that it must have.
if [ -n "$url" ]; then
    archive=$to/$hash.part
    if command -v curl >/dev/null; then
        curl --fail --location --silent --show-error --retry 3 --continue-at - --output "$archive" "$url" ||
            fail "the bundle could not be fetched from $url. Upload it and use --archive."
    elif command -v wget >/dev/null; then
        wget --quiet --continue --tries=3 --output-document="$archive" "$url" ||
            fail "the bundle could not be fetched from $url. Upload it and use --archive."
    else
        fail "neither curl nor wget is here. Upload the bundle and use --archive."
    fi
fi
[ -f "$archive" ] || fail "there is no file $archive."
if [ "$(sha256sum <"$archive" | cut -d' ' -f1)" != "$hash" ]; then
    [ -z "$url" ] || rm -f "$archive"
    fail "the bundle does not have the hash $hash; nothing was installed."
fi

unpacked=$(mktemp -d "$to/unpack.XXXXXX")
trap 'rm -rf "$unpacked"' EXIT INT TERM HUP
tar -xzf "$archive" -C "$unpacked" --strip-components=1 --no-same-owner ||
    fail "the bundle could not be unpacked. Is the disk full?"
[ -f "$unpacked/BUNDLE.json" ] && [ -f "$unpacked/SHA256SUMS" ] || fail "this archive is no worker bundle."
check "$unpacked"
sync
mv "$unpacked" "$to/$short"
[ -z "$url" ] || rm -f "$archive"
done_with "$short"
