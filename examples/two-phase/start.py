#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Starts the application: a private Redis on a socket in a temporary folder, a Celery worker, and
the pages on 127.0.0.1. Ends all three when it is told to, or when one of them ends."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"  # Debian's, which has Flask and Celery


def check_needs():
    """A sentence that helps instead of a trace of calls."""
    modules = [PYTHON, "-c", "import celery, flask, redis"]
    if not shutil.which("redis-server") or \
            subprocess.run(modules, stderr=subprocess.DEVNULL, check=False).returncode:
        sys.exit("this example needs Flask, Celery and Redis: "
                 "apt-get install python3-flask celery redis-server python3-redis")


def wait_for(path, child):
    """Until Redis listens."""
    for _ in range(200):
        if os.path.exists(path):
            return
        if child.poll() is not None:
            sys.exit("redis-server ended")
        time.sleep(0.05)
    sys.exit("redis-server does not get ready")


def stop(children):
    """In the order that leaves nobody without what he needs: pages, worker, Redis."""
    for child in reversed(children):
        if child.poll() is None:
            child.terminate()
    for child in reversed(children):
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", default="8151")
    parser.add_argument("--workers", default="4")
    options = parser.parse_args()
    check_needs()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    children = []
    with tempfile.TemporaryDirectory(prefix="two-phase-") as folder:
        path = os.path.join(folder, "redis.sock")
        env = {**os.environ, "TWO_PHASE_SOCKET": path, "TWO_PHASE_PORT": options.port,
               "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            children.append(subprocess.Popen(
                ["redis-server", "--port", "0", "--unixsocket", path, "--save", "",
                 "--appendonly", "no", "--dir", folder], stdout=subprocess.DEVNULL))
            wait_for(path, children[0])
            children.append(subprocess.Popen(
                [PYTHON, "-m", "celery", "-A", "tasks", "worker", "--concurrency",
                 options.workers, "--loglevel", "WARNING"], cwd=HERE, env=env))
            children.append(subprocess.Popen([PYTHON, "app.py"], cwd=HERE, env=env))
            while all(child.poll() is None for child in children):
                time.sleep(0.1)
            return 1
        finally:
            stop(children)


if __name__ == "__main__":
    sys.exit(main())
