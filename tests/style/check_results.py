#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No result of a MUST_CHECK function is dropped, unless with a visible (void).

gcc warns about the (void) too, so the build turns its warning off, and clang, which takes the cast
for what it says, holds the rule here."""

import concurrent.futures
import os
import shutil
import subprocess
import sys

import sources
from check_headers import PACKAGES

SELF_TEST = """
__attribute__((warn_unused_result)) int f(void);
void bad(void);
void bad(void) { f(); }
"""


def command():
    flags = subprocess.run(["pkg-config", "--cflags", *PACKAGES], capture_output=True, text=True,
                           check=True).stdout.split()
    return ["clang", "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wno-everything",
            "-Werror=unused-result", "-Wunused-result", "-Isrc", "-Itests", *flags,
            '-DPROCTOR_VERSION=""', '-DPROCTOR_RUNNERS_DIR=""',
            '-DPROCTOR_RUNNERS_DIR_INSTALLED=""', "-x", "c"]


def check_file(name, base):
    done = subprocess.run(base + [str(name)], cwd=sources.ROOT, capture_output=True, text=True)
    return [line for line in done.stderr.splitlines() if "unused-result" in line]


def self_test(base):
    done = subprocess.run(base + ["-"], input=SELF_TEST, cwd=sources.ROOT, capture_output=True,
                          text=True)
    return [] if "unused-result" in done.stderr else ["self-test: a dropped result was not seen"]


def main():
    if not shutil.which("clang"):
        print("clang is not installed")
        return 77
    base = command()
    names = sources.files(".c", under="src/")
    problems = self_test(base)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems += sum(pool.map(lambda name: check_file(name, base), names), [])
    return sources.report("results", problems, len(names))


if __name__ == "__main__":
    sys.exit(main())
