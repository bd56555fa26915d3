# SPDX-License-Identifier: Apache-2.0
"""Browser tests: the same steps on the demo shop by Proctor's driver, playwright-core, Playwright
Test and TestCafe. Everybody's processes are in a control group of their own, whose CPU time and
memory are theirs and nobody else's; the shop is outside of them all."""

import json
import os
import pathlib
import selectors
import shutil
import statistics
import subprocess
import tempfile
import time

from servers import HERE, PROCTOR, Failed, Proctor, Server, memory_kb

ROOT = HERE.parent.parent
SUITE = HERE / "browser_suite"
PLAYWRIGHT = ROOT / "runners/playwright/node_modules"
TESTCAFE = ROOT / "runners/testcafe/node_modules/testcafe/bin/testcafe.js"
TESTS = 20
PATIENCE_S = 120

CHROMIUM = "/usr/lib/chromium/chromium-headless-shell"


def steps(shop):
    return [{"open": shop},
            {"expect": {"title": "Catalogue · Corner Shop"}},
            {"type": {"into": {"label": "Search"}, "text": "glass"}},
            {"click": "role=button Find"},
            {"expect": {"text": {"role": "heading", "level": 2}, "is": "Glass teapot"}},
            {"expect": {"text": "role=status", "is": "1 product"}}]


# ---- what a contestant uses ---------------------------------------------------------------------


class Group:
    """A control group (version 2, without controllers) for one contestant's processes."""

    def __init__(self):
        base = next((pathlib.Path(path) for path in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
                     if os.access(f"{path}/cgroup.controllers", os.R_OK)), None)
        try:
            own = pathlib.Path("/proc/self/cgroup").read_text().split("0::/", 1)[1]
            self.path = pathlib.Path(tempfile.mkdtemp(prefix="bench-",
                                                      dir=base / own.splitlines()[0]))
        except (OSError, TypeError, IndexError) as error:
            raise Failed("CPU time needs a control group (version 2) that may be written; "
                         f"try as root or in a delegated one: {error}") from error

    def join(self):
        """For preexec_fn."""
        (self.path / "cgroup.procs").write_text("0")

    def cpu_ms(self):
        usage = (self.path / "cpu.stat").read_text().split("usage_usec ", 1)[1]
        return int(usage.split()[0]) / 1000

    def pids(self):
        return [int(pid) for procs in self.path.rglob("cgroup.procs")
                for pid in procs.read_text().split()]

    def pss_mb(self):
        total = 0
        for pid in self.pids():
            try:
                total += memory_kb(pid)["Pss"]
            except (OSError, TypeError):
                continue  # gone meanwhile
        return total / 1024

    def close(self):
        """Ends what is left in it. An ended process keeps the group until it is reaped."""
        end = time.monotonic() + 10
        while True:
            try:
                (self.path / "cgroup.kill").write_text("1")
                for path in sorted(self.path.rglob("*/"), reverse=True):
                    if path.is_dir():
                        path.rmdir()
                self.path.rmdir()
                return
            except OSError as error:
                if time.monotonic() > end:
                    raise Failed(f"processes are left in {self.path}: {error}") from error
                time.sleep(0.02)


def own_cpu_ms(pid):
    """Of one living process with all its threads, to the nanosecond."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e6


class Shop(Server):
    name = "shop"

    def command(self):
        return ["node", str(ROOT / "examples/shop/server.js"), "--port", str(self.port)]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"


class Lines:
    """Messages, one a line, between two descriptors."""

    def __init__(self, fd_in, fd_out):
        self.fd_in, self.fd_out, self.rest = fd_in, fd_out, b""

    def send(self, message):
        os.write(self.fd_out, json.dumps(message).encode() + b"\n")

    def take(self):
        """What one read brings: [] at first, perhaps; an end is a failure."""
        data = os.read(self.fd_in, 1 << 16)
        if not data:
            raise Failed("the process ended")
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def wait(self, is_it):
        while True:
            for message in self.take():
                if is_it(message):
                    return message


class Runner:
    """`proctor runner browser` as a worker would start it."""

    def __init__(self, group, work, shop):
        self.test = {"name": "search", "kind": "browser", "steps": steps(shop)}
        self.dir = tempfile.mkdtemp(prefix="runner-", dir=work)
        request, ours = os.pipe()
        theirs, reply = os.pipe()

        def connect():
            group.join()
            low = [os.dup2(fd, 100 + i) for i, fd in enumerate((request, reply))]
            for i, fd in enumerate(low):
                os.dup2(fd, 3 + i)

        self.process = subprocess.Popen([PROCTOR, "runner", "browser"], preexec_fn=connect,
                                        close_fds=False, cwd=self.dir,
                                        stdout=subprocess.DEVNULL,
                                        stderr=open(f"{self.dir}.log", "wb"))
        os.close(request)
        os.close(reply)
        self.lines = Lines(theirs, ours)
        self.number = 0
        self.lines.send({"type": "hello", "versions": [1], "worker": "bench"})
        self.lines.wait(lambda message: message["type"] == "ready")

    def begin(self, test=None):
        self.number += 1
        artifacts = f"{self.dir}/artifacts"
        for path in (f"{self.dir}/run", artifacts, f"{self.dir}/cache"):
            shutil.rmtree(path, ignore_errors=True)
            os.mkdir(path)
        self.begun = time.perf_counter()
        self.lines.send({"type": "run", "run": f"r{self.number}", "job": "j", "jobName": "bench",
                         "test": test or self.test, "config": {}, "params": {}, "iteration": 1,
                         "attempt": 1, "timeoutMs": 0, "dir": f"{self.dir}/run",
                         "artifacts": artifacts, "cache": f"{self.dir}/cache"})

    def take(self):
        """The ms of the run if its result has come, else None."""
        for message in self.lines.take():
            if message["type"] == "result":
                if message["outcome"] != "passed":
                    raise Failed(f"the runner says {json.dumps(message)[:400]}")
                return 1000 * (time.perf_counter() - self.begun)
        return None

    def run(self):
        self.begin()
        while True:
            ms = self.take()
            if ms is not None:
                return ms

    def hold(self):
        """Begins a run that stays at its end; a cancel ends it."""
        self.begin({**self.test, "steps": self.test["steps"] + [
            {"log": "holding"}, {"wait": "60s"}]})
        self.lines.wait(lambda message: message["type"] == "log")

    def release(self):
        self.lines.send({"type": "cancel", "run": f"r{self.number}", "reason": "done"})
        self.lines.wait(lambda message: message["type"] == "result")

    def stop(self):
        os.close(self.lines.fd_out)
        self.process.wait(20)
        os.close(self.lines.fd_in)


# ---- contestants: start(), many(tests), hold(count), stop() -------------------------------------


class Ours:
    """A runner with its browser for each connection, fed like a worker feeds them."""

    def __init__(self, work, shop, connections):
        self.group = Group()
        self.runners = [Runner(self.group, work, shop) for _ in range(connections)]

    @property
    def drivers(self):
        return [runner.process.pid for runner in self.runners]

    def many(self, tests):
        times, left = [], tests
        begin = time.perf_counter()
        with selectors.DefaultSelector() as ready:
            for runner in self.runners[:tests]:
                ready.register(runner.lines.fd_in, selectors.EVENT_READ, runner)
                runner.begin()
                left -= 1
            while len(times) < tests:
                events = ready.select(PATIENCE_S)
                if not events:
                    raise Failed("the runner is silent")
                for key, _ in events:
                    ms = key.data.take()
                    if ms is None:
                        continue
                    times.append(ms)
                    if left > 0:
                        left -= 1
                        key.data.begin()
        return times, 1000 * (time.perf_counter() - begin)

    def hold(self):
        for runner in self.runners:
            runner.hold()

    def release(self):
        for runner in self.runners:
            runner.release()

    def stop(self):
        for runner in self.runners:
            runner.stop()
        self.group.close()


class Core:
    """playwright-core: one browser, a context for each connection."""

    def __init__(self, work, shop, connections):
        self.connections = connections
        self.group = Group()
        self.process = subprocess.Popen(
            ["node", str(SUITE / "core.mjs"), str(PLAYWRIGHT), CHROMIUM, shop],
            preexec_fn=self.group.join, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=open(work / "core.log", "wb"))
        self.lines = Lines(self.process.stdout.fileno(), self.process.stdin.fileno())
        self.lines.wait(lambda message: True)

    @property
    def drivers(self):
        return [self.process.pid]

    def ask(self, command):
        self.lines.send(command)
        return self.lines.wait(lambda message: True)

    def many(self, tests):
        answer = self.ask({"tests": tests, "parallel": self.connections})
        return answer["times"], answer["wallMs"]

    def hold(self):
        self.ask({"hold": self.connections})

    def release(self):
        self.ask({"hold": 0})

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
        self.group.close()


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def row_of(contestant, tests):
    """Carries out so many and measures; the first is not like the others, so it is not counted."""
    contestant.many(len(contestant.drivers))
    cpu = contestant.group.cpu_ms()
    own = [own_cpu_ms(pid) for pid in contestant.drivers]
    times, wall_ms = contestant.many(tests)
    return {"medianMs": statistics.median(times), "p95Ms": percentile(times, 0.95),
            "cpuMs": (contestant.group.cpu_ms() - cpu) / tests,
            "driverMs": (sum(map(own_cpu_ms, contestant.drivers)) - sum(own)) / tests,
            "testsPerSecond": 1000 * tests / wall_ms, "wallMs": wall_ms / tests, "errors": 0}


# ---- scenarios ----------------------------------------------------------------------------------


class Stage:
    """The shop, and contestants that are started when their turn comes and stay warm."""

    def __init__(self, bench):
        if not os.access(CHROMIUM, os.X_OK) or not PLAYWRIGHT.is_dir():
            raise Failed("Playwright or chromium-headless-shell is missing")
        self.work = bench.work / "browser"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.shop = Shop(self.work).__enter__()
        self.there = {}

    def get(self, key, make):
        if key not in self.there:
            self.there[key] = make()
        return self.there[key]

    def drop(self, key):
        self.there.pop(key).stop()

    def close(self):
        for key in list(self.there):
            self.drop(key)
        self.shop.stop()

    def command(self, argv, tests, cwd, **env):
        """Carries out a command in a group of its own: (seconds, CPU ms, its output)."""
        group = Group()
        begin = time.monotonic()
        try:
            done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True,
                                  preexec_fn=group.join, timeout=300,
                                  env=dict(os.environ, CI="1", BENCH_CHROMIUM=CHROMIUM,
                                           BENCH_TESTS=str(tests), BENCH_SHOP=self.shop.url,
                                           **env))
            seconds = time.monotonic() - begin
            cpu = group.cpu_ms()
        finally:
            group.close()
        if done.returncode != 0:
            raise Failed(f"{argv[0]}: {(done.stdout + done.stderr)[-400:]}")
        return seconds, cpu, done.stdout


class JobServer(Proctor):
    """The server with its worker, in a group."""

    def __init__(self, work, connections):
        self.group = Group()
        self.name = self.group.path.name  # its directory: there may be two at a time
        super().__init__(work)
        self.workers = connections
        self.__enter__()

    def spawn(self, command, **more):
        super().spawn(command, preexec_fn=self.group.join, **more)

    def stop(self, *how):
        super().stop(*how)
        self.group.close()

    def job(self, body):
        """Submits and waits for the end; seconds."""
        begin = time.monotonic()
        job = self.call("POST", "/api/v1/jobs", body)
        while job["status"] not in ("completed", "failed", "stopped", "invalid"):
            if time.monotonic() > begin + PATIENCE_S:
                raise Failed(f"the job is still {job['status']}")
            job = self.call("GET", f"/api/v1/jobs/{job['id']}?wait=30s")
        if job["status"] != "completed":
            raise Failed(f"the job ended {job['status']}: {job.get('reason')}")
        return time.monotonic() - begin

    def call(self, method, path, body=None):
        from scenarios import call  # which imports this file
        return call(self, method, path, body)

    def row(self, body, tests):
        cpu = self.group.cpu_ms()
        seconds = self.job(body)
        return figures(seconds, self.group.cpu_ms() - cpu, tests)


def figures(seconds, cpu_ms, tests):
    return {"wallMs": 1000 * seconds / tests, "cpuMs": cpu_ms / tests, "errors": 0}


def rated(row, key):
    return dict(row, rate=row[key])


def driver(bench):
    """One test after the other, everything warm: the time of one test."""
    stage = Stage(bench)

    def contestant(kind):
        def measure():
            warm = stage.get(kind, lambda: kind(stage.work, stage.shop.url, 1))
            return rated(row_of(warm, TESTS), "medianMs")

        return measure

    def testcafe():
        """As its own reporter tells: without the start of the browser."""
        seconds, cpu, out = stage.command(testcafe_command(), TESTS, SUITE)
        tests = json.loads(out[out.index("{"):])["fixtures"][0]["tests"]
        times = [test["durationMs"] for test in tests]
        return rated(dict(figures(seconds, cpu, TESTS), medianMs=statistics.median(times),
                          p95Ms=percentile(times, 0.95)), "medianMs")

    return {"proctor": contestant(Ours), "playwright-core": contestant(Core),
            "testcafe": testcafe}, stage.close


def connections(bench):
    """Tests a second with so many connections, and what they hold in memory."""
    stage = Stage(bench)

    def contestant(kind, count):
        def measure():
            warm = kind(stage.work, stage.shop.url, count)
            try:
                warm.many(2 * count)
                idle_mb = warm.group.pss_mb()
                row = row_of(warm, TESTS)
                warm.hold()
                held_mb = warm.group.pss_mb()
                warm.release()
            finally:
                warm.stop()
            return rated(dict(row, idleMb=idle_mb, heldMb=held_mb,
                              contextMb=(held_mb - idle_mb) / count,
                              connectionMb=held_mb / count), "testsPerSecond")

        return measure

    found = {}
    for count in (1, 2, 4):
        found[f"proctor, {count}"] = contestant(Ours, count)
        found[f"playwright-core, {count}"] = contestant(Core, count)
    return found, stage.close


def testcafe_command():
    browser = "chromium:headless --no-sandbox" if os.getuid() == 0 else "chromium:headless"
    return ["node", str(TESTCAFE), browser, str(SUITE / "shop.testcafe.js"), "--reporter", "json",
            "--disable-page-caching"]


def browser_job(stage, tests, concurrency=1):
    each = steps(stage.shop.url)
    return {"name": "search", "browsers": ["chromium"], "concurrency": concurrency,
            "tests": [{"name": f"search {i + 1}", "kind": "browser", "steps": each}
                      for i in range(tests)]}


def playwright_job(stage, tests):
    return {"name": "search", "tests": [{
        "name": "search", "kind": "playwright", "script": (SUITE / "shop.spec.js").read_text(),
        "env": {"BENCH_TESTS": str(tests), "BENCH_SHOP": stage.shop.url}}]}


PLAYWRIGHT_CONFIG = """module.exports = {
	reporter: 'line',
	workers: 1,
	use: { launchOptions: { executablePath: process.env.BENCH_CHROMIUM } },
};
"""


def playwright_project(stage):
    project = stage.work / "project"
    if not project.exists():
        project.mkdir()
        shutil.copy(SUITE / "shop.spec.js", project / "shop.spec.js")
        (project / "playwright.config.js").write_text(PLAYWRIGHT_CONFIG)
        (project / "node_modules").symlink_to(PLAYWRIGHT)
    return project


def suite(bench, tests):
    """So many tests from the order to the verdict."""
    stage = Stage(bench)

    def by_server(make):
        def measure():
            def start():
                server = JobServer(stage.work, 1)
                server.job(make(stage, 1))  # warm: as one is that has run a test before
                return server

            return rated(stage.get(make, start).row(make(stage, tests), tests), "wallMs")

        return measure

    def by_command(*argv):
        def measure():
            seconds, cpu, _ = stage.command(argv, tests, playwright_project(stage))
            return rated(figures(seconds, cpu, tests), "wallMs")

        return measure

    def testcafe():
        seconds, cpu, _ = stage.command(testcafe_command(), tests, SUITE)
        return rated(figures(seconds, cpu, tests), "wallMs")

    cli = str(PLAYWRIGHT / "@playwright/test/cli.js")
    found = {"proctor": by_server(browser_job),
             "proctor, Playwright": by_server(playwright_job),
             "playwright cli.js": by_command("node", cli, "test")}
    if tests == 1:
        found["npx playwright"] = by_command("npx", "playwright", "test")
    return dict(found, testcafe=testcafe), stage.close


def jobs(bench):
    """Tests a second of one job with so many connections: queue, worker, store and all."""
    stage = Stage(bench)

    def contestant(count):
        def measure():
            server = JobServer(stage.work, count)
            try:
                server.job(browser_job(stage, 2 * count, count))
                row = server.row(browser_job(stage, TESTS, count), TESTS)
            finally:
                server.stop()
            return rated(dict(row, testsPerSecond=1000 / row["wallMs"]), "testsPerSecond")

        return measure

    return {f"proctor, {count}": contestant(count) for count in (1, 2, 4)}, stage.close
