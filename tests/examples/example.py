# SPDX-License-Identifier: Apache-2.0
"""What the tests of examples/ share: running a host program with its guest on each backend.

A test script gets the mote command and the folder of the built examples as arguments (meson passes
them), and hands test_example() what to do on one backend.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from command_line import Ended, Test  # noqa: E402


class Example:
    """A host program on one backend, and a folder for its files."""

    def __init__(self, test, name, backend, folder):
        self.test, self.name, self.backend, self.folder = test, name, backend, folder
        self.built = test.guests.resolve()

    def file(self, name, content):
        """The path of a new file."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def run(self, *args, guest=None):
        guest = guest or self.built / f"{self.name}_guest"
        done = subprocess.run([self.built / self.name, "-b", self.backend, guest, *args], cwd=self.folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=120)
        return Ended(done.returncode, done.stdout, done.stderr)

    def ok(self, passed, what, details=""):
        self.test.ok(passed, f"{self.name}: {self.backend}: {what}", details)

    def expect(self, what, args, out="", status=0, err="", **how):
        """Runs it; OUT and ERR must be all that it prints, with "..." for anything."""
        ended = self.run(*args, **how)
        fits = ended.status == status and matches(out, ended.out) and matches(err, ended.err)
        self.ok(fits, what, f"{ended}\nwanted: {status} {out!r} {err!r}")
        return ended


def matches(want, got):
    pattern = ".*".join(re.escape(part) for part in want.split("..."))
    return re.fullmatch(pattern, got.decode(errors="replace"), re.DOTALL)


def test_example(name, on_backend):
    """Calls ON_BACKEND(example) for each backend that works here, and ends the script."""
    test = Test()
    if test.guest(name).exists():
        for backend in test.backends():
            with tempfile.TemporaryDirectory() as folder:
                on_backend(Example(test, name, backend, pathlib.Path(folder)))
    else:
        test.skip(f"examples/{name}", "not built; meson said which library is missing")
    sys.exit(test.done())
