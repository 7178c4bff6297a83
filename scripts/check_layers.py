#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what the build cannot: who includes whom, and a few habits. Prints file:line: reason; exits 1 if any.

The allowed edges are read from src/layers.txt, as CMake does.
  src/        a folder includes only itself and the folders below it (transitively); tests and fuzzers a few more
  include/    only the standard library and other public headers
  headers     no fmt, nlohmann or CLI11, no `using namespace`, and they start with #pragma once
  everywhere  no TODO; getenv only in src/support/flags.cc; nobody asks which device it is, except in a device's own folder
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
THIRD_PARTY = re.compile(r"^(fmt|nlohmann|CLI|gtest|gmock|benchmark|llvm)/")
JSON_FOLDERS = {"io", "text", "gpt2", "bundles", "conform"}
LLVM_FOLDERS = {"cpu"}  # their own headers may include LLVM's: nobody else can compile them
TEST_FILE = re.compile(r"(_(test|fuzz|bench)\.cc|^test_\w+\.(h|cc))$")  # test_*: what several tests share
DEVICE_FOLDER = re.compile(r"^(src/backend|src/device)")
DEVICE_TEST = re.compile(r"\bif\s*\(\s*\w*(?:[.>-]+\w+)*device\w*(?:\(\)|\.name\(?\)?)?\s*==|==\s*Device::k", re.I)


def read_layers():
    """Returns folder -> everything it may include, and folder -> the same for its tests."""
    direct, tests, order = {}, {}, []
    for number, line in enumerate((ROOT / "src/layers.txt").read_text().splitlines(), 1):
        if not re.match("[a-z]", line):
            continue
        main, _, test_words = line.partition("tests:")
        folder, part, *deps = main.split()
        if part not in ("core", "host"):
            sys.exit(f"src/layers.txt:{number}: the part is core or host, not '{part}'")
        for dep in deps:
            if dep not in direct:
                sys.exit(f"src/layers.txt:{number}: {folder} names {dep}, which must stand above it")
        order.append(folder)
        direct[folder] = deps
        tests[folder] = test_words.split()
    allowed = {}
    for folder in order:
        allowed[folder] = {folder}.union(*(allowed[dep] for dep in direct[folder]))
    test_allowed = {f: allowed[f].union(*(allowed[dep] for dep in tests[f])) for f in order}
    return allowed, test_allowed


def without_comments(text):
    """Blanks comments and keeps the line numbers. Good enough: a // inside a string only hides the rest of a line."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


class Checker:
    def __init__(self):
        self.allowed, self.test_allowed = read_layers()
        self.problems = []
        self.files = 0

    def complain(self, path, line, reason):
        self.problems.append(f"{path}:{line}: {reason}")

    def check_include(self, path, number, quote, target):
        """One #include of a file under src/ or include/."""
        parts = path.parts
        header = path.suffix == ".h"
        is_test = TEST_FILE.search(path.name)
        if re.search(r"(^|/)test_\w+\.h$", target) and not is_test:
            self.complain(path, number, f"{target}: only tests include test_*.h")
        if THIRD_PARTY.match(target):
            if re.match("gtest|gmock", target) and is_test:
                return
            if target.startswith("llvm/"):
                if parts[1] not in LLVM_FOLDERS:
                    self.complain(path, number, f"{target}: only {', '.join(sorted(LLVM_FOLDERS))} uses LLVM")
                return
            if header and target != "nlohmann/json_fwd.hpp":
                self.complain(path, number, f"{target}: third-party headers are for .cc files only (json_fwd.hpp may be used)")
            elif target.startswith("nlohmann/") and parts[1] not in JSON_FOLDERS:
                self.complain(path, number, f"{target}: only {', '.join(sorted(JSON_FOLDERS))} and cli use it")
            elif target.startswith("CLI/"):
                self.complain(path, number, f"{target}: only cli parses command lines")
            return
        if target.startswith("anneal/"):
            if not (ROOT / "include" / target).exists():
                self.complain(path, number, f"{target}: no such public header")
            return
        if parts[0] == "include":
            if quote == '"':
                self.complain(path, number, f"{target}: public headers include only <std> and <anneal/...>")
            return
        if quote == "<" or (is_test and target.startswith("tests/support/")):
            return
        folder, target_folder = parts[1], target.split("/")[0]
        allowed = (self.test_allowed if is_test else self.allowed)[folder]
        if "/" not in target or target_folder not in self.allowed:
            self.complain(path, number, f'"{target}": write the path from src/, as in "ir/graph.h"')
        elif target_folder not in allowed:
            self.complain(path, number, f"{folder} must not include {target_folder} (src/layers.txt)")

    def check_file(self, path):
        text = (ROOT / path).read_text()
        self.files += 1
        header = path.suffix == ".h"
        layered = path.parts[0] == "include" or (path.parts[0] == "src" and len(path.parts) > 2)
        if path.parts[0] == "src" and path.parts[1] not in self.allowed:
            self.complain(path, 1, f"the folder {path.parts[1]} is not in src/layers.txt")
            return
        if not text.startswith("// SPDX-License-Identifier: MIT\n"):
            self.complain(path, 1, "the first line is // SPDX-License-Identifier: MIT")
        code, comments = without_comments(text), text.splitlines()
        if header and "#pragma once" not in code:
            self.complain(path, 1, "no #pragma once")
        for number, line in enumerate(code.splitlines(), 1):
            include = INCLUDE.match(line)
            if include:
                if layered:
                    self.check_include(path, number, *include.groups())
                continue
            if header and re.search(r"\busing\s+namespace\b", line):
                self.complain(path, number, "using namespace in a header")
            if re.search(r"\b(?:TODO|FIXME|XXX)\b", comments[number - 1]):
                self.complain(path, number, "unfinished work is written down elsewhere, not in the source")
            if re.search(r"\bgetenv\b", line) and str(path) != "src/support/flags.cc" and path.parts[0] != "cmake":
                self.complain(path, number, "getenv: flags are read in src/support/flags.cc only")
            if DEVICE_TEST.search(line) and not DEVICE_FOLDER.match(str(path)):
                self.complain(path, number, "asks which device it is: ask for a capability instead")


def main():
    checker = Checker()
    for top in ("include", "src", "cli", "bench", "fuzz", "tests", "examples", "web", "cmake"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".h", ".cc", ".def"):
                checker.check_file(path.relative_to(ROOT))
    print(*checker.problems, sep="\n", end="\n" if checker.problems else "")
    print(f"layers: {checker.files} files, {len(checker.problems)} problems")
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main())
