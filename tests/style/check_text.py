#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules that a reader of any file relies on: a licence line, clean line ends, no path of the
machine somebody worked on, no registry address in a lock file, to-dos only with an issue, every
guide and protocol in the list of those."""

import json
import re
import sys

import sources

SPDX = "SPDX-License-Identifier: Apache-2.0"
SPDX_SUFFIXES = (".c", ".h", ".sh", ".py", ".js", ".mjs", ".cjs", ".ts", ".build", ".sql", ".css")
BINARY_SUFFIXES = (".png", ".ico", ".zip", ".tar", ".gz", ".webm", ".mp4", ".woff2", ".jpg")
FREE_TEXT = ("LICENSE",)
# In pieces, so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:" + "work" + "|" + "root" + r")/[\w.]")
# Folder of documents → the page that lists them.
LISTS = {"docs/guides/": "README.md", "docs/protocol/": "docs/protocol/README.md"}
TO_DO = re.compile(r"\b(?:TO" + "DO|FIX" + "ME|XX" + r"X)\b(?!\s*\(?#\d+)")


def check_lines(name, text):
    problems = []
    patch_or_text = name.endswith((".md", ".diff", ".patch", ".tap", ".txt"))
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip() and not patch_or_text:
            problems.append(f"{name}:{number}: white space at the end of the line")
        if MACHINE_PATH.search(line):
            problems.append(f"{name}:{number}: path of one machine: {line.strip()[:60]}")
        if TO_DO.search(line) and not name.endswith(".json"):
            problems.append(f"{name}:{number}: a to-do needs an issue number")
    if text and not text.endswith("\n"):
        problems.append(f"{name}: no newline at the end")
    return problems


def check_source(name, text):
    problems = []
    if name.endswith(SPDX_SUFFIXES) and SPDX not in "\n".join(text.splitlines()[:3]):
        problems.append(f"{name}:1: no {SPDX}")
    if name.endswith(".h") and "\n#pragma once\n" not in text:
        problems.append(f"{name}:1: no #pragma once")
    if name.endswith((".c", ".h")):
        problems += [f"{name}:{line}: write /* */ for comments that stay"
                     for line, comment in sources.comments(text) if comment.startswith("//")]
    return problems


def check_lock(name, text):
    packages = json.loads(text).get("packages", {})
    return [f"{name}: {path} names a registry (resolved)"
            for path, package in packages.items()
            if "resolved" in package and not package.get("link")]


def check_file(name, text):
    if name.endswith("package-lock.json"):
        return check_lock(name, text)
    return check_lines(name, text) + check_source(name, text)


def check_lists(names, read):
    problems = []
    for folder, page in LISTS.items():
        links = re.findall(r"\]\(([^)#]+)", read(page))
        listed = {link.rsplit("/", 1)[-1] for link in links}
        problems += [f"{name}: {page} does not list it" for name in names
                     if name.startswith(folder) and name != page
                     and name.rsplit("/", 1)[-1] not in listed]
    return problems


def self_test():
    head = f"/* {SPDX} */\n"
    bad = {
        "a.c": "int a;\n", "b.c": head + "int a; \n", "c.c": head + "// int a;\n",
        "d.c": head + 'x("/' + 'work/main/a");\n', "e.h": head + "int a;\n",
        "f.c": head + "/* TO" + "DO: later */\n", "g.c": head + "int a;",
        "package-lock.json": '{"packages": {"a": {"resolved": "https://x/"}}}',
    }
    good = {
        "a.c": head + 'const char *url = "https://x/"; /* TO' + 'DO(#12): later */\n',
        "b.h": head + "#pragma once\n", "c.md": "see net" + "work/a.md\n",
        "package-lock.json": '{"packages": {"a": {"version": "1"}}}',
    }
    wrong = [f"self-test: {name} was not refused" for name, text in bad.items()
             if not check_file(name, text)]
    wrong += [f"self-test: {problem}" for name, text in good.items()
              for problem in check_file(name, text)]
    if len(check_lists(["docs/guides/a.md", "docs/guides/b.md"],
                       lambda page: "[a](docs/guides/a.md)")) != 1:
        wrong.append("self-test: a guide that stands in no list was not refused")
    return wrong


def main():
    names = [str(name) for name in sources.files()
             if not str(name).endswith(BINARY_SUFFIXES) and str(name) not in FREE_TEXT]
    problems = self_test()
    for name in names:
        problems += check_file(name, sources.read(name))
    problems += check_lists(names, sources.read)
    return sources.report("text", problems, len(names))


if __name__ == "__main__":
    sys.exit(main())
