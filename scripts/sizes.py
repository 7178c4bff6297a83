#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints how many lines there are and the ten files and functions furthest over the house sizes. Never fails.

Sizes: header 150 lines, source 600, function 60. They ask for a look, they are no limits: tables are fine.
"""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOPS = ("include", "src", "cli", "bench", "fuzz", "tests", "examples", "web")
LIMIT = {"header": 150, "source": 600, "function": 60}
NOT_A_FUNCTION = re.compile(r"^(namespace|struct|class|enum|union|extern|#|using|template\s*<[^>]*>\s*(struct|class))\b")


def functions(lines):
    """Yields (name, first line, length) of bodies that open at the left edge and close with a lone brace.

    clang-format puts the closing brace of a function at namespace scope in column 0, so no parser is needed.
    """
    start, name = None, None
    for number, line in enumerate(lines, 1):
        if start is None:
            if line[:1] in ("", " ", "}", "/", "#") or NOT_A_FUNCTION.match(line):
                continue
            head = re.search(r"([\w:~]+|operator\S+)\s*\(", line)
            if head and not line.rstrip().endswith(";"):
                start, name = number, head.group(1)
        elif line.startswith("}"):
            yield name, start, number - start + 1
            start = None
        elif line[:1] not in ("", " ") or (line.rstrip().endswith(";") and number - start < 3 and "{" not in "".join(lines[start - 1:number])):
            start = None


def main():
    totals, offenders = {}, []
    for top in TOPS:
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix not in (".h", ".cc", ".def", ".mjs"):
                continue
            lines = path.read_text().splitlines()
            name = path.relative_to(ROOT)
            test = re.search(r"_(test|fuzz)\.cc$", path.name)
            group = "tests" if test or top in ("tests", "fuzz") else name.parts[0]
            files, count = totals.get(group, (0, 0))
            totals[group] = (files + 1, count + len(lines))
            kind = {".h": "header", ".cc": "source"}.get(path.suffix)
            if kind and len(lines) > LIMIT[kind]:
                offenders.append((len(lines) / LIMIT[kind], len(lines), kind, str(name)))
            if path.suffix == ".cc" and not test:
                for function, first, length in functions(lines):
                    if length > LIMIT["function"]:
                        offenders.append((length / LIMIT["function"], length, "function", f"{name}:{first} {function}"))
    for group, (files, count) in sorted(totals.items(), key=lambda item: -item[1][1]):
        print(f"sizes: {count:7d} lines in {files:3d} files  {group}")
    print(f"sizes: {sum(c for _, c in totals.values()):7d} lines in {sum(f for f, _ in totals.values()):3d} files  all")
    for _, lines, kind, where in sorted(offenders, reverse=True)[:10]:
        print(f"sizes: {kind:8s} {lines:5d} (over {LIMIT[kind]})  {where}")


if __name__ == "__main__":
    main()
