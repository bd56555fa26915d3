#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone: whoever includes it needs to include nothing before it."""

import concurrent.futures
import os
import subprocess
import sys

import sources

PACKAGES = ["libuv", "libmicrohttpd", "jansson", "sqlite3", "libsodium", "libcurl", "libpcre2-8",
            "expat", "yaml-0.1", "libarchive"]


def compile_alone(name, command):
    done = subprocess.run(command + [str(name)], cwd=sources.ROOT, capture_output=True, text=True)
    if done.returncode == 0:
        return []
    return [f"{name}:1: does not compile alone\n{done.stderr.rstrip()}"]


def main():
    flags = subprocess.run(["pkg-config", "--cflags", *PACKAGES], capture_output=True, text=True,
                           check=True).stdout.split()
    command = [os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra",
               "-Wno-unused-function", "-Werror", "-fsyntax-only", "-Isrc", *flags]
    if (sources.ROOT / "src/base/banned.h").exists():
        command += ["-include", "src/base/banned.h"]
    # -include of the header itself, over an empty file: #pragma once stays meaningful.
    command += ["-x", "c", "/dev/null", "-include"]
    names = sources.files(".h", under="src/")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda name: compile_alone(name, command), names))
    return sources.report("headers", sum(results, []), len(names))


if __name__ == "__main__":
    sys.exit(main())
