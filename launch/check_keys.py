"""The parts below the configuration name none of its keys, neither in a message nor in a comment. A message names an option in
backquotes and without its section, and only one that a single section has, for which the program puts the key. Fails and
names each line that is otherwise.

The keys are those of the table in configs/README.md, which a test compares with the program's own."""

import pathlib
import re
import sys
import tempfile

PARTS = ("core", "data", "nn", "optim", "comm", "parallel")
OPTION = re.compile(r"`([a-z0-9-]+)`")
TEXT = re.compile(r'//[^\n]*|"(?:[^"\\\n]|\\.)*"')


def keys_of(reference):
    """The keys by section that the table of `reference` lists."""
    keys = {}
    for section, table in re.findall(r"^### \[(\w+)\]\n(.*?)(?=^###|\Z|^<!-- keys: end)", reference, re.M | re.S):
        keys[section] = re.findall(r"^\| `([a-z0-9-]+)` \|", table, re.M)
    return keys


def naming(keys):
    """What names a key, or a section whose key is put in or follows in another literal: "data.{}", "data."."""
    sections = (rf"{section}\.(?:(?:{'|'.join(names)})(?!\.?[\w/-])|\{{|(?=\"))" for section, names in keys.items())
    return re.compile(rf"(?<![\w./-])(?:{'|'.join(sections)})")


def violations(root):
    """A line for each key that is named, and each option that is no key's."""
    keys = keys_of((root / "configs/README.md").read_text(encoding="utf-8"))
    key = naming(keys)
    names = [name for section in keys.values() for name in section]
    found = []
    for folder in ("src", "include/lockstep"):
        for file in sorted(file for part in PARTS for file in (root / folder / part).rglob("*.[ch]pp")):
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                if line.lstrip().startswith("#include"):
                    continue
                place = f"{file.relative_to(root)}:{number}"
                for text in TEXT.findall(line):
                    found += [f"{place}: names a key of the configuration ({match})" for match in key.findall(text)]
                    found += [f"{place}: `{option}` is the name of no key, or of several" for option in OPTION.findall(text)
                              if text[0] == '"' and names.count(option) != 1]
    return found


def check_itself():
    """Keys are found in strings and comments, whole or cut, and options without one; names of files and members are none."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for place in ("configs", "src/data", "src/train", "include/lockstep/data"):
            (root / place).mkdir(parents=True)
        (root / "configs/README.md").write_text(
            "### [data]\n\n| `header` | ...\n| `seed` | ...\n\n### [train]\n\n| `seed` | ...\n| `log` | ...\n\n<!-- keys: end -->\n")
        (root / "src/train/good.cpp").write_text('"data.header"\n')
        (root / "src/data/good.cpp").write_text(
            '#include "data.header"\ndata.header = "`header`, data.csv, a/train.log, train.log.gz, data.header-line";  // `gap`\n')
        (root / "src/data/bad.cpp").write_text('f("set data.header = yes");\n"data.{}"; // as train.seed.\n"train."\n')
        (root / "src/data/bad_option.cpp").write_text('"set `header`"\n"set `head` or `seed`"\n')
        (root / "include/lockstep/data/bad.hpp").write_text("int x;  ///< as data.header, or not\n")
        assert [line.split(": ")[0] for line in violations(root)] == [
            "src/data/bad.cpp:1", "src/data/bad.cpp:2", "src/data/bad.cpp:2", "src/data/bad.cpp:3",
            "src/data/bad_option.cpp:2", "src/data/bad_option.cpp:2", "include/lockstep/data/bad.hpp:1"], violations(root)


check_itself()
wrong = violations(pathlib.Path(__file__).resolve().parents[1])
print("\n".join(wrong), end="\n" if wrong else "")
sys.exit(1 if wrong else 0)
