#!/bin/sh
# Installs a worker bundle on a host, without root. POSIX shell: it runs before anything of ours is there.
#   install_worker.sh --sha256 HASH [--url URL] [--archive FILE] [--version V] [--to FOLDER] [--for NAME]
# Prints the path of the `caldera` program as its last line. Nothing counts as installed before its hash,
# every file's hash, the C library, the GPU's driver and the program's own version have been checked.
# What is installed and whole is used; what is damaged is installed anew. The archive is taken from FILE if
# it is there, else fetched from URL. Exit code 3: neither gave it, so it has to be uploaded to FILE; 4:
# it could not be unpacked, as a rule for want of room.
# --for names whose sake it runs for, so that its process can be found.
set -eu

fail() { printf 'install_worker: %s\n' "$*" >&2; exit 1; }
lacks() { printf 'install_worker: %s\n' "$*" >&2; exit 3; }
full() { printf 'install_worker: %s\n' "$*" >&2; exit 4; }

hash='' url='' archive='' version='' to=$HOME/.local/share/caldera/workers
while [ $# -gt 0 ]; do
    case $1 in --for=*) shift; continue ;; esac
    [ $# -ge 2 ] || fail "$1 needs a value."
    case $1 in
    --sha256) hash=$2 ;;
    --url) url=$2 ;;
    --archive) archive=$2 ;;
    --version) version=$2 ;;
    --to) to=$2 ;;
    *) fail "unknown option $1; --sha256, --url, --archive, --version, --to and --for= are known." ;;
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

# Whether every file of an unpacked bundle is what it was when it was made.
whole() { [ -f "$1/BUNDLE.json" ] && (cd "$1" && sha256sum --check --quiet --strict SHA256SUMS) >/dev/null 2>&1; }

# Whether a whole bundle suits this host; says what is wrong and fails.
check() {
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

unpacked='' child=''
trap '[ -z "$child" ] || kill "$child" 2>/dev/null || true; [ -z "$unpacked" ] || rm -rf "$unpacked"' EXIT
trap 'exit 1' INT TERM HUP
# In the background, so that a signal is heard at once; it goes with us.
run() {
    "$@" </dev/null &
    child=$!
    wait "$child" || { code=$?; child=''; return $code; }
    child=''
}

mkdir -p "$to"
short=$(echo "$hash" | cut -c1-16)

# One installation at a time; another one waits, and finds what the first has installed. Where the disk
# knows no locks both work, and the last rename counts.
wait_for_others() {
    command -v flock >/dev/null || return 0
    exec 9>"$to/.lock"
    waited=0
    while ! said=$(flock -n 9 2>&1); do
        [ -z "$said" ] || return 0
        [ $waited -lt 3600 ] || fail "another installation in $to did not end within an hour. Is it stuck?"
        run sleep 1
        waited=$((waited + 1))
    done
}
wait_for_others

if [ -d "$to/$short" ]; then
    if whole "$to/$short"; then
        check "$to/$short"
        done_with "$short"
    fi
    echo "install_worker: what is installed is damaged, and is installed anew." >&2
fi

right() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$hash" ]; }

# A broken download goes on where it broke: the part is named by the hash that it must have.
fetch() {
    if command -v curl >/dev/null; then
        for wait in 1 2 4 0; do # curl's own --retry would begin anew
            run curl --fail --location --silent --show-error --continue-at - --output "$1" "$url" && return
            ! right "$1" || return 0
            run sleep $wait
        done
    elif command -v wget >/dev/null; then
        run wget --quiet --continue --tries=3 --output-document="$1" "$url" && return
    else
        lacks "neither curl nor wget is here. Upload the bundle and use --archive."
    fi
    right "$1" || lacks "the bundle could not be fetched from $url. Upload it and use --archive."
}

if ! right "$archive"; then
    wrong=''
    [ ! -f "$archive" ] || wrong="the bundle does not have the hash $hash; nothing was installed."
    [ -n "$url" ] || lacks "${wrong:-there is no file $archive.}"
    archive=$to/$hash.part
    fetch "$archive"
    if ! right "$archive"; then
        rm -f "$archive"
        lacks "the bundle does not have the hash $hash; nothing was installed."
    fi
fi

unpacked=$(mktemp -d "$to/unpack.XXXXXX")
run tar -xzf "$archive" -C "$unpacked" --strip-components=1 --no-same-owner ||
    full "the bundle could not be unpacked. Is the disk full?"
[ -f "$unpacked/BUNDLE.json" ] && [ -f "$unpacked/SHA256SUMS" ] || fail "this archive is no worker bundle."
whole "$unpacked" || fail "a file of the bundle is not what it was when it was made; nothing was installed."
check "$unpacked"
sync
if [ -d "$to/$short" ]; then # damaged; who works with it keeps the files that are open
    old=$(mktemp -d "$to/unpack.XXXXXX")
    mv "$to/$short" "$old/"
    mv -T "$unpacked" "$to/$short"
    rm -rf "$old"
else
    mv -T "$unpacked" "$to/$short"
fi
unpacked=''
[ "$archive" != "$to/$hash.part" ] || rm -f "$archive"
done_with "$short"
