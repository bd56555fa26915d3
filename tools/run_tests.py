#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the suites of Meson and of Node, counts the cases of both and ends with one line
"N passed, N failed". Exits 1 when a case failed, when a suite could not be run or when nothing
ran at all. Skipped cases are listed with their reason.

  tools/run_tests.py [--build DIR] [--suite NAME]... [--no-meson] [--no-node] [NODE-FOLDER]...
  tools/run_tests.py --sum FILE       adds up the tallies that several runs appended to FILE
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOT_NODE = {"bench", "fixtures", "node_modules", "corpus"}
NODE_SUFFIXES = (".test.js", ".test.mjs", ".test.cjs")
TAP_LINE = re.compile(r"^(not ok|ok)\b(?:\s+\d+)?(?:\s*-)?\s*(.*)$")
TAP_SKIP = re.compile(r"#\s*(?:SKIP|TOD[O])\b\s*(.*)", re.IGNORECASE)


class Tally:
    """What was counted: numbers, and names where a person has to look."""

    def __init__(self):
        self.passed = 0
        self.failures = []
        self.skips = []

    def as_dict(self):
        return {"passed": self.passed, "failures": self.failures, "skips": self.skips}

    def add(self, other):
        self.passed += other["passed"]
        self.failures += other["failures"]
        self.skips += other["skips"]


def main():
    args = parse_args()
    tally = Tally()

    if args.sum:
        for line in pathlib.Path(args.sum).read_text().splitlines():
            tally.add(json.loads(line))
        return finish(tally)

    if not args.no_meson:
        run_meson(args, tally)
    if not args.no_node:
        for folder in args.folders or node_folders():
            run_node(folder, args, tally)
    if args.tally:
        with open(args.tally, "a") as out:
            out.write(json.dumps(tally.as_dict()) + "\n")
    return finish(tally)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build directory (build)")
    parser.add_argument("--suite", action="append", default=[], help="only this suite of Meson")
    parser.add_argument("--no-suite", action="append", default=[], help="not this suite")
    parser.add_argument("--no-meson", action="store_true", help="only the suites in Node")
    parser.add_argument("--no-node", action="store_true", help="only the suites of Meson")
    parser.add_argument("--label", default="", help="put before the names of failures")
    parser.add_argument("--timeout-multiplier", type=float, default=1, help="for slow builds")
    parser.add_argument("--node-minutes", type=float, default=12,
                        help="how long all files of one folder may take together (12)")
    parser.add_argument("--tally", help="append the counts to this file")
    parser.add_argument("--sum", help="only add up such a file")
    parser.add_argument("folders", nargs="*", help="folders with suites in Node")
    return parser.parse_args()


def finish(tally):
    for name in tally.skips:
        print(f"skipped: {name}")
    for name in tally.failures:
        print(f"FAILED: {name}")
    if tally.skips:
        print(f"{len(tally.skips)} skipped")
    if not tally.passed and not tally.failures:
        print("no test ran")
        tally.failures.append("no test ran")
    print(f"{tally.passed} passed, {len(tally.failures)} failed")
    return 1 if tally.failures else 0


def prefix(args, name):
    return f"{args.label}: {name}" if args.label else name


# ---- Meson ------------------------------------------------------------------------------------


def run_meson(args, tally):
    build = pathlib.Path(args.build).resolve()
    log = build / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)

    # cmocka then prints one line a case; what is not TAP counts as one case a program.
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    command = ["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs",
               "--timeout-multiplier", f"{args.timeout_multiplier:g}"]
    for suite in args.suite:
        command += ["--suite", suite]
    for suite in args.no_suite:
        command += ["--no-suite", suite]
    status = subprocess.run(command, cwd=ROOT, env=env).returncode

    if not log.exists():
        if status != 0:
            tally.failures.append(prefix(args, "meson test did not run"))
        return
    failed_before = len(tally.failures)
    for line in log.read_text().splitlines():
        count_meson_test(json.loads(line), args, tally)
    if not args.suite:
        there = subprocess.run(["meson", "introspect", "--tests", str(build)],
                               stdout=subprocess.PIPE, check=True).stdout
        tally.failures += [prefix(args, f"suite {suite} is not in this build")
                           for suite in missing_suites(json.loads(there), args.no_suite)]
    if status != 0 and len(tally.failures) == failed_before:
        tally.failures.append(prefix(args, f"meson test exited {status}"))


def missing_suites(tests, left_out):
    """Suites that a whole run must meet; they vanish in silence when the build lacks cmocka."""
    there = {suite.split(":")[-1] for test in tests for suite in test.get("suite", [])}
    return [suite for suite in ("unit", "contract", "sim", "fuzz")
            if suite not in there and suite not in left_out]


def count_meson_test(test, args, tally):
    name = prefix(args, test["name"])
    if test["result"] == "SKIP":
        tally.skips.append(f"{name}: {last_line(test)}")
        return

    cases = Tally()
    output = test.get("stdout") or ""
    if re.search(r"^1\.\.\d+$", output, re.MULTILINE):
        for line in output.splitlines():
            count_tap_line(line, name, cases)
    ok = test["result"] in ("OK", "EXPECTEDFAIL")
    if not ok and not cases.failures:
        cases.failures.append(f"{name} ({test['result'].lower()})")
    if ok and not cases.passed and not cases.skips:
        cases.passed = 1
    if ok and cases.failures:
        cases.failures.append(f"{name} exits 0 though a case failed")
    tally.add(cases.as_dict())


def count_tap_line(line, name, tally):
    match = TAP_LINE.match(line)
    if not match:
        return
    skip = TAP_SKIP.search(match[2])
    if skip:
        tally.skips.append(f"{name}: {match[2]}")
    elif match[1] == "ok":
        tally.passed += 1
    else:
        tally.failures.append(f"{name}: {match[2]}")


def last_line(test):
    text = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"


# ---- Node -------------------------------------------------------------------------------------


def node_folders():
    """Every folder directly under tests/, in the order of their names."""
    return sorted(f"tests/{path.name}" for path in (ROOT / "tests").iterdir() if path.is_dir())


def run_node(folder, args, tally):
    path = ROOT / folder
    files = sorted(str(f.relative_to(ROOT)) for f in path.rglob("*")
                   if f.name.endswith(NODE_SUFFIXES) and not NOT_NODE & set(f.parts))
    if not files:
        return
    print(f"\n==== {folder}: {len(files)} files", flush=True)
    build = pathlib.Path(args.build).resolve()
    # A suite must not find the server, the token or the settings of whoever runs it.
    env = {name: value for name, value in os.environ.items()
           if not name.startswith("PROCTOR_") or name.startswith("PROCTOR_TEST_")}
    env.update(PROCTOR_BIN=str(build / "proctor"), PROCTOR_BUILD_DIR=str(build))

    with tempfile.NamedTemporaryFile("r", suffix=".tap") as tap:
        command = ["node", "--test",
                   "--test-reporter=spec", "--test-reporter-destination=stdout",
                   "--test-reporter=tap", f"--test-reporter-destination={tap.name}", *files]
        status = run_group(command, env, args.node_minutes * 60)
        report = tap.read()

    failed_before = len(tally.failures)
    count_node_report(report, prefix(args, folder), tally)
    if status is None:
        tally.failures.append(prefix(args, f"{folder}: over {args.node_minutes:g} minutes"))
    elif status != 0 and len(tally.failures) == failed_before:
        tally.failures.append(prefix(args, f"{folder}: node exited {status}"))


def run_group(command, env, seconds):
    """The exit status, or None when the time was over: then the whole group is gone."""
    child = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True)
    try:
        return child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()


def count_node_report(report, name, tally):
    """Counts from Node's own summary (its last lines); names from the indented points."""
    counts = dict(re.findall(r"^# (tests|pass|fail|cancelled|skipped|todo) (\d+)$", report,
                             re.MULTILINE))
    if "pass" not in counts:
        tally.failures.append(f"{name}: no summary from node")
        return
    tally.passed += int(counts["pass"])

    failed, skipped = [], []
    lines = report.splitlines()
    for number, line in enumerate(lines):
        match = TAP_LINE.match(line.strip())
        if not match:
            continue
        if TAP_SKIP.search(match[2]):
            skipped.append(f"{name}: {match[2]}")
        elif match[1] == "not ok" and not is_failed_suite(lines[number + 1:]):
            failed.append(f"{name}: {match[2]}")
    expected = int(counts["fail"]) + int(counts["cancelled"])
    # Never fewer failures than Node counted, whatever its report looks like.
    failed += [f"{name}: failure without a name"] * (expected - len(failed))
    tally.failures += failed
    tally.skips += skipped


def is_failed_suite(lines):
    """A suite fails with its tests and is not in Node's count; its details are the next block."""
    block = []
    for line in lines:
        block.append(line.strip())
        if line.strip() == "...":
            break
    return "type: 'suite'" in block and "failureType: 'subtestsFailed'" in block


if __name__ == "__main__":
    sys.exit(main())
