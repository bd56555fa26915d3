#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the part of man/proctor.1 that the table of commands (src/cli/commands.c) and its tables of
options (options*.c beside it) decide: every command with its options. The rest is written by hand.

  tools/man_options.py            rewrites the part between the two marks
  tools/man_options.py --check    exits 1 when it is not what it would write
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "src/cli/commands.c"
OPTIONS = sorted((ROOT / "src/cli").glob("options*.c"))
PAGE = ROOT / "man/proctor.1"
BEGIN = '.\\" begin: written by tools/man_options.py\n'
END = '.\\" end: written by tools/man_options.py\n'
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|[{}]')


def expanded(source):
    """A source after the preprocessor, so that macros are no different from written entries."""
    command = [os.environ.get("CC", "cc"), "-E", "-P", "-std=gnu17", "-D_GNU_SOURCE", "-Isrc",
               str(source)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def entries(text, start):
    """The texts of the {...} at the first level of the array that opens at or after start."""
    depth, begin = 0, 0
    for token in TOKEN.finditer(text, text.index("{", start)):
        if token[0] == "{":
            depth += 1
            if depth == 2:
                begin = token.end()
        elif token[0] == "}":
            depth -= 1
            if depth == 1:
                yield text[begin:token.start()]
            if depth == 0:
                return


def field(entry, name):
    """A member's text with neighbouring literals joined; "" when it is not there."""
    match = re.search(rf'\.{name}\s*=\s*((?:"(?:\\.|[^"\\])*"\s*)+|[\w\']+)', entry)
    if not match:
        return ""
    literals = re.findall(r'"((?:\\.|[^"\\])*)"', match[1])
    return "".join(literals).replace('\\"', '"') if literals else match[1].strip("'")


def is_hidden(entry):
    return field(entry, "hidden") in ("true", "1")


def arrays(text, kind):
    return {match[1]: list(entries(text, match.end()))
            for match in re.finditer(rf"struct {kind} (\w+)\[\]\s*=\s*(?={{)", text)}


def quoted(text):
    """Text of a help line in mdoc: a leading dot or quote is not a request."""
    return re.sub(r"^([.'])", r"\\&\1", text.replace("\\", "\\e"))


def option_lines(entry):
    letter, value, preset = (field(entry, name) for name in ("letter", "value", "preset"))
    names = f"Fl {letter} , Fl -{field(entry, 'name')}" if letter else f"Fl -{field(entry, 'name')}"
    help_text = quoted(field(entry, "help"))
    tail = []
    if preset:
        tail.append(f"preset: {preset}")
    if field(entry, "env"):
        tail.append(f"environment: {field(entry, 'env')}")
    if tail:
        help_text += " (" + "; ".join(tail) + ")"
    return [f".It {names}" + (f" Ar {value.lower()}" if value else ""), help_text + "."]


def option_list(options):
    shown = [entry for entry in options
             if field(entry, "name") and not is_hidden(entry)]
    if not shown:
        return []
    lines = [".Bl -tag -width Ds -compact"]
    for entry in shown:
        lines += option_lines(entry)
    return lines + [".El"]


def section(text):
    options = arrays(text, "cli_option")
    lines = [".Sh COMMANDS", ".Bl -tag -width Ds"]
    commands = 0
    for entry in arrays(text, "cli_command").get("cli_commands", []):
        noun, verb = field(entry, "noun"), field(entry, "verb")
        if not noun or is_hidden(entry):
            continue
        commands += 1
        words = " ".join(filter(None, [noun, verb]))
        arguments = field(entry, "arguments").replace("|", " | ").replace("...", " ...").lower()
        lines.append(f".It Cm {words}" + (f" Ar {arguments}" if arguments else ""))
        lines.append(quoted(field(entry, "summary")))
        lines += option_list(options.get(field(entry, "options"), []))
    lines += [".El", ".Pp", "Commands that talk to a server also take:"]
    lines += option_list(options.get("cli_server_options", []))
    lines += [".Pp", "Every command takes:"]
    lines += option_list(options.get("cli_common_options", []))
    if not commands:
        sys.exit("man_options: no command found in the table; has its form changed?")
    return "\n".join(lines) + "\n"


def main():
    if not TABLE.exists():
        print("no table of commands yet")
        return 77
    page = PAGE.read_text()
    head, rest = page.split(BEGIN)
    tail = rest.split(END)[1]
    new = head + BEGIN + section("".join(map(expanded, [*OPTIONS, TABLE]))) + END + tail
    if new == page:
        print("manual: in step with the table of commands")
        return 0
    if "--check" in sys.argv:
        print("man/proctor.1 is not in step with src/cli/commands.c and options*.c; run tools/man_options.py")
        return 1
    PAGE.write_text(new)
    print("manual: rewritten")
    return 0


if __name__ == "__main__":
    sys.exit(main())
