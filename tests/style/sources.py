# SPDX-License-Identifier: Apache-2.0
"""What the style checks share: the list of our files, and a small reader of C that tells code,
comments and string literals apart."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED_FOLDERS = {"node_modules", ".git", "__pycache__", "corpus", "golden"}

C_TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/ | //[^\n]*)
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<char>'(?:\\.|[^'\\\n])*')
""", re.VERBOSE | re.DOTALL)


def files(*suffixes, under=""):
    """Our files as paths relative to the root: what git tracks, or all of a plain source tree."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode == 0:
        names = [pathlib.Path(name) for name in listing.stdout.split("\0") if name]
    else:
        names = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
    found = []
    for name in names:
        if set(name.parts) & SKIPPED_FOLDERS or name.parts[0].startswith("build"):
            continue
        if suffixes and not name.name.endswith(suffixes):
            continue
        if under and not str(name).startswith(under):
            continue
        if (ROOT / name).is_file():
            found.append(name)
    return sorted(found)


def read(name):
    return (ROOT / name).read_text(errors="replace")


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def string_literals(text):
    """(line, joined text) of each literal of C; neighbours are joined as the compiler does."""
    literals = []
    end = -1
    for match in C_TOKEN.finditer(text):
        if match.lastgroup == "comment":
            continue
        if match.lastgroup == "char":
            continue
        body = match.group()[1:-1]
        between = C_TOKEN.sub(lambda m: "" if m.lastgroup == "comment" else m.group(),
                              text[end:match.start()]) if end >= 0 else "x"
        if literals and not between.strip():
            literals[-1] = (literals[-1][0], literals[-1][1] + body)
        else:
            literals.append((line_of(text, match.start()), body))
        end = match.end()
    return literals


def comments(text):
    """(line, text) of each comment of C."""
    return [(line_of(text, match.start()), match.group())
            for match in C_TOKEN.finditer(text) if match.lastgroup == "comment"]


def without_comments(text):
    """The code with every comment replaced by as many newlines."""
    def blank(match):
        if match.lastgroup != "comment":
            return match.group()
        return "\n" * match.group().count("\n") or " "
    return C_TOKEN.sub(blank, text)


def report(title, problems, checked):
    """Prints the problems in the form of a compiler and returns the exit status. Nothing to
    check is exit 77, which Meson shows as skipped: a check that saw no file proved nothing."""
    for problem in problems:
        print(problem)
    if not problems and not checked:
        print(f"{title}: nothing to check yet")
        return 77
    print(f"{title}: {len(problems)} problems in {checked} files")
    return 1 if problems else 0
