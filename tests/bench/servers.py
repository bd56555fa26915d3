# SPDX-License-Identifier: Apache-2.0
"""The servers that the bench compares: started by us on free ports of the loopback interface with
a private directory each on the same disk, ended by their own process id."""

import glob
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = pathlib.Path(os.environ.get("BENCH_PROGRAMS", HERE))
PROCTOR = os.environ.get("PROCTOR_BIN", "proctor")
START_SECONDS = 20


class Failed(Exception):
    """A measurement that could not be made."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def slow_disk(delay_us):
    """The environment in which every sync takes that much longer."""
    if not delay_us:
        return {}
    return {"LD_PRELOAD": str(PROGRAMS / "syncdelay.so"), "SYNC_DELAY_US": str(delay_us)}


class Server:
    """with Server(work, env): …; self.port and self.pid while it runs."""

    name = ""
    settings = ""

    def __init__(self, work, env=None, keep=False):
        self.dir = pathlib.Path(work) / self.name
        self.env = dict(os.environ, **(env or {}))
        self.keep = keep
        self.process = None
        self.port = None

    def __enter__(self):
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True, exist_ok=True)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc):
        self.stop()
        return False

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        self.port = free_port()
        self.spawn(self.command())
        self.wait_for_port()

    def spawn(self, command, **more):
        self.log = open(self.dir.parent / f"{self.name}.log", "wb")
        self.process = subprocess.Popen(command, env=self.env, cwd=self.dir, stderr=self.log,
                                        stdin=subprocess.DEVNULL,
                                        **{"stdout": self.log, **more})

    def wait_for_port(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise Failed(f"{self.name} did not start, see {self.log.name}")

    def stop(self, how=signal.SIGTERM):
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        self.log.close()


class Proctor(Server):
    name = "proctor"
    settings = "serve --durability fsync (the default)"
    workers = 0
    options = ()

    def start(self):
        begin = time.monotonic()
        self.spawn([PROCTOR, "serve", "--listen", "127.0.0.1:0", "--data", str(self.dir),
                    "--workers", str(self.workers), *self.options], stdout=subprocess.PIPE)
        line = self.process.stdout.readline().decode()
        self.start_seconds = time.monotonic() - begin
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
        if not found:
            raise Failed(f"proctor said {line!r}, see {self.log.name}")
        self.port = int(found[1])
        self.token = (self.dir / "admin.token").read_text().strip()

    def stop(self, how=signal.SIGTERM):
        pipe = self.process.stdout if self.process else None
        super().stop(how)
        if pipe:
            pipe.close()

    def load(self, mode, **options):
        return run_load("proctor", mode, port=self.port, token=self.token, **options)


    def load_streams(self, readers, events, body):
        """The load's row, and the resident set while all streams are idle."""
        load = subprocess.Popen([str(PROGRAMS / "load"), "proctor", "streams", *arguments(dict(
            port=self.port, token=self.token, clients=readers, count=events, gap_ms=100,
            seconds=120, warmup=0, body=body))], stdout=subprocess.PIPE, stderr=self.log)
        ready = load.stdout.readline()
        idle_kb = memory_kb(self.pid)["Rss"]
        rest = load.stdout.read()
        load.wait()
        load.stdout.close()
        if ready != b"ready\n":
            raise Failed(f"the streams did not start: {(ready + rest)[-200:]!r}")
        return json.loads(rest), idle_kb


class Beanstalkd(Server):
    name = "beanstalkd"
    settings = "-b DIR -f 0: a sync before each answer"

    def command(self):
        return ["beanstalkd", "-l", "127.0.0.1", "-p", str(self.port), "-b", str(self.dir),
                "-f", "0"]

    def load(self, mode, **options):
        return run_load("beanstalk", mode, port=self.port, **options)


class Redis(Server):
    name = "redis"
    settings = "appendonly yes, appendfsync always, no snapshots"

    def command(self):
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir",
                str(self.dir), "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                "--maxmemory-policy", "noeviction"]


class Postgres(Server):
    name = "postgresql"
    settings = ("fsync=on, synchronous_commit=on, full_page_writes=on, shared_buffers=256MB, "
                "checkpoint before each measurement")

    def __init__(self, work, env=None):
        super().__init__(work, env, keep=True)
        # A cluster that is not stopped cleanly has to recover; one for the whole bench is enough.
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not found:
            raise Failed("PostgreSQL is not installed")
        self.bin = pathlib.Path(found[-1])
        self.data = self.dir / "data"

    def as_user(self):
        """PostgreSQL refuses to run as root."""
        if os.getuid() != 0:
            return []
        return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]

    def start(self):
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.dir, user.pw_uid, user.pw_gid)
        is_new = not self.data.exists()
        if is_new:
            subprocess.run([*self.as_user(), str(self.bin / "initdb"), "-D", str(self.data), "-U",
                            "bench", "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8"],
                           check=True, cwd=self.dir, stdout=subprocess.DEVNULL)
        self.port = free_port()
        self.spawn([*self.as_user(), str(self.bin / "postgres"), "-D", str(self.data),
                    "-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}",
                    "-c", f"unix_socket_directories={self.dir}",
                    "-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "full_page_writes=on",
                    "-c", "max_connections=200", "-c", "shared_buffers=256MB"])
        self.wait_for_port()
        end = time.monotonic() + START_SECONDS
        while self.sql("SELECT 1", db="postgres", check=False).returncode != 0:
            if time.monotonic() > end:
                raise Failed("postgresql does not answer")
            time.sleep(0.05)
        if is_new:
            self.sql("CREATE DATABASE bench", db="postgres")

    def stop(self, how=signal.SIGINT):
        super().stop(how)  # the fast shutdown of PostgreSQL

    def client(self, program, *arguments, db="bench"):
        return [str(self.bin / program), "-h", "127.0.0.1", "-p", str(self.port), "-U", "bench",
                *arguments, db]

    def sql(self, *statements, db="bench", check=True, variables=None, file=None):
        command = ["-q", "-X", "-v", "ON_ERROR_STOP=1"]
        for name, value in (variables or {}).items():
            command += ["-v", f"{name}={value}"]
        for statement in statements:
            command += ["-c", statement]
        if file:
            command += ["-f", str(file)]
        return subprocess.run(self.client("psql", *command, db=db), check=check, capture_output=True)

    def fresh_table(self, jobs=0, body=200):
        self.sql("DROP TABLE IF EXISTS job")
        self.sql(file=HERE / "sql/schema.sql")
        self.sql(file=HERE / "sql/fill.sql", variables={"jobs": jobs, "body": body})

    def pgbench(self, script, clients, seconds, body=200):
        out = subprocess.run(
            self.client("pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j",
                        str(min(2, clients)), "-T", str(max(1, round(seconds))), "-D",
                        f"body={body}", "-f", str(HERE / "sql" / script)),
            capture_output=True, text=True)
        tps = re.search(r"tps = ([\d.]+)", out.stdout)
        failed = re.search(r"number of failed transactions: (\d+)", out.stdout)
        done = re.search(r"transactions actually processed: (\d+)", out.stdout)
        if out.returncode != 0 or not tps or not done:
            raise Failed(f"pgbench: {out.stderr.strip()[-300:]}")
        return {"rate": float(tps[1]), "ops": int(done[1]),
                "errors": int(failed[1]) if failed else 0}


def arguments(options):
    return [text for name, value in options.items()
            for text in (f"--{name.replace('_', '-')}", str(value))]


def run_load(protocol, mode, **options):
    return run_json([str(PROGRAMS / "load"), protocol, mode, *arguments(options)])


def run_node(script, mode, **options):
    return run_json(["node", str(HERE / script), mode, *arguments(options)])


def run_json(command):
    """The one line of JSON that every client prints, also when it counted errors."""
    out = subprocess.run(command, capture_output=True, text=True, timeout=600)
    lines = [line for line in out.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise Failed(f"{pathlib.Path(command[0]).name}: {out.stderr.strip()[-300:]}")
    result = json.loads(lines[-1])
    if result.get("errors"):
        result["said"] = out.stderr.strip()[-300:]
    return result


def calibrate(where, count=500):
    return run_json([str(PROGRAMS / "calibrate"), str(where), str(count)])


def process_tree(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    try:
        direct = [int(child) for child in children.read_text().split()]
    except OSError:
        return []
    return [pid] + [each for child in direct for each in process_tree(child)]


def memory_kb(pid):
    """Proportional and resident set of one process."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {field: int(re.search(rf"^{field}:\s+(\d+)", text, re.MULTILINE)[1])
            for field in ("Pss", "Rss")}


def activity(pid):
    """Processor seconds and bytes written so far."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    io = pathlib.Path(f"/proc/{pid}/io").read_text()
    return {"cpu": (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"),
            "written": int(re.search(r"^write_bytes: (\d+)", io, re.MULTILINE)[1]),
            "writes": int(re.search(r"^syscw: (\d+)", io, re.MULTILINE)[1])}
