# SPDX-License-Identifier: Apache-2.0
"""What the check-... scripts share: which files there are, and how complaints are told."""
import pathlib
import re
import sys

CODE = {".c", ".h", ".S"}
ROOT = pathlib.Path(__file__).resolve().parents[1]


def find(root, wanted):
    """The files under ROOT for which WANTED says yes, as paths relative to it, sorted."""
    for path in sorted(pathlib.Path(root).rglob("*")):
        name = path.relative_to(root)
        if re.match(r"build|\.git$", name.parts[0]) or not path.is_file():
            continue
        if wanted(name):
            yield name


def find_code(root, *folders):
    """C and assembly; only in FOLDERS, if any are given."""
    for name in find(root, lambda name: name.suffix in CODE):
        if not folders or name.parts[0] in folders:
            yield name, (pathlib.Path(root) / name).read_text(errors="replace")


def without_comments(text):
    """TEXT with comments and the insides of strings blanked, every character where it was."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.DOTALL)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def run(check):
    """CHECK(root) yields complaints, "file:line: what"; prints them; the exit status says if any."""
    root = sys.argv[1] if len(sys.argv) > 1 else ROOT
    complaints = list(check(root))
    print("".join(f"{line}\n" for line in complaints), end="")
    sys.exit(1 if complaints else 0)
