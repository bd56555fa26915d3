#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/internals/flow-scenarios.md names tests: each is in the file of its letter."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs/internals/flow-scenarios.md"
FILE = re.compile(r"\*\*(\w)\*\* `([^`]+)`")
NAME = re.compile(r"(?<![\w`])(\w) `([^`]+)`")


def main():
    """Prints what is missing; 1 when something is."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, tables = text.partition("\n## ")
    files = dict(FILE.findall(head))
    problems = []
    named = NAME.findall(tables)
    for letter, path in files.items():
        if not (ROOT / path).is_file():
            problems.append(f"**{letter}**: there is no {path}")
        elif not re.search(rf"(?<!\w){letter}(?!\w)", tables):
            problems.append(f"**{letter}**: nothing is said of {path}")
    for letter, name in named:
        path = ROOT / files.get(letter, "")
        if not path.is_file():
            problems.append(f"{letter} `{name}`: no file has this letter")
        elif name.replace("'", "\\'") not in path.read_text(encoding="utf-8") and \
                name not in path.read_text(encoding="utf-8"):
            problems.append(f"{letter} `{name}`: not in {files[letter]}")
    for problem in problems:
        print(f"{PAGE.relative_to(ROOT)}: {problem}")
    print(f"scenarios: {len(problems)} problems with {len(named)} names")
    return 1 if problems or len(named) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
