# SPDX-License-Identifier: Apache-2.0
"""What the tests of the mote command share: running it, and a TAP line for each case.

A test script gets the command and the folder of the test guests as arguments (meson passes
them), makes a Test, and ends with sys.exit(test.done()).
"""
import json
import os
import pathlib
import subprocess
import sys
from collections import namedtuple

Ended = namedtuple("Ended", "status out err")


class Test:
    def __init__(self):
        self.mote = sys.argv[1]
        self.guests = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
        self.count = 0
        self.failed = 0

    def run(self, *args, input=subprocess.DEVNULL, **how):
        """The command with these arguments: exit status, output and messages, both bytes."""
        done = subprocess.run([self.mote, *map(str, args)], stdin=input,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **how)
        return Ended(done.returncode, done.stdout, done.stderr)

    def guest(self, name):
        return self.guests / name

    def ok(self, passed, what, details=""):
        self.count += 1
        self.failed += not passed
        print(f"{'ok' if passed else 'not ok'} {self.count} - {what}")
        if not passed:
            print("".join(f"# {line}\n" for line in str(details).splitlines()), end="")

    def skip(self, what, why):
        self.count += 1
        print(f"ok {self.count} - {what} # SKIP {why}")

    def expect(self, what, args, status=0, out=None, err=None, **how):
        """Runs the command; OUT must be all of its output, ERR a part of its only message."""
        ended = self.run(*args, **how)
        wrong = []
        if ended.status != status:
            wrong.append(f"exit status {ended.status}, not {status}")
        if out is not None and ended.out != encoded(out):
            wrong.append(f"printed {ended.out!r}, not {encoded(out)!r}")
        if err is not None and encoded(err) not in ended.err:
            wrong.append(f"said {ended.err!r}, not {err!r}")
        if status == 0 and err is None and ended.err:
            wrong.append(f"said {ended.err!r}")
        self.ok(not wrong, what, "\n".join([*wrong, f"mote {' '.join(map(str, args))}"]))
        return ended

    def json(self, what, args, status=0, **how):
        """Runs the command, which must print one JSON value and no message; returns it."""
        ended = self.run(*args, **how)
        try:
            value = json.loads(ended.out, parse_constant=refuse_constant)
        except ValueError as error:
            self.ok(False, what, f"{error}: {ended.out!r}")
            return None
        self.ok(ended.status == status and not ended.err, what,
                f"exit status {ended.status}: {ended}")
        return value

    def backends(self):
        """The names of those that work here."""
        found = json.loads(self.run("doctor", "--json").out)["backends"]
        for backend in found:
            if backend["is_available"]:
                print(f"backend {backend['name']}: ran")
            else:
                self.skip(f"backend {backend['name']}", backend["reason"])
        return [backend["name"] for backend in found if backend["is_available"]]

    def done(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def encoded(text):
    return text if isinstance(text, bytes) else text.encode()


def refuse_constant(word):
    raise ValueError(f"{word} is no JSON")


def without_kvm():
    """Words that run a command where /dev/kvm cannot be opened, or None."""
    hide = ["unshare", "--mount", "sh", "-c", 'mount --bind /dev/null /dev/kvm && exec "$@"', "sh"]
    if not os.path.exists("/dev/kvm"):
        return []
    if os.geteuid() != 0 or subprocess.run([*hide, "true"], capture_output=True).returncode:
        return None
    return hide
