#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proctor beside its peers on this machine, now: same durability, same payload, interleaved rounds.

Prints a table of medians and ratios with the goal of each, and writes everything behind it as JSON.
A row with errors is no figure. The exit status says whether it could measure, not whether a goal
was reached: timing is never a test.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import browser
import scenarios
from servers import HERE, PROCTOR, Failed, calibrate
from verdicts import print_table, verdicts

# name, what, builder, unit, rounds: "all", or a number
SCENARIOS = [
    ("submit-64", "durable submit, 64 clients", lambda b: scenarios.submit(b, 64), "jobs/s", "all"),
    ("submit-1", "durable submit, 1 client", lambda b: scenarios.submit(b, 1), "jobs/s", "all"),
    ("submit-64-slow", "durable submit, 64 clients, each sync 4 ms slower",
     lambda b: scenarios.submit(b, 64, scenarios.SLOW_US), "jobs/s", "all"),
    ("life-64", "submit, claim, complete, 64 workers", scenarios.life, "jobs/s", "all"),
    ("bulk", "durable submit, 1,000 jobs a request", scenarios.bulk, "jobs/s", "all"),
    ("latency", "idle dispatch, submit to leased", scenarios.latency, "1/s", "all"),
    ("idle", "idle memory", scenarios.idle, "KiB", 1),
    ("cold-start", "exec to listening", scenarios.cold_start, "ms", 1),
    ("backlog", "submit, claim, complete beside a backlog", scenarios.backlog, "jobs/s", 2),
    ("streams", "one event to many readers", scenarios.streams, "1/s", 2),
    ("playwright", "one trivial Playwright test", scenarios.playwright, "s", "all"),
    ("browser-test", "one browser test, everything warm", browser.driver, "ms", "all"),
    ("browser-connections", "browser tests on several connections", browser.connections,
     "tests/s", 3),
    ("browser-jobs", "browser tests of one job", browser.jobs, "tests/s", 3),
    ("browser-suite", "20 browser tests, order to verdict, for each",
     lambda b: browser.suite(b, 20), "ms", 3),
    ("browser-single", "one browser test, order to verdict", lambda b: browser.suite(b, 1), "ms",
     "all"),
    ("syncs", "acknowledged jobs for one sync (strace)", scenarios.syncs, "jobs", 1),
]


def main():
    args = parse_args()
    work = tempfile.mkdtemp(prefix="proctor-bench-", dir=args.dir)
    os.chmod(work, 0o755)  # PostgreSQL runs as another user
    bench = scenarios.Bench(work, args.seconds, args.rounds, args.body, args.huge)
    result = {"startedAt": now(), "machine": machine(args.dir), "versions": versions(),
              "settings": {"rounds": args.rounds, "seconds": args.seconds, "bodyBytes": args.body},
              "calibrations": [], "scenarios": {}}
    try:
        for name, what, builder, unit, rounds in SCENARIOS:
            if args.only and name not in args.only:
                continue
            count = args.rounds if rounds == "all" else min(rounds, args.rounds)
            result["scenarios"][name] = measure(bench, result, name, what, builder, unit, count)
            save(args.json, result)
    finally:
        shutil.rmtree(work, ignore_errors=True)

    result["endedAt"] = now()
    result["verdicts"] = verdicts(result)
    save(args.json, result)
    print_table(result)
    print(f"\neverything behind it: {args.json}")
    return 0 if any(s["summary"] for s in result["scenarios"].values()) else 1


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1.5 s")
    parser.add_argument("--rounds", type=int, help="rounds of each scenario (5)")
    parser.add_argument("--seconds", type=float, help="measured time of one load (3)")
    parser.add_argument("--body", type=int, default=200, help="payload of a job in bytes (200)")
    parser.add_argument("--only", action="append", choices=[s[0] for s in SCENARIOS],
                        help="only this scenario (may be repeated)")
    parser.add_argument("--huge", action="store_true", help="also a backlog of 10 million")
    parser.add_argument("--dir", default=str(HERE.parent.parent / "build-bench"),
                        help="where data goes: the disk that is measured")
    parser.add_argument("--json", default=str(HERE.parent.parent / "build-bench/bench.json"))
    args = parser.parse_args()
    args.rounds = args.rounds or (2 if args.quick else 5)
    args.seconds = args.seconds or (1.5 if args.quick else 3)
    os.makedirs(args.dir, exist_ok=True)
    return args


def measure(bench, result, name, what, builder, unit, rounds):
    print(f"\n==== {name}: {what}", flush=True)
    rows, skipped = [], {}
    try:
        built = builder(bench)
    except Failed as failed:
        print(f"  skipped: {failed}")
        return {"what": what, "unit": unit, "rows": [], "summary": {}, "skipped": str(failed)}
    contestants, finish = built if isinstance(built, tuple) else (built, lambda: None)

    before = note_disk(bench, result, name, "before")
    try:
        for number in range(rounds):
            for contestant, one in contestants.items():
                if contestant in skipped:
                    continue
                try:
                    row = one()
                except (Failed, OSError, subprocess.SubprocessError) as failed:
                    skipped[contestant] = str(failed)
                    print(f"  {contestant}: no figure: {failed}", flush=True)
                    continue
                rows.append({"contestant": contestant, "round": number + 1, **row})
                flaw = f"  INVALID, {row['errors']} errors: {row.get('said', '')}" \
                    if row["errors"] else ""
                print(f"  round {number + 1}  {contestant:28} {row['rate']:12,.1f} {unit}{flaw}",
                      flush=True)
    finally:
        finish()
    after = note_disk(bench, result, name, "after")
    return {"what": what, "unit": unit, "rows": rows, "summary": summary(rows),
            "skipped": skipped, "diskRate": (before["rate"] + after["rate"]) / 2,
            "diskSteady": abs(before["rate"] - after["rate"]) <= 0.3 * before["rate"]}


def note_disk(bench, result, name, when):
    disk = calibrate(bench.work)
    result["calibrations"].append({"scenario": name, "when": when, **disk})
    print(f"  disk {when}: {disk['rate']:,.0f} fdatasync/s, p50 {disk['p50Ms']:.3f} ms, "
          f"p99 {disk['p99Ms']:.3f} ms, load {disk['load']}", flush=True)
    return disk


def summary(rows):
    """Median and range of every number of the rows without errors, for each contestant."""
    found = {}
    for row in rows:
        if not row["errors"]:
            found.setdefault(row["contestant"], []).append(row)
    return {contestant: {key: {"median": statistics.median(r[key] for r in good),
                               "min": min(r[key] for r in good), "max": max(r[key] for r in good)}
                         for key in good[0]
                         if key != "round" and isinstance(good[0][key], (int, float))}
            for contestant, good in found.items()}


def save(path, result):
    pathlib.Path(path).write_text(json.dumps(result, indent=1) + "\n")


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def machine(directory):
    cpu = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
           if line.startswith("model name")]
    kind = subprocess.run(["stat", "-f", "-c", "%T", directory], capture_output=True, text=True)
    return {"cpu": cpu[0] if cpu else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release(), "system": platform.platform(),
            "filesystem": kind.stdout.strip(), "memoryKb": os.sysconf("SC_PHYS_PAGES") * 4}


def versions():
    def first_line(*command):
        try:
            out = subprocess.run(command, capture_output=True, text=True)
        except OSError:
            return None
        return ((out.stdout or out.stderr).strip().splitlines() or [None])[0]

    found = {"proctor": first_line(PROCTOR, "version"), "node": first_line("node", "--version"),
             "beanstalkd": first_line("beanstalkd", "-v"),
             "redis": first_line("redis-server", "--version"),
             "pgbench": first_line("pgbench", "--version")}
    for package in ("bullmq", "ioredis", "graphile-worker", "pg-boss", "pg"):
        manifest = HERE / "node_modules" / package / "package.json"
        found[package] = json.loads(manifest.read_text())["version"] if manifest.exists() else None
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    sys.exit(main())
