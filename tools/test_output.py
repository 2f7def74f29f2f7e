# SPDX-License-Identifier: Apache-2.0
"""Counts the cases of a test program from what it printed.

Programs are cmocka's in its standard output, or scripts that print a line for each case in TAP
("ok 1 - what", "not ok 2 - what", "ok 3 - what # SKIP why"), or scripts that end in a summary()
of their own; anything else is one case.
Shared by tools/run-tests and tests/metal/run, so that both worlds count alike.
"""
import re
from collections import namedtuple

Counts = namedtuple("Counts", "passed failed skipped")

_CMOCKA = re.compile(r"^\[  (PASSED|SKIPPED|FAILED) +\] (\d+) test\(s\)", re.MULTILINE)
_CMOCKA_CASE = re.compile(r"^\[ +(OK|SKIPPED) \] (?!\d+ test\(s\))", re.MULTILINE)
_TAP = re.compile(r"^(ok|not ok) \d+[^#\n]*(?:# (SKIP)\b)?", re.MULTILINE)
# make says last that what it ran has failed
_SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped(?:\nmake.*\*\*\* .*)?\Z", re.MULTILINE)
SKIP_EXIT = 77


def _cases(output):
    summed = _SUMMARY.search(output.rstrip())
    if summed:
        return Counts(*map(int, summed.groups()))
    totals = {"PASSED": 0, "SKIPPED": 0, "FAILED": 0}
    for word, n in _CMOCKA.findall(output):
        totals[word] += int(n)
    if any(totals.values()):
        return Counts(totals["PASSED"], totals["FAILED"], totals["SKIPPED"])
    if "[ RUN      ]" in output:  # it died half-way: no summary, but the cases before
        words = _CMOCKA_CASE.findall(output)
        return Counts(words.count("OK"), 0, words.count("SKIPPED"))
    found = ["SKIP" if skip else word for word, skip in _TAP.findall(output)]
    return Counts(found.count("ok"), found.count("not ok"), found.count("SKIP"))


def count(output, exit_code):
    """Cases passed, failed and skipped. Dying after the last case is a failure too."""
    died = exit_code not in (0, SKIP_EXIT)
    cases = _cases(output)
    if not any(cases) and "[ RUN      ]" not in output:
        return Counts(int(exit_code == 0), int(died), int(exit_code == SKIP_EXIT))
    return cases._replace(failed=cases.failed or int(died))


def skip_lines(output):
    """Why cases were skipped, in the program's words (lines with SKIP); else which ones."""
    reasons = re.findall(r"^(?:SKIP|ok \d+ .*# SKIP).*", output, re.MULTILINE)
    return reasons or sorted(set(re.findall(r"^\[  SKIPPED \] (?!\d+ test)(\S+)", output, re.M)))


def summary(counts):
    return f"{counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped"


def add(a, b):
    return Counts(*(x + y for x, y in zip(a, b)))
