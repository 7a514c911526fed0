"""A part includes its own headers and those of the parts before it, and no others; fails and names each line that does.

The order of the parts is that in which src/CMakeLists.txt adds them. Their files stand in src/PART and include/lockstep/PART;
a header right in include/lockstep is for programs, and no part includes it. What is installed includes nothing that is not."""

import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def order_of_parts(root):
    return re.findall(r"^\s*add_subdirectory\((\w+)\)", (root / "src/CMakeLists.txt").read_text(encoding="utf-8"), re.M)


def part_of(path, root):
    """The part that `path` belongs to, "" for a header that is for programs, or None for what is not Lockstep's."""
    for folder in (root / "src", root / "include/lockstep"):
        if folder in path.parents:
            words = path.relative_to(folder).parts
            return words[0] if len(words) > 1 else ""
    return None


def included(name, root):
    """The file that `#include "name"` means, as far as it is one of Lockstep's."""
    return root / ("include" if name.startswith("lockstep/") else "src") / name


def violations(root):
    """A line for each include that is against the order."""
    order = order_of_parts(root)
    found = []
    for file in sorted([*(root / "src").rglob("*.[ch]pp"), *(root / "include/lockstep").rglob("*.hpp")]):
        own = part_of(file, root)
        if own not in order:  # for programs, or generated
            continue
        text = file.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            other = part_of(included(match.group(1), root), root)
            where = f"{file.relative_to(root)}:{text.count(chr(10), 0, match.start(1)) + 1}"
            if root / "include" in file.parents and not match.group(1).startswith("lockstep/"):
                found.append(f"{where}: is installed, and {match.group(1)} is not")
            elif other is not None and (other not in order or order.index(other) > order.index(own)):
                found.append(f"{where}: {own} includes {match.group(1)}, and may include only what stands before it: "
                             f"{' '.join(order[: order.index(own) + 1])}")
    return found


def without_real(root):
    """A line for each header that names the number's namespace, and may be read before the header that defines it."""
    def reads(file, seen):
        for name in INCLUDE.findall(file.read_text(encoding="utf-8")):
            header = included(name, root)
            if header not in seen and header.exists():
                seen.add(header)
                reads(header, seen)
        return seen

    definition = root / "include/lockstep/core/real.hpp"
    headers = sorted([*(root / "src").rglob("*.hpp"), *(root / "include/lockstep").rglob("*.hpp")])
    return [f"{file.relative_to(root)}: names LOCKSTEP_REAL, and does not include lockstep/core/real.hpp" for file in headers
            if file != definition and "LOCKSTEP_REAL" in file.read_text(encoding="utf-8") and definition not in reads(file, set())]


def check_itself():
    """Violations are found, in each direction and by either way of naming a header."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder).resolve()
        for part in ("core", "nn"):
            (root / "src" / part).mkdir(parents=True)
            (root / "include/lockstep" / part).mkdir(parents=True)
        (root / "src/CMakeLists.txt").write_text("add_subdirectory(core)\nif(X)\n  add_subdirectory(nn)\nendif()\n")
        (root / "src/nn/good.cpp").write_text('#include "core/own.hpp"\n#include <vector>\n#include "lockstep/core/a.hpp"\n')
        (root / "src/core/bad.cpp").write_text('#include "core/own.hpp"\n#include "nn/private.hpp"\n')
        (root / "include/lockstep/core/bad.hpp").write_text(
            '\n#include "lockstep/nn/b.hpp"\n#include "lockstep/all.hpp"\n#include "core/own.hpp"\n')
        assert [line.split(": ")[0] for line in violations(root)] == [
            "include/lockstep/core/bad.hpp:2", "include/lockstep/core/bad.hpp:3", "include/lockstep/core/bad.hpp:4",
            "src/core/bad.cpp:2"], violations(root)
        (root / "include/lockstep/core/real.hpp").write_text("#define LOCKSTEP_REAL real\n")
        (root / "src/nn/good.hpp").write_text('#include "lockstep/core/real.hpp"\nLOCKSTEP_REAL\n')
        (root / "src/nn/better.hpp").write_text('#include "nn/good.hpp"\nLOCKSTEP_REAL\n')
        (root / "src/nn/bad.hpp").write_text("LOCKSTEP_REAL\n")
        assert [line.split(":")[0] for line in without_real(root)] == ["src/nn/bad.hpp"], without_real(root)


check_itself()
root_of_all = pathlib.Path(__file__).resolve().parents[1]
wrong = violations(root_of_all) + without_real(root_of_all)
print("\n".join(wrong), end="\n" if wrong else "")
sys.exit(1 if wrong else 0)
