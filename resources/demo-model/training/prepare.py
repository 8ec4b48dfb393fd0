"""Cuts the shipped texts and the training text.

    python3 prepare.py HANDBOOK_HTML CALIBRATION_FOLDER SOURCE_FOLDER OUT_FOLDER

HANDBOOK_HTML is /usr/share/doc/debian-handbook/html of Debian's package (GPL-2+ or CC BY-SA 3.0),
CALIBRATION_FOLDER holds further *.utf8 texts that are trained on and not shipped.
Writes OUT/builtin.txt (calibration), OUT/heldout.txt (evaluation; in no other file), OUT/train.txt.
"""
import pathlib
import re
import sys

from handbook_text import chapter_text

HELD_OUT = {"sect.why-debian.html", "sect.selinux.html", "sect.shell-environment.html",
            "sect.graphical-desktops.html", "sect.release-lifecycle.html", "sect.backup.html",
            "sect.dealing-with-compromised-machine.html", "sect.web-browsers.html"}
LANGUAGES = {"de-DE": 16000, "fr-FR": 16000, "es-ES": 16000, "zh-CN": 8000, "ja-JP": 8000, "ru-RU": 10000}


def pages(folder, language):
    for page in sorted((folder / language).glob("*.html")):
        if page.name not in ("index.html", "ix01.html"):
            yield page.name, chapter_text(page)


def main():
    handbook, extra, sources, out = map(pathlib.Path, sys.argv[1:5])
    english = dict(pages(handbook, "en-US"))
    held_out = "\n\n".join(english[name] for name in sorted(HELD_OUT))
    kept = [text for name, text in english.items() if name not in HELD_OUT]
    builtin = "\n\n".join(text[2000:12000] for text in kept if len(text) > 14000)[:170000]
    for language, size in LANGUAGES.items():
        text = "\n\n".join(t for n, t in pages(handbook, language) if n not in HELD_OUT)
        builtin += "\n\n" + text[40000:40000 + size]
    for source in sorted(sources.glob("*.cpp")):
        builtin += "\n\n" + source.read_text()
    (out / "heldout.txt").write_text(held_out)
    builtin = re.sub(r"\bdeb\.debian\b", "mirror.example", builtin)  # examples name no real server
    (out / "builtin.txt").write_text(builtin)
    train = kept + [path.read_text() for path in sorted(extra.glob("*.utf8"))]
    (out / "train.txt").write_text("\n\n".join(train))


if __name__ == "__main__":
    main()
