#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The counting of tools/run_tests.py: everything else is believed because of it."""

import argparse
import contextlib
import io
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
import run_tests  # noqa: E402 (found through the line above)

ARGS = argparse.Namespace(label="")

NODE_REPORT = """TAP version 13
# Subtest: group
    # Subtest: inner bad
    not ok 1 - inner bad
      ---
      failureType: 'testCodeFailure'
      ...
    # Subtest: inner good
    ok 2 - inner good
      ---
      duration_ms: 1
      ...
    1..2
not ok 1 - group
  ---
  type: 'suite'
  failureType: 'subtestsFailed'
  ...
# Subtest: no browser here
ok 2 - no browser here # SKIP chromium is missing
  ---
  duration_ms: 0
  ...
1..2
# tests 3
# suites 1
# pass 1
# fail 1
# cancelled 0
# skipped 1
# todo 0
"""


def meson(result, stdout="", name="plan"):
    tally = run_tests.Tally()
    run_tests.count_meson_test({"name": name, "result": result, "stdout": stdout}, ARGS, tally)
    return tally


def node(report):
    tally = run_tests.Tally()
    run_tests.count_node_report(report, "tests/api", tally)
    return tally


def finish(tally):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = run_tests.finish(tally)
    return status, out.getvalue().splitlines()


class MesonCounts(unittest.TestCase):
    def test_every_case_of_a_program_counts(self):
        tally = meson("OK", "1..3\nok 1 - a\nok 2 - b\nnot ok 3 # SKIP c\n")
        self.assertEqual((tally.passed, tally.failures, len(tally.skips)), (2, [], 1))

    def test_a_program_without_cases_is_one(self):
        self.assertEqual(meson("OK", "fine\n").passed, 1)

    def test_a_failed_case_is_named(self):
        tally = meson("FAIL", "1..2\nok 1 - a\nnot ok 2 - b\n")
        self.assertEqual((tally.passed, tally.failures), (1, ["plan: b"]))

    def test_a_crash_after_good_cases_is_a_failure(self):
        tally = meson("FAIL", "1..2\nok 1 - a\n")
        self.assertEqual(tally.failures, ["plan (fail)"])

    def test_a_time_out_is_a_failure(self):
        self.assertEqual(meson("TIMEOUT").failures, ["plan (timeout)"])

    def test_a_failed_case_under_exit_0_is_a_failure(self):
        self.assertEqual(len(meson("OK", "1..1\nnot ok 1 - b\n").failures), 2)

    def test_a_skip_is_neither(self):
        tally = meson("SKIP", "mandoc is not installed\n")
        self.assertEqual((tally.passed, tally.failures), (0, []))
        self.assertEqual(tally.skips, ["plan: mandoc is not installed"])


class NodeCounts(unittest.TestCase):
    def test_a_suite_that_is_not_there_is_missed(self):
        there = [{"suite": ["proctor:unit"]}, {"suite": ["proctor:sim"]}, {"suite": ["proctor:fuzz"]}]
        self.assertEqual(run_tests.missing_suites(there, []), ["contract"])
        self.assertEqual(run_tests.missing_suites(there, ["contract"]), [])

    def test_suites_are_not_counted_twice(self):
        tally = node(NODE_REPORT)
        self.assertEqual((tally.passed, tally.failures), (1, ["tests/api: inner bad"]))
        self.assertEqual(len(tally.skips), 1)

    def test_never_fewer_failures_than_node_says(self):
        report = NODE_REPORT.replace("# fail 1", "# fail 2").replace("cancelled 0", "cancelled 1")
        self.assertEqual(len(node(report).failures), 3)

    def test_no_summary_is_a_failure(self):
        self.assertEqual(len(node("TAP version 13\nok 1 - a\n").failures), 1)


class Ending(unittest.TestCase):
    def test_nothing_ran_is_a_failure(self):
        status, lines = finish(run_tests.Tally())
        self.assertEqual((status, lines[-1]), (1, "0 passed, 1 failed"))

    def test_skips_are_shown(self):
        tally = meson("OK")
        tally.add({"passed": 0, "failures": [], "skips": ["x: why"]})
        status, lines = finish(tally)
        self.assertEqual(status, 0)
        self.assertEqual(lines, ["skipped: x: why", "1 skipped", "1 passed, 0 failed"])


if __name__ == "__main__":
    unittest.main()
