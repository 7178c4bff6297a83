#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lists the functions of the public headers, as the table that `anneal explain` reads.

usage: api_functions.py          prints the table
       api_functions.py --write  writes it to cli/functions.def
tests/cli_smoke.py compares the table with the headers.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "cli" / "functions.def"

HEAD = """\
// SPDX-License-Identifier: MIT
// The functions of include/anneal/, for `anneal explain`: name, header, declarations. Written by
// scripts/api_functions.py --write; tests/cli_smoke.py compares it with the headers.
"""


def skip_braces(text, at):
    """The position behind the '}' that belongs to the '{' at `at`."""
    depth = 0
    while True:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
        if depth == 0:
            return at


def declarations(text):
    """The statements of namespace anneal, without those of namespaces inside it and without bodies."""
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"^#[^\n]*", "", text, flags=re.M)
    at, start, parens = 0, 0, 0
    out = []
    while at < len(text):
        c = text[at]
        parens += {"(": 1, ")": -1}.get(c, 0)
        if c == "{" and parens == 0:
            statement = text[start:at].strip()
            if statement == "namespace anneal":
                at += 1
            else:
                out.append(statement)
                at = skip_braces(text, at)
            start = at
        elif c == ";" and parens == 0:
            out.append(text[start:at].strip())
            at += 1
            start = at
        elif c == "}" and parens == 0:
            at += 1
            start = at
        else:
            at += 1
    return out


def name_of(statement):
    """The function that a statement declares; None when it declares something else."""
    if re.match(r"(namespace|struct|class|enum|using|template\s*<[^>]*>\s*(struct|class))\b", statement):
        return None
    statement = re.sub(r"\brequires\b[^\n]*", "", statement)
    head = re.match(r"[^(=]*?(\w+)\s*\(", statement)
    return None if head is None or "operator" in head.group(0) else head.group(1)


def functions():
    """{name: (header, [declaration])}, in the order of the names."""
    out = {}
    for header in sorted((ROOT / "include" / "anneal").glob("*.h")):
        for statement in declarations(header.read_text()):
            name = name_of(statement)
            if name is None:
                continue
            text = re.sub(r"\s+", " ", statement).removeprefix("inline ")
            text = re.sub(r"(, )?Loc loc = Loc::current\(\)", "", text)
            out.setdefault(name, (header.name, []))[1].append(text)
    return dict(sorted(out.items()))


def table():
    rows = []
    for name, (header, texts) in functions().items():
        lines = "\n".join('                "' + t.replace("\\", "\\\\").replace('"', '\\"') + '\\n"' for t in texts)
        rows.append(f'ANNEAL_FUNCTION("{name}", "{header}",\n{lines})\n')
    return HEAD + "".join(rows)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        TABLE.write_text(table())
    else:
        sys.stdout.write(table())
