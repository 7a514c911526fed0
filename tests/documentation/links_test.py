"""Every link in the Markdown files of the repository resolves: files are there, and so are the headings that anchors name.

Addresses on the web are left alone. Headings get their anchors by GitHub's rules: in small letters, without punctuation,
blanks as hyphens, and -1, -2, … after those of a heading that has occurred before."""

import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = {".git", "build", "runs"}


def prose(text):
    """`text` without what is code: fenced and indented blocks, and spans between backticks."""
    text = re.sub(r"^(```|~~~).*?^\1\s*?$", "", text, flags=re.M | re.S)
    text = re.sub(r"(?:\A|(?<=\n\n))(?: {4}.*\n?|\n)+", "\n", text)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", text)


def anchors(text):
    """The anchors that GitHub gives to the headings in `text`."""
    text = re.sub(r"^(```|~~~).*?^\1\s*?$", "", text, flags=re.M | re.S)
    found = set(re.findall(r'<a (?:name|id)="([^"]+)"', text))
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", text, flags=re.M):
        shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number, anchor = 0, name
        while anchor in found:
            number += 1
            anchor = f"{name}-{number}"
        found.add(anchor)
    return found


def links(text):
    """The targets of all links and images in `text`."""
    text = prose(text)
    targets = re.findall(r"\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)", text)
    defined = dict(re.findall(r"^ {0,3}\[([^\]]+)\]:\s*(\S+)", text, flags=re.M))
    return targets + list(defined.values())


def broken(file):
    """What is wrong with the links of `file`, a line each."""
    wrong = []
    text = file.read_text(encoding="utf-8")
    for target in links(text):
        if re.match(r"[a-z][a-z+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (file.parent / path).resolve() if path else file
        if not there.exists():
            wrong.append(f"{file}: ({target}): there is no {there}")
        elif anchor:
            page = there / "README.md" if there.is_dir() else there
            if page.suffix != ".md" or anchor not in anchors(page.read_text(encoding="utf-8")):
                wrong.append(f"{file}: ({target}): {page} has no heading for #{anchor}")
    return wrong


def markdown_files():
    return [file for file in sorted(ROOT.rglob("*.md")) if not SKIPPED & set(file.relative_to(ROOT).parts)]


class Links(unittest.TestCase):
    def test_all_resolve(self):
        files = markdown_files()
        self.assertIn(ROOT / "README.md", files)
        self.assertEqual([], [line for file in files for line in broken(file)])

    def test_every_folder_readme_can_be_reached(self):
        targets = {(ROOT / target.partition("#")[0]).resolve() for target in links((ROOT / "README.md").read_text("utf-8"))}
        for folder in ("src", "include/lockstep", "configs", "launch", "tests"):
            self.assertIn(ROOT / folder / "README.md", targets)

    def test_the_main_page_stays_short(self):
        self.assertLess((ROOT / "README.md").stat().st_size, 8 * 1024)

    def test_wrong_ones_are_found(self):
        with tempfile.TemporaryDirectory() as folder:
            other = pathlib.Path(folder) / "other.md"
            other.write_text("# Here\n\n## What's `new`: 2, or more?\n\n## Here\n", encoding="utf-8")
            page = pathlib.Path(folder) / "page.md"
            page.write_text(
                "# Top\n[a](other.md) [b](other.md#here-1) [c](#top) [d](other.md#whats-new-2-or-more) [e](https://x.y/z)\n"
                "`[code](nowhere.md)`\n\n    [code](nowhere.md)\n\n```\n[code](nowhere.md)\n```\n"
                "[f](nowhere.md) [g](other.md#there) [h](#bottom) [i][ref]\n\n[ref]: gone.md\n",
                encoding="utf-8")
            self.assertEqual(["nowhere.md", "other.md#there", "#bottom", "gone.md"],
                             [re.search(r"\((.+?)\)", line).group(1) for line in broken(page)])


if __name__ == "__main__":
    unittest.main()
