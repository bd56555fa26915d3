#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one of the field's own checkers over our files: clang-format, codespell, mandoc, shellcheck, node.
A checker that is not installed is reported as skipped (exit 77), never as passed."""

import re
import shutil
import subprocess
import sys

import sources

TEXT = (".c", ".h", ".md", ".py", ".sh", ".js", ".mjs", ".ts", ".sql", ".1", ".5", ".7", ".build")
CHECKS = {
    # name: (program and arguments, suffixes, folder)
    "format": (["clang-format", "--dry-run", "-Werror"], (".c", ".h"), ""),
    "spelling": (["codespell", "--ignore-words=tests/style/codespell-ignore.txt"], TEXT, ""),
    "manual": (["mandoc", "-Tlint", "-Wwarning"], (".1", ".5", ".7"), "man/"),
    "shell": (["shellcheck", "--severity=warning"], (".sh",), ""),
    "node": (["node", "--check"], (".mjs", ".cjs", ".js"), ""),
}
ONE_AT_A_TIME = ("node",)


def summary_of_format(output):
    """One line a file: what differs is seen best by running clang-format."""
    lines = {}
    for match in re.finditer(r"^([^:\n]+):(\d+):\d+: error:", output, re.MULTILINE):
        lines.setdefault(match[1], match[2])
    return [f"{name}:{line}: first difference; run: clang-format -i {name}"
            for name, line in lines.items()] or [output]


def main():
    title = sys.argv[1]
    command, suffixes, folder = CHECKS[title]
    if not shutil.which(command[0]):
        print(f"{command[0]} is not installed")
        return 77
    names = [str(name) for name in sources.files(*suffixes, under=folder)]
    if title == "shell":
        names.append(".ci/run")
    batches = [[name] for name in names] if title in ONE_AT_A_TIME else [names]

    problems = []
    for batch in batches if names else []:
        done = subprocess.run(command + batch, cwd=sources.ROOT, capture_output=True, text=True)
        output = (done.stdout + done.stderr).strip()
        if done.returncode != 0 and title == "format":
            problems += summary_of_format(output)
        elif done.returncode != 0:
            problems.append(output or f"{command[0]} exited {done.returncode}")
    return sources.report(title, problems, len(names))


if __name__ == "__main__":
    sys.exit(main())
