#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns text files into C strings:  embed_text.py OUT.h NAME=FILE ...

Each becomes `static const char NAME[]`. A leading comment with the licence line is left out."""

import pathlib
import re
import sys


def c_string(text):
    lines = text.replace("\\", "\\\\").replace('"', '\\"').replace("??", "?\\?").splitlines()
    return "\n".join(f'\t"{line}\\n"' for line in lines)


def main():
    out, *pairs = sys.argv[1:]
    parts = ["/* Made by tools/embed_text.py. */\n#pragma once\n"]
    for pair in pairs:
        name, file = pair.split("=", 1)
        text = pathlib.Path(file).read_text(encoding="utf-8")
        text = re.sub(r"\A/\* SPDX[^\n]*\*/\n", "", text)
        parts.append(f"static const char {name}[] =\n{c_string(text)};\n")
    pathlib.Path(out).write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
