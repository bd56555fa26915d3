#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the directions of the includes: a folder under src/ may only use what its row allows.
The table is the one of docs/ARCHITECTURE.md; a change of it is a decision, not a fix."""

import re
import sys

import sources

EVERYTHING = {"base", "core", "store", "blob", "engine", "http", "api", "report", "worker",
              "runners", "browser_format", "conductor", "archive"}
MAY_USE = {
    "base": set(),
    "browser_format": {"base"},
    "core": {"base", "browser_format"},
    "store": {"core", "base"},
    "blob": {"core", "base"},
    "archive": {"store", "blob", "core", "base"},  # reading, and the tables of columns
    "http": {"base"},
    "report": {"store", "blob", "core", "base"},  # the query side: report_load()
    "engine": {"store", "blob", "core", "base"},
    "api": {"engine", "store", "blob", "archive", "http", "report", "core", "base"},
    # What the rules ask for beyond the turn: clocks, the network, names in the store.
    "conductor": {"engine", "store", "blob", "archive", "http", "core", "base"},
    # A dialect is routes on the API's own calls.
    "dialects": {"api", "engine", "store", "blob", "http", "browser_format", "core", "base"},
    "worker": {"http", "core", "base", "runners/kit"},  # the codec of both sides
    "runners/kit": {"base"},
    "runners": {"runners/kit", "browser_format", "base"},
    "cli": EVERYTHING | {"runners/kit", "dialects"},
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', re.MULTILINE)


def layer_of(path):
    """'src/runners/http/run.c' -> 'runners/http'; 'src/core/job.c' -> 'core'."""
    parts = path.split("/")
    if parts[0] == "runners" and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0]


def allowed(own, used):
    if own == used:
        return True
    row = MAY_USE.get(own)
    if row is None and own.startswith("runners/"):
        row = MAY_USE["runners"]
    if row is None:
        return False
    return used in row or ("runners" in row and used.startswith("runners/"))


def check_file(name, text):
    problems = []
    own = layer_of(name.removeprefix("src/"))
    code = sources.without_comments(text)
    for match in INCLUDE.finditer(code):
        line = sources.line_of(code, match.start())
        path = match[2]
        if match[1] == "<":
            continue
        if path.startswith("."):
            problems.append(f"{name}:{line}: include {path} from src/, not relative to this file")
            continue
        used = layer_of(path)
        if "/" in path and not allowed(own, used):
            problems.append(f"{name}:{line}: {own} must not use {used} ({path})")
        if "/" not in path and not path.startswith("proctor_"):
            problems.append(f"{name}:{line}: write the folder of {path}")
    if own not in MAY_USE and not own.startswith("runners/"):
        problems.append(f"{name}:1: folder {own} has no row in the table of layers")
    return problems


def self_test():
    """The check finds what it is there to find; without this, silence would prove nothing."""
    bad = {
        "src/core/job.c": '#include "store/store.h"\n',
        "src/base/err.c": '#include "core/job.h"\n',
        "src/store/sqlite.c": '#include "engine/engine.h"\n',
        "src/worker/poll.c": '#include "engine/engine.h"\n',
        "src/runners/http/run.c": '#include "runners/command/run.h"\n',
        "src/api/jobs.c": '#include "../core/job.h"\n',
        "src/report/html.c": '#include "html.h"\n',
        "src/newfolder/x.c": '#include "base/err.h"\n',
    }
    good = {
        "src/core/job.c": '#include "core/job.h"\n#include "base/err.h"\n#include <stdio.h>\n',
        "src/runners/http/run.c": '#include "runners/kit/kit.h"\n#include "runners/http/x.h"\n',
        "src/cli/main.c": '#include "runners/command/run.h"\n#include "engine/engine.h"\n',
        "src/engine/turn.c": '/* #include "api/routes.h" */\n#include "blob/blob.h"\n',
    }
    wrong = [f"self-test: {name} was not refused" for name, text in bad.items()
             if not check_file(name, text)]
    wrong += [f"self-test: {problem}" for name, text in good.items()
              for problem in check_file(name, text)]
    return wrong


def main():
    names = sources.files(".c", ".h", under="src/")
    problems = self_test()
    for name in names:
        problems += check_file(str(name), sources.read(name))
    return sources.report("layers", problems, len(names))


if __name__ == "__main__":
    sys.exit(main())
