#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SQL lives in src/store and nowhere else: no statement in a string literal of other folders."""

import re
import sys

import sources

STATEMENT = re.compile(r"""
    \bSELECT\s.*\sFROM\s | \bINSERT\s+(OR\s+\w+\s+)?INTO\s | \bUPDATE\s+\w+\s+SET\s
  | \bDELETE\s+FROM\s | \b(CREATE|DROP|ALTER)\s+(UNIQUE\s+)?(TABLE|INDEX|VIEW|TRIGGER)\b
  | \bPRAGMA\s+\w | \bBEGIN\s+(IMMEDIATE|TRANSACTION|EXCLUSIVE)\b
""", re.VERBOSE | re.IGNORECASE | re.DOTALL)


def check_file(name, text):
    return [f"{name}:{line}: SQL outside src/store: {literal[:50]}"
            for line, literal in sources.string_literals(text) if STATEMENT.search(literal)]


def self_test():
    bad = ['x("SELECT id FROM job WHERE a");', 'x("insert " /* why */ "into job values (1)");',
           'x("PRAGMA " "synchronous=FULL");']
    good = ['/* "SELECT a FROM b" */', "int a;",
            'x("job was updated");', '#pragma once\n', "int c = '\"'; /* DELETE FROM x */"]
    wrong = [f"self-test: not found: {text}" for text in bad if not check_file("x.c", text)]
    wrong += [f"self-test: found by mistake: {text}" for text in good if check_file("x.c", text)]
    return wrong


def main():
    names = [name for name in sources.files(".c", ".h", under="src/")
             if not str(name).startswith("src/store/")]
    problems = self_test()
    for name in names:
        problems += check_file(str(name), sources.read(name))
    return sources.report("sql", problems, len(names))


if __name__ == "__main__":
    sys.exit(main())
