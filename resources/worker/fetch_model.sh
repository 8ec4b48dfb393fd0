#!/bin/sh
# Brings a model from the hub into a host's Hugging Face cache, without Python. POSIX shell.
#   fetch_model.sh OWNER/NAME --cache FOLDER [--hub URL] [--for=NAME]     token of the hub: one line on standard input, else the host's own, or none
# Prints "progress DONE TOTAL" (bytes) now and then. A broken download goes on where it broke; a file counts when
# its size, and its SHA-256 where the hub tells one, is right; the model counts when all of them do.
# It goes on when whoever started it is gone, and ends on SIGTERM; --for names whose sake it runs for, so that it is found.
set -eu

fail() { printf 'fetch_model: %s\n' "$*" >&2; exit 1; }

model='' cache='' hub=https://huggingface.co
while [ $# -gt 0 ]; do
    case $1 in
    --cache) cache=${2:?}; shift 2 ;;
    --hub) hub=${2:?}; shift 2 ;;
    --for=*) shift ;;
    *) model=$1; shift ;;
    esac
done
case $model in */*/*|/*|*/|*[!A-Za-z0-9._/-]*|*..*) fail "\"$model\" is no name of the hub; OWNER/NAME was needed." ;; */*) ;; *) fail "\"$model\" is no name of the hub; OWNER/NAME was needed." ;; esac
[ -n "$cache" ] || fail "name the cache's folder with --cache."
for tool in curl sed sha256sum; do
    command -v $tool >/dev/null || fail "$tool is missing on this host."
done
token=''
[ -t 0 ] || IFS= read -r token || true
# Without one the host's own counts, where Hugging Face's tools keep it.
[ -n "$token" ] || token=${HF_TOKEN:-$(cat "$(dirname "$cache")/token" 2>/dev/null || true)}

# The token reaches curl on its standard input: command lines are seen by everybody. In the background, so that a
# signal is heard at once; it goes with us.
ask() {
    if [ -n "$token" ]; then
        printf 'header = "Authorization: Bearer %s"\n' "$token" | curl --config - --fail --silent --show-error --location "$@" &
    else
        curl --fail --silent --show-error --location "$@" </dev/null &
    fi
    child=$!
    wait "$child" || { code=$?; child=''; return $code; }
    child=''
}

rest() {
    sleep "$1" &
    child=$!
    wait "$child" || true
    child=''
}

work=$(mktemp -d) child='' watch=''
trap 'rm -rf "$work"; for each in $child $watch; do kill "$each" 2>/dev/null || true; done' EXIT
trap 'exit 1' INT TERM
trap '' PIPE HUP # a reader that is gone changes nothing: it comes back and finds the files
ask --retry 3 --output "$work/model.json" "$hub/api/models/$model?blobs=true" 2>"$work/why" ||
    fail "the hub does not show $model ($(tail -1 "$work/why")). Is the name right, and does the account have its licence (HF_TOKEN)?"

# One line a file: SIZE SHA256-or-minus NAME, of what a model is read from. The answer has no last newline.
{ cat "$work/model.json" && echo; } | sed 's/{"rfilename":/\n&/g' | sed -n 's/^{"rfilename":"\([^"]*\)",\(.*\)/\1\n\2/p' |
    while IFS= read -r name && IFS= read -r facts; do
        case $name in
        *..*|/*|*/*) continue ;;
        *.safetensors|*.json|*.txt|*.model|*.jinja) ;;
        *) continue ;;
        esac
        size=$(printf '%s' "$facts" | sed -n 's/.*"size":\([0-9]*\).*/\1/p')
        hash=$(printf '%s' "$facts" | sed -n 's/.*"sha256":"\([0-9a-f]\{64\}\)".*/\1/p')
        printf '%s %s %s\n' "${size:-0}" "${hash:--}" "$name"
    done >"$work/files"
commit=$(sed -n 's/.*"sha":"\([0-9a-f]\{40\}\)".*/\1/p' "$work/model.json")
[ -n "$commit" ] && [ -s "$work/files" ] || fail "the hub's answer about $model tells no files. Its interface may have changed."
grep -q 'safetensors$' "$work/files" || fail "$model has no safetensors on the hub, which are the only weights that are read."

folder=$cache/models--$(printf '%s' "$model" | sed 's|/|--|')
there=$folder/snapshots/$commit
mkdir -p "$there" "$folder/refs"
total=$(awk '{ sum += $1 } END { printf "%.0f", sum }' "$work/files")

# Whole: a file of its final name. Everything else ends in .part.
bytes_here() { find "$there" -type f -printf '%s\n' 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f", sum }'; }
tell() { echo "progress $(bytes_here) $total" 2>/dev/null || true; }
(while sleep 2; do tell; done) &
watch=$!
# One that an earlier connection began goes on alone.
exec 9>"$folder/.lock"
if command -v flock >/dev/null; then
    flock 9 &
    child=$!
    wait "$child" || true
    child=''
fi

while read -r size hash name; do
    [ ! -f "$there/$name" ] || continue
    part=$there/$name.part
    tries=0
    # curl's own --retry would begin anew.
    until ask --continue-at - --output "$part" "$hub/$model/resolve/$commit/$name" 2>"$work/why"; do
        [ "$(stat -c %s "$part" 2>/dev/null || echo -1)" != "$size" ] || break # nothing was left to fetch
        tries=$((tries + 1))
        [ $tries -lt 6 ] || fail "$name of $model could not be fetched ($(tail -1 "$work/why")). Start again: it goes on where it broke."
        rest $tries
    done
    if [ "$(stat -c %s "$part")" != "$size" ] || { [ "$hash" != - ] && [ "$(sha256sum <"$part" | cut -d' ' -f1)" != "$hash" ]; }; then
        rm -f "$part"
        fail "$name of $model arrived with other bytes than the hub has. Start again."
    fi
    mv "$part" "$there/$name"
done <"$work/files"
tell
printf '%s' "$commit" >"$folder/refs/main.tmp-$$" && mv "$folder/refs/main.tmp-$$" "$folder/refs/main"
