#!/usr/bin/env bash
# Packs the studio's benchmarks with every library, plugin and font that they need, so that they can
# be timed on a quiet Linux machine that has no Qt.
#
#   tests/bench/pack_studio_bench.sh BUILD_FOLDER ARCHIVE.tar.xz
#
# There: tar xf ARCHIVE.tar.xz -C FOLDER, then FOLDER/studio_frames and FOLDER/chat_stream [...].
set -euo pipefail

if [ $# -ne 2 ]; then
    echo "usage: $0 BUILD_FOLDER ARCHIVE.tar.xz" >&2
    exit 2
fi
build_folder=$1
archive=$(realpath -m "$2")
programs=(tests/bench/studio_frames tests/bench/chat_stream tests/gui/jobs/fake_worker)
for program in "${programs[@]}"; do
    [ -x "$build_folder/$program" ] || {
        echo "$0: $build_folder/$program is missing; build studio_frames, chat_stream and fake_worker." >&2
        exit 1
    }
done

packed=$(mktemp -d)
trap 'rm -rf "$packed"' EXIT
mkdir -p "$packed"/{bin,lib,plugins,fonts}
qt_plugins=$(qtpaths6 --plugin-dir 2>/dev/null || qmake6 -query QT_INSTALL_PLUGINS)
cp -r "$qt_plugins"/{platforms,imageformats,iconengines} "$packed/plugins/"
for program in "${programs[@]}"; do
    strip -o "$packed/bin/$(basename "$program")" "$build_folder/$program"
done
# The loader comes along: an older C library of the other machine would not do.
ldd "$packed"/bin/* "$packed"/plugins/*/*.so | grep -o '/[^ ]*' | grep -v ':$' | sort -u |
    while read -r library; do cp -Lu "$library" "$packed/lib/"; done
fc-list : file | grep -E '/(Inter-(Regular|Medium|SemiBold|Bold)|DejaVuSans(Mono)?(-Bold)?)\.[a-z]+: *$' | sed 's/: *$//' |
    while read -r font; do cp "$font" "$packed/fonts/"; done

cat >"$packed/fonts.conf" <<'CONF'
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
CONF
for program in "${programs[@]}"; do
    name=$(basename "$program")
    cat >"$packed/$name" <<RUN
#!/usr/bin/env bash
here=\$(cd "\$(dirname "\$0")" && pwd)
export QT_QPA_PLATFORM=offscreen QT_PLUGIN_PATH=\$here/plugins FONTCONFIG_FILE=\$here/fonts.conf
exec "\$here/lib/ld-linux-x86-64.so.2" --library-path "\$here/lib" "\$here/bin/$name" "\$@"
RUN
    chmod +x "$packed/$name"
done
tar -cJf "$archive" -C "$packed" .
