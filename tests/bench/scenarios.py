# SPDX-License-Identifier: Apache-2.0
"""What is measured. A scenario is a list of contestants, ours first; each is a function that makes
one measurement and returns its row. They are called in turn, round after round, so that whatever
the machine does meanwhile happens to all of them."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from servers import (HERE, Beanstalkd, Failed, Postgres, Proctor, Redis, activity, calibrate,
                     memory_kb, process_tree, run_node, slow_disk)

SLOW_US = 4000
BULK = 1000


class Bench:
    """Settings, and the cluster of PostgreSQL that lives through all rounds."""

    def __init__(self, work, seconds, rounds, body, huge):
        self.work = pathlib.Path(work)
        self.seconds, self.rounds, self.body, self.huge = seconds, rounds, body, huge
        self.warmup = min(0.5, seconds / 4)

    def timed(self, **more):
        return dict(seconds=self.seconds, warmup=self.warmup, body=self.body, **more)


# ---- durable submit -----------------------------------------------------------------------------


def submit(bench, clients, delay_us=0):
    env = slow_disk(delay_us)
    options = bench.timed(clients=clients)

    def proctor():
        with Proctor(bench.work, env) as server:
            return server.load("submit", **options)

    def beanstalkd():
        with Beanstalkd(bench.work, env) as server:
            return server.load("submit", **options)

    def bullmq():
        with Redis(bench.work, env) as server:
            return run_node("bullmq.mjs", "submit", port=server.port, **options)

    def pgbench():
        with Postgres(bench.work, env) as server:
            server.fresh_table(body=bench.body)
            return server.pgbench("insert.sql", clients, bench.seconds, bench.body)

    return {"proctor": proctor, "beanstalkd": beanstalkd, "bullmq": bullmq,
            "pgbench insert": pgbench}


def bulk(bench):
    options = bench.timed(clients=2, bulk=BULK)

    def proctor():
        with Proctor(bench.work) as server:
            return server.load("submit", **options)

    def graphile():
        with Postgres(bench.work) as server:
            fresh_database(server)
            return run_node("graphile.mjs", "submit", port=server.port, **options)

    def bullmq():
        with Redis(bench.work) as server:
            return run_node("bullmq.mjs", "submit", port=server.port, **options)

    return {"proctor": proctor, "graphile-worker addJobs": graphile, "bullmq addBulk": bullmq}


# ---- whole lives --------------------------------------------------------------------------------


def life(bench):
    options = bench.timed(clients=32, pollers=64)

    def proctor():
        with Proctor(bench.work) as server:
            return server.load("life", **options)

    def beanstalkd():
        with Beanstalkd(bench.work) as server:
            return server.load("life", **options)

    def bullmq():
        with Redis(bench.work) as server:
            return run_node("bullmq.mjs", "life", port=server.port, **options)

    def pgbench():
        """Claim and complete only: its jobs are there before the clock starts."""
        with Postgres(bench.work) as server:
            server.fresh_table(jobs=int(40000 * bench.seconds), body=bench.body)
            return server.pgbench("claim_complete.sql", 64, bench.seconds, bench.body)

    def pg_boss():
        with Postgres(bench.work) as server:
            fresh_database(server)
            return run_node("pg_boss.mjs", "life", port=server.port, **options)

    return {"proctor": proctor, "beanstalkd": beanstalkd, "bullmq": bullmq,
            "pgbench claim+complete": pgbench, "pg-boss": pg_boss}


def fresh_database(server):
    server.sql("DROP DATABASE IF EXISTS bench", db="postgres")
    server.sql("CREATE DATABASE bench", db="postgres")
    server.sql("CHECKPOINT", db="postgres")


# ---- one server by itself -----------------------------------------------------------------------


def latency(bench):
    """From the submit's first byte to the answer of the poll that was parked."""
    def proctor():
        with Proctor(bench.work) as server:
            before = calibrate(bench.work, 200)
            row = server.load("latency", clients=1, pollers=1, count=200, gap_ms=10, seconds=60,
                              warmup=0, body=bench.body)
            after = calibrate(bench.work, 200)
        return dict(row, rate=1000 / row["p50Ms"] if row["p50Ms"] else 0,
                    diskP50Ms=(before["p50Ms"] + after["p50Ms"]) / 2,
                    diskP99Ms=(before["p99Ms"] + after["p99Ms"]) / 2)

    return {"proctor": proctor}


def idle(bench):
    """Memory, writes and processor time of a server that has nothing to do."""
    def proctor():
        with Proctor(bench.work) as server:
            time.sleep(2)
            before = activity(server.pid)
            time.sleep(5)
            after = activity(server.pid)
            memory = memory_kb(server.pid)
        return {"rssKb": memory["Rss"], "pssKb": memory["Pss"], "rate": memory["Rss"],
                "writes": after["writes"] - before["writes"],
                "written": after["written"] - before["written"],
                "cpuPercent": 100 * (after["cpu"] - before["cpu"]) / 5, "errors": 0}

    def with_worker():
        server = Proctor(bench.work)
        server.workers = 2
        with server:
            time.sleep(3)
            pss = sum(memory_kb(pid)["Pss"] for pid in process_tree(server.pid))
        return {"pssKb": pss, "rate": pss, "errors": 0}

    return {"proctor": proctor, "proctor and its worker": with_worker}


def cold_start(bench):
    """From exec to the line that says where it listens, on a data directory that is there."""
    def proctor():
        times = []
        for number in range(11):
            with Proctor(bench.work, keep=number > 0) as server:
                times.append(server.start_seconds * 1000)
        times = sorted(times[1:])
        return {"rate": times[len(times) // 2], "p50Ms": times[len(times) // 2],
                "maxMs": times[-1], "errors": 0}

    return {"proctor": proctor}


def backlog(bench):
    """Throughput beside a backlog, memory, and the first lease after a crash."""
    def beside(jobs):
        def proctor():
            with Proctor(bench.work) as server:
                fill = server.load("submit", clients=2, bulk=min(BULK, jobs), count=jobs,
                                   seconds=600, warmup=0, body=bench.body)
                row = server.load("life", **bench.timed(clients=32, pollers=64, keep_backlog=1))
                row["rssKb"] = memory_kb(server.pid)["Rss"]
                row["fillRate"] = fill["rate"]
                row["submitRate"] = row["submitted"] / (bench.seconds + bench.warmup)
                row["errors"] += fill["errors"]
                row["fileMb"] = sum(f.stat().st_size for f in server.dir.rglob("*")
                                    if f.is_file()) / 1e6
                # A small backlog may be used up; then there is this one job to lease.
                call(server, "POST", "/api/v1/jobs", {
                    "name": "last", "tests": [{"name": "last", "kind": "command",
                                               "argv": ["true"]}]})
                server.stop(signal.SIGKILL)
                begin = time.monotonic()
                server.start()
                first_lease(server)
                row["firstLeaseMs"] = 1000 * (time.monotonic() - begin)
            return row

        return proctor

    sizes = [1000, 100_000, 1_000_000] + ([10_000_000] if bench.huge else [])
    return {f"proctor, {jobs:,} queued": beside(jobs) for jobs in sizes}


def first_lease(server):
    poll = {"worker": "01900000-0000-7000-8000-%012x" % os.getpid(), "name": "bench",
            "version": "0", "kinds": ["command"], "labels": {}, "capacity": 1, "claim": True,
            "waitMs": 10000, "holds": [], "results": [], "events": []}
    answer = call(server, "POST", "/api/v1/workers/poll", poll)
    if not answer.get("leases"):
        raise Failed("no lease after the restart")


def call(server, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=90)
    connection.request(method, path, json.dumps(body) if body is not None else None,
                       {"Authorization": f"Bearer {server.token}",
                        "Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    if not 200 <= response.status < 300:
        raise Failed(f"{method} {path}: {response.status} {text[:200]!r}")
    return json.loads(text)


def streams(bench):
    """One event to many readers of the project's stream, and what idle streams cost."""
    def readers(count, events):
        def proctor():
            server = Proctor(bench.work)
            server.options = ["--connections", str(count + 1000)]
            with server:
                time.sleep(1)
                before = memory_kb(server.pid)["Rss"]
                row, idle_kb = server.load_streams(count, events, bench.body)
            return dict(row, idleMb=(idle_kb - before) / 1024,
                        rate=1000 / row["p99Ms"] if row["p99Ms"] else 0)

        return proctor

    return {"proctor": readers(2000, 30), "proctor, 10,000 streams": readers(10000, 3)}


# ---- Playwright ---------------------------------------------------------------------------------

SPEC = """import { test, expect } from '@playwright/test';

test('trivial', async ({ page }) => {
	await page.setContent('<h1>hello</h1>');
	await expect(page.locator('h1')).toHaveText('hello');
});
"""
CONFIG = """module.exports = {
	reporter: 'line',
	use: { launchOptions: { executablePath: process.env.BENCH_CHROMIUM } },
};
"""


def playwright(bench):
    modules = HERE.parent.parent / "runners/playwright/node_modules"
    project = bench.work / "playwright-project"
    chromium = shutil.which("chromium-headless-shell")
    if not modules.is_dir() or not chromium:
        raise Failed("Playwright or chromium-headless-shell is missing")
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir(parents=True)
    (project / "trivial.spec.ts").write_text(SPEC)
    (project / "playwright.config.js").write_text(CONFIG)
    (project / "node_modules").symlink_to(modules)
    server = Proctor(bench.work)
    server.workers = 1

    def proctor():
        if not server.process:
            server.__enter__()
            one_job(server)  # warm: as a server is that has run a test before
        begin = time.monotonic()
        one_job(server)
        return seconds_row(begin)

    def command(*argv):
        def measure():
            begin = time.monotonic()
            done = subprocess.run(argv, cwd=project, capture_output=True, text=True,
                                  env=dict(os.environ, BENCH_CHROMIUM=chromium, CI="1"))
            if done.returncode != 0:
                raise Failed(f"{argv[0]}: {(done.stdout + done.stderr)[-300:]}")
            return seconds_row(begin)

        return measure

    def seconds_row(begin):
        return {"rate": time.monotonic() - begin, "errors": 0}

    measures = {"proctor": proctor,
                "node cli.js test": command("node", str(modules / "@playwright/test/cli.js"),
                                            "test"),
                "npx playwright test": command("npx", "playwright", "test")}
    return measures, server.stop


def one_job(server):
    job = call(server, "POST", "/api/v1/jobs", {
        "name": "trivial",
        "tests": [{"name": "trivial", "kind": "playwright", "script": SPEC}]})
    end = time.monotonic() + 60
    while job["status"] not in ("completed", "failed", "stopped", "invalid"):
        if time.monotonic() > end:
            raise Failed(f"the job is still {job['status']}")
        job = call(server, "GET", f"/api/v1/jobs/{job['id']}?wait=30s")
    if job["status"] != "completed":
        raise Failed(f"the job ended {job['status']}: {job.get('reason')}")


# ---- is it durable? -----------------------------------------------------------------------------


def syncs(bench):
    """Acknowledged jobs for one sync, counted by strace on the server itself."""
    def traced(server, load):
        out = bench.work / "strace.txt"
        with server:
            tracer = subprocess.Popen(["strace", "-f", "-c", "-e", "trace=fsync,fdatasync", "-o",
                                       str(out), "-p", str(server.pid)],
                                      stderr=subprocess.DEVNULL)
            time.sleep(0.5)
            row = load(server)
            tracer.send_signal(signal.SIGINT)
            tracer.wait(20)
        calls = sum(int(line.split()[3]) for line in out.read_text().splitlines()
                    if line.rstrip().endswith(("fsync", "fdatasync")))
        acknowledged = row.get("completed") or row["ops"]
        return {"rate": acknowledged / calls if calls else 0, "syncs": calls,
                "acknowledged": acknowledged, "errors": row["errors"] + (calls == 0)}

    options = dict(clients=64, seconds=2, warmup=0, body=bench.body)

    def postgres_load(server):
        server.fresh_table(body=bench.body)
        return server.pgbench("insert.sql", 64, 2, bench.body)

    return {
        "proctor": lambda: traced(Proctor(bench.work), lambda s: s.load("submit", **options)),
        "beanstalkd": lambda: traced(Beanstalkd(bench.work),
                                     lambda s: s.load("submit", **options)),
        "bullmq": lambda: traced(Redis(bench.work), lambda s: run_node(
            "bullmq.mjs", "submit", port=s.port, **options)),
        "pgbench insert": lambda: traced(Postgres(bench.work), postgres_load),
    }
