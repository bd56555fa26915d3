# SPDX-License-Identifier: Apache-2.0
"""Reading beside a million jobs that ended: every filter and order of a list, counts, figures.

Each query is asked REPEATS times over HTTP, in turn with all others, and its median and 95th
percentile are told. By hand: million.py FILLED_DATA_DIRECTORY (see million.c)."""

import datetime
import http.client
import json
import pathlib
import statistics
import sys
import time

REPEATS = 9
SORTS = ["createdAt", "updatedAt", "completedAt", "priority", "name", "duration"]


def iso(days_ago):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days_ago)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def filters(first):
    """One of each, common and rare; `first` is a job that is there."""
    return {
        "": "",
        "status=completed": "status=completed", "status=failed": "status=failed",
        "status=running": "status=running", "status=queued": "status=queued",
        "reason=timeout": "reason=timeout", "reason=passed": "reason=passed",
        "tag=smoke": "tag=smoke", "tag=rare": "tag=rare", "tag=nobody": "tag=nobody",
        "name": "name=" + first["name"].replace(" ", "%20"), "name=nobody": "name=nobody",
        "search=common": "search=card", "search=rare": "search=number%201999",
        "search=nobody": "search=nobody",
        "template": "template=" + first["template"] if first.get("template") else "",
        "queue=default": "queue=default", "queue=rare": "queue=queue-7",
        "kind=command": "kind=command", "kind=rare": "kind=testcafe",
        "createdAfter": f"createdAfter={iso(1)}", "createdBefore": f"createdBefore={iso(29)}",
        "created, a day": f"createdAfter={iso(15)}&createdBefore={iso(14)}",
        "completedAfter": f"completedAfter={iso(1)}",
        "completedBefore": f"completedBefore={iso(29)}",
        "minRun": "minRun=4m", "minRun=1h": "minRun=1h",
    }


FIGURES = ["summary", "jobs", "jobs?groupBy=queue&last=30d", "jobs?groupBy=tag", "tests",
           "tests?last=30d", "tests?queue=default&tag=smoke", "queues", "workers", "teams",
           "slowest", "flakiest", "cost", "cost?groupBy=team", "trends?last=30d&by=day",
           "trends?last=7d&by=hour", "errors", "errors?last=30d", "failures", "long-running",
           "tests/shop%20logs%20in%20number%202/history"]


def queries(first):
    listed = {}
    for name, text in filters(first).items():
        for sort in SORTS:
            for sign in ("", "-"):
                listed[f"list {name} sort={sign}{sort}"] = f"/jobs?{text}&sort={sign}{sort}"
        listed[f"count {name}"] = f"/jobs?{text}&limit=1&count=true"
    for name in FIGURES:
        listed[f"stats {name}"] = f"/stats/{name}"
    return listed


def ask(connection, token, path):
    begin = time.perf_counter()
    connection.request("GET", "/api/v1" + path.replace("?&", "?"), None,
                       {"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    body = response.read()
    took = 1000 * (time.perf_counter() - begin)
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {body[:200]!r}")
    return took, body


def measure(port, token, repeats=REPEATS):
    """Rows of name, median and 95th percentile in ms, the slowest first."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    first = json.loads(ask(connection, token, "/jobs?limit=50")[1])["items"]
    first = next((job for job in first if job.get("template")), first[0])
    times = {name: [] for name in queries(first)}
    for _ in range(repeats):
        for name, path in queries(first).items():
            times[name].append(ask(connection, token, path)[0])
    rows = [{"query": name, "p50Ms": statistics.median(took),
             "p95Ms": sorted(took)[int(len(took) * 0.95)]} for name, took in times.items()]
    return sorted(rows, key=lambda row: -row["p50Ms"])


def main():
    from servers import Proctor

    server = Proctor(pathlib.Path(sys.argv[1]).parent)
    server.dir = pathlib.Path(sys.argv[1])
    server.start()
    try:
        rows = measure(server.port, server.token)
    finally:
        server.stop()
    slow = [row for row in rows if row["p50Ms"] > 100]
    for row in rows:
        print(f"{row['p50Ms']:9.1f} {row['p95Ms']:9.1f}  {row['query']}")
    print(f"{len(rows)} queries, {len(slow)} with a median over 100 ms, "
          f"median of medians {statistics.median(r['p50Ms'] for r in rows):.1f} ms")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
