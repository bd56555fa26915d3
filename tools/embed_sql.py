#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns numbered SQL files into a C table:  embed_sql.py NAME OUT.c 0001_title.sql ...

The table is `const struct migration NAME[]`, in order, ended by number 0 (store/migrate.h)."""

import pathlib
import re
import sys


def c_string(text):
    lines = text.replace("\\", "\\\\").replace('"', '\\"').splitlines()
    return "\n".join(f'\t\t"{line}\\n"' for line in lines)


def main():
    name, out, *files = sys.argv[1:]
    rows = []
    for number, file in enumerate(sorted(map(pathlib.Path, files), key=lambda f: f.name), 1):
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name)
        if not match or int(match[1]) != number:
            sys.exit(f"{file}: expected the name {number:04}_title.sql")
        rows.append(f'\t{{ {number}, "{match[2]}",\n{c_string(file.read_text())} }},')
    pathlib.Path(out).write_text(
        '/* Made by tools/embed_sql.py. */\n#include "store/migrate.h"\n\n'
        f"const struct migration {name}[] = {{\n" + "\n".join(rows) + "\n\t{ 0, NULL, NULL },\n};\n")


if __name__ == "__main__":
    main()
