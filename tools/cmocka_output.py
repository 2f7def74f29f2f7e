# SPDX-License-Identifier: Apache-2.0
"""Counts the cases of a cmocka program from its standard output.

Shared by tools/run-tests and tests/metal/run, so that both worlds count alike.
"""
import re
from collections import namedtuple

Counts = namedtuple("Counts", "passed failed skipped")

_TOTAL = re.compile(r"^\[  (PASSED|SKIPPED|FAILED) +\] (\d+) test\(s\)", re.MULTILINE)
_CASE = re.compile(r"^\[ +(OK|SKIPPED) \] (?!\d+ test\(s\))", re.MULTILINE)
SKIP_EXIT = 77


def count(output, exit_code):
    """Cases passed, failed and skipped. A program that is not cmocka's counts as one case."""
    died = exit_code not in (0, SKIP_EXIT)
    totals = {"PASSED": 0, "SKIPPED": 0, "FAILED": 0}
    for word, n in _TOTAL.findall(output):
        totals[word] += int(n)
    if not any(totals.values()):
        if "[ RUN      ]" not in output:
            return Counts(int(exit_code == 0), int(died), int(exit_code == SKIP_EXIT))
        # It died half-way: the summary is missing, the cases before are not.
        cases = _CASE.findall(output)
        return Counts(cases.count("OK"), int(died), cases.count("SKIPPED"))
    # Dying after a summary (a destructor, a sanitizer's last check) is a failure too.
    return Counts(totals["PASSED"], totals["FAILED"] or int(died), totals["SKIPPED"])


def skip_lines(output):
    """What the program said about its skipped cases: its own reasons, else their names."""
    reasons = [line.strip() for line in output.splitlines() if line.startswith("SKIP")]
    return reasons or sorted(set(re.findall(r"^\[  SKIPPED \] (?!\d+ test)(\S+)", output, re.M)))


def summary(counts):
    return f"{counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped"


def add(a, b):
    return Counts(*(x + y for x, y in zip(a, b)))
