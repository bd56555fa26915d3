#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints how long our functions and files are: median, 95th percentile and the longest. For
information; the habits are in docs/STYLE.md and no figure here fails a build."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The layout is fixed by clang-format: a name in column 0, "{" and "}" alone in column 0.
NAME = re.compile(r"^([A-Za-z_]\w*)\(")


def functions(path):
    """(lines of the body with its braces, name) of each function of a file."""
    name, start = None, None
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = NAME.match(line)
        if match and start is None:
            name = match[1]
        elif line == "{" and name:
            start = number
        elif line == "}" and start is not None:
            yield number - start + 1, name
            name, start = None, None
        elif line.endswith(";") and not line.startswith(("\t", " ")) and start is None:
            name = None


def percentile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))]


def show(what, lengths):
    ordered = sorted(length for length, _ in lengths)
    print(f"{what}: {len(ordered)}, p50 {percentile(ordered, 0.5)}, "
          f"p95 {percentile(ordered, 0.95)}, longest {ordered[-1]}")
    for length, name in sorted(lengths, reverse=True)[:10]:
        print(f"  {length:5} {name}")


def main():
    listing = subprocess.run(["git", "ls-files", "src/*.c"], cwd=ROOT, capture_output=True,
                             text=True)
    names = listing.stdout.split() or [str(p.relative_to(ROOT)) for p in ROOT.glob("src/**/*.c")]
    lengths, sizes = [], []
    for name in names:
        path = ROOT / name
        if not path.exists():
            continue
        sizes.append((len(path.read_text(errors="replace").splitlines()), name))
        lengths += [(length, f"{function} ({name})") for length, function in functions(path)]
    if not lengths:
        print("no functions yet")
        return 0
    show("functions", lengths)
    show("files", sizes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
