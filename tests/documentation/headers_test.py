"""Every type and every function in the public headers has a comment, or stands directly below one that has."""

import pathlib
import re
import unittest

HEADERS = pathlib.Path(__file__).resolve().parents[2] / "include"

TYPE = re.compile(r"(?:class|struct|union|enum(?: class)?)\s+\w+[^;]*\{")
FUNCTION = re.compile(r"(?!namespace|using|static_assert|friend|return)[A-Za-z_][\w:<>,&*\[\]. ]* \**&?\w+\(")


def uncommented(text):
    """The lines of `text` that begin a type or a function that nothing explains. Private members and what is declared in a
    namespace detail are left alone, and so are members that are no types: their names say enough, or they have a comment."""
    found = []
    explained = private = detail = False
    for line in text.split("\n"):
        indented = line.startswith(" ")
        code = line.strip()
        if code.startswith("namespace"):
            detail = "detail" in code
        elif code.startswith("}") and not indented:
            private = False
            detail = detail and "namespace detail" not in code
        elif code in ("public:", "private:", "protected:"):
            private = code == "private:"
        begins = TYPE.match(code) if indented else TYPE.match(code) or FUNCTION.match(code)
        if begins and not (explained or private or detail):
            found.append(code)
        if code.startswith("///"):
            explained = True
        elif not code or (TYPE.match(code) and code.endswith("{")):
            explained = False
    return found


class Headers(unittest.TestCase):
    def test_all_are_commented(self):
        files = sorted(HEADERS.rglob("*.hpp"))
        self.assertTrue(files)
        for file in files:
            with self.subTest(file=str(file.relative_to(HEADERS))):
                self.assertEqual([], uncommented(file.read_text(encoding="utf-8")))

    def test_those_without_are_found(self):
        text = """
namespace lockstep {

struct Bare {
  int member = 0;
  int function() const;
};

/// A comment.
class Explained {
 public:
  struct Inner {
    int member = 0;
  };

 private:
  struct Hidden {
    int member = 0;
  };
};
/// Two.
int first(int value);
int second();

std::map<int, double> third(const Bare& bare,
                            int other);

namespace detail {
void inside();
}
}
"""
        self.assertEqual(["struct Bare {", "struct Inner {", "std::map<int, double> third(const Bare& bare,"],
                         uncommented(text))


if __name__ == "__main__":
    unittest.main()
