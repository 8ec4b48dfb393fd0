"""Turns the HTML of Debian's `debian-handbook` package into plain text.

    python3 handbook_text.py HTML_FOLDER LANGUAGE [CHAPTER ...] > text

Used once to make calibration/builtin.txt, demo-model/heldout.txt and part of the training text.
"""
import html.parser
import pathlib
import re
import sys

BLOCKS = {"p", "h1", "h2", "h3", "h4", "li", "pre", "td", "th", "dt", "dd", "div"}
SKIP = {"script", "style", "head", "nav"}


class TextOf(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.parts, self.skip, self.pre = [], 0, 0

    def handle_starttag(self, tag, attrs):
        classes = dict(attrs).get("class") or ""
        if tag in SKIP or "docnav" in classes:
            self.skip += 1
            self.docnav = tag
        if tag == "pre":
            self.pre += 1
        if tag in BLOCKS:
            self.parts.append("\n\n" if tag != "li" else "\n\n- ")

    def handle_endtag(self, tag):
        if self.skip and tag in SKIP | {getattr(self, "docnav", "")}:
            self.skip -= 1
        if tag == "pre":
            self.pre -= 1
        if tag in BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data):
        if not self.skip:
            self.parts.append(data if self.pre else re.sub(r"\s+", " ", data))


def chapter_text(path):
    parser = TextOf()
    parser.feed(path.read_text(encoding="utf-8"))
    text = "".join(parser.parts).replace("\u200b", "").replace("\xa0", " ")
    blocks = [b.strip("\n") for b in re.split(r"\n\s*\n", text)]
    kept = [b.strip() if not b.startswith(" ") else b for b in blocks if len(b.strip()) > 1]
    return "\n\n".join(b for b in kept if b not in ("-", "Prev", "Next", "Up", "Home", "Download the ebook"))


def main():
    folder, language, chapters = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    pages = sorted((folder / language).glob("*.html"))
    for page in pages:
        if page.name in ("index.html", "ix01.html"):
            continue
        if chapters and not any(page.name.startswith(c) for c in chapters):
            continue
        print(chapter_text(page), end="\n\n")


if __name__ == "__main__":
    main()
