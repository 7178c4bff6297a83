#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does what docs/tutorial.md says, in a folder of its own, and compares what is printed with what is printed there.

usage: tutorial.py BUILD_FOLDER [RESULTS.xml]    ANNEAL_BLESS=1: takes over into the page what is printed now

In the page, a comment just before a fence says what a block is:
  <!-- file: NAME -->        its text is that of a file
  <!-- exit: 1 -->           the commands end with this code
  <!-- keys: q -->           the commands run on a terminal, and once they have begun, these keys are typed
  <!-- needs: WHAT -->       not run where WHAT is not there (NEEDS below); counted as skipped
  <!-- not checked: WHY -->  counted as skipped
and no other block is without a check. In a console block "$ " begins a command, and what follows is printed by it:
"…" stands for anything in a line, and alone in a line for any number of lines.
"""
import difflib
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from xml.sax.saxutils import quoteattr

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "tutorial.md"
ANY = "…"
COMMENT = re.compile(r"<!-- (file|exit|keys|needs|not checked): (.*) -->$")
COMMAND_SECONDS = 100


class Block:
    def __init__(self, line, language, marks, text):
        self.line, self.language, self.marks, self.text = line, language, marks, text

    def commands(self):
        """[number of the line, command, lines that are printed]"""
        out = []
        for i, line in enumerate(self.text):
            if line.startswith("$ "):
                out.append([self.line + i, line[2:], []])
            elif not out:
                sys.exit(f"{PAGE}:{self.line}: a console block begins with a command, '$ '")
            else:
                out[-1][2].append(line)
        return out


def read_blocks(lines):
    blocks, at = [], 0
    while at < len(lines):
        fence = re.fullmatch(r"```(\w*)", lines[at])
        at += 1
        if not fence:
            continue
        first, marks, above = at, {}, at - 2
        while above >= 0 and (found := COMMENT.match(lines[above])):
            marks[found[1]] = found[2]
            above -= 1
        while lines[at] != "```":
            at += 1
        block = Block(first + 1, fence[1], marks, lines[first:at])
        if fence[1] != "console" and not {"file", "not checked"} & marks.keys():
            sys.exit(f"{PAGE}:{first}: a block that is neither commands nor a file needs a reason: <!-- not checked: WHY -->")
        blocks.append(block)
        at += 1
    return blocks


# -- Comparing --

def line_pattern(line):
    return ".*".join(re.escape(part) for part in line.split(ANY))


def matches(wanted, got):
    """Whether the lines are those; by the same steps as for a file name with stars."""
    w = g = 0
    star, resume = -1, 0
    while g < len(got):
        if w < len(wanted) and wanted[w] == ANY:
            star, resume, w = w, g, w + 1
        elif w < len(wanted) and re.fullmatch(line_pattern(wanted[w]), got[g]):
            w, g = w + 1, g + 1
        elif star >= 0:
            resume += 1
            w, g = star + 1, resume
        else:
            return False
    return all(line == ANY for line in wanted[w:])


def difference(wanted, got):
    """Lines that fit their pattern are shown as the pattern, so that only what differs stands out."""
    return "\n".join(difflib.unified_diff(wanted, merged(wanted, got), "the page", "printed", lineterm="", n=3))


def merged(wanted, got):
    """What is printed, with the patterns of the page where they still fit."""
    patterns = [line for line in wanted if ANY in line and line != ANY]
    out = []
    for line in got:
        fitting = next((p for p in patterns if re.fullmatch(line_pattern(p), line)), None)
        out.append(fitting or line)
    return out


def test_matches():
    """What the comparison lets through, and what not."""
    for wanted, got, same in (("a b", "a b", True), ("a b", "a  b", False), ("1.5…", "1.53", True), ("1.5…", "1.63", False),
                              ("a…b…c", "a1b2c", True), ("a…b", "ab c", False), ("a.c", "abc", False),
                              ("a\n…\nz", "a\nb\nc\nz", True), ("a\n…\nz", "a\nz", True), ("a\n…\nz", "a\nb\nz\ny", False),
                              ("…", "a\nb", True), ("a\nb", "a", False), ("a", "a\nb", False), ("", "a", False)):
        if matches(wanted.splitlines(), got.splitlines()) != same:
            sys.exit(f"tutorial.py: {wanted!r} and {got!r} should {'' if same else 'not '}match")


# -- Running --

class Session:
    """Commands one after the other, as in one shell: the folder and exported variables stay."""

    def __init__(self, folder, build):
        self.root = folder
        self.cwd = folder / "anneal"
        self.cwd.mkdir()
        for path in ROOT.iterdir():
            if not path.name.startswith((".", "build")):
                (self.cwd / path.name).symlink_to(path)
        (self.cwd / "build").symlink_to(build)
        keep = {name: value for name, value in os.environ.items() if not name.startswith("ANNEAL_")}
        self.env = keep | {"HOME": str(folder), "ANNEAL_CACHE_DIR": str(folder / "cache"), "ANNEAL_OFFLINE": "1",
                           "LANG": "C.UTF-8", "TERM": "xterm", "NO_COLOR": "1"}

    def run(self, command, keys=None):
        """The exit code and the lines."""
        state = self.root / "state"
        script = f"{command}\nrc=$?\n{{ pwd; env -0; }} > {state}\nexit $rc"
        shell = ["bash", "-c", script]
        if keys is None:
            done = subprocess.run(shell, cwd=self.cwd, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, timeout=COMMAND_SECONDS)
            code, text = done.returncode, done.stdout.decode("utf-8", "replace")
        else:
            code, text = self.on_terminal(shell, keys)
        if state.exists():
            cwd, _, variables = state.read_text().partition("\n")
            self.cwd = Path(cwd)
            self.env = dict(v.partition("=")[::2] for v in variables.split("\0") if v)
        text = text.replace(str(self.root), "~")
        return code, [line.rstrip() for line in text.splitlines()]

    def on_terminal(self, shell, keys):
        main, side = pty.openpty()
        fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        process = subprocess.Popen(shell, cwd=self.cwd, env=self.env, stdin=side, stdout=side, stderr=side, start_new_session=True)
        os.close(side)
        text, begin, typed = "", time.monotonic(), False
        while time.monotonic() < begin + COMMAND_SECONDS:
            if select.select([main], [], [], 0.1)[0]:
                try:
                    text += os.read(main, 1 << 16).decode("utf-8", "replace")
                except OSError:  # the other side is closed
                    break
            if not typed and time.monotonic() > begin + 2 and "speed" in text:
                os.write(main, keys.encode())
                typed = True
        os.close(main)
        code = process.wait(timeout=10)
        # What is drawn over and over is seen once, as it was in the end.
        frames = re.split(r"\x1b\[\d+F\x1b\[J", text)
        return code, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", frames[-1]).replace("\r", "")


def reference_data(name):
    folder = (ROOT / os.environ.get("ANNEAL_REFERENCE", "../shared/reference/ops")).parent.parent / "data"
    return folder / name if (folder / name).exists() else None


def provide_mnist(session):
    images, labels = (reference_data(f"t10k-{what}-ubyte.gz") for what in ("images-idx3", "labels-idx1"))
    if not images or not labels:
        return False
    (session.cwd / "mnist").mkdir(exist_ok=True)
    for path in (images, labels):
        shutil.copy(path, session.cwd / "mnist" / path.name)
    return True


def provide_shakespeare(session):
    text = reference_data("shakespeare.txt")
    if not text:
        return False
    place = session.root / "cache" / "assets" / "tinyshakespeare" / "input.txt"
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(text, place)
    return True


# What a block may need, and what puts it there; the network is never used.
NEEDS = {"MNIST": provide_mnist, "Tiny Shakespeare": provide_shakespeare, "the network": lambda session: False}


class Tour:
    def __init__(self, session):
        self.session = session
        self.results = []  # (name, word, reason)
        self.page = {}     # line -> lines, to bless

    def note(self, line, command, word, reason=""):
        name = f"line {line}: {command}"
        self.results.append((name, word, reason))
        if word != "passed":
            print(f"{word}: {name}\n{reason}" if word == "failed" else f"{word}: {name}: {reason}", flush=True)

    def skip(self, block, reason):
        for line, command, _ in block.commands() if block.language == "console" else [(block.line, block.text[0], [])]:
            self.note(line, command, "skipped", reason)

    def take(self, block):
        if "not checked" in block.marks:
            self.skip(block, block.marks["not checked"])
        elif "needs" in block.marks and not NEEDS[block.marks["needs"]](self.session):
            self.skip(block, block.marks["needs"] + " is not here")
        elif "file" in block.marks:
            (self.session.cwd / block.marks["file"]).write_text("\n".join(block.text) + "\n")
        else:
            for line, command, wanted in block.commands():
                self.check(line, command, wanted, int(block.marks.get("exit", 0)), block.marks.get("keys"))

    def check(self, line, command, wanted, wanted_code, keys):
        begin = time.monotonic()
        try:
            code, got = self.session.run(command, keys)
        except subprocess.TimeoutExpired:
            self.note(line, command, "failed", f"was not done after {COMMAND_SECONDS} s")
            return
        if os.environ.get("ANNEAL_TIMES"):
            print(f"{time.monotonic() - begin:6.1f} s  {command}")
        if not matches(wanted, got):
            self.page[line] = (len(wanted), merged(wanted, got))
        if code != wanted_code:
            self.note(line, command, "failed", f"ended with {code}, not {wanted_code}\n" + "\n".join(got[-40:]))
        elif line in self.page:
            self.note(line, command, "failed", difference(wanted, got))
        else:
            self.note(line, command, "passed")


def write_results(path, results):
    """As GoogleTest does, for scripts/count_results.py."""
    cases = []
    for name, word, reason in results:
        inside = {"passed": "", "failed": "<failure/>", "skipped": f"<skipped message={quoteattr(reason)}/>"}[word]
        cases.append(f'<testcase classname="Tutorial" name={quoteattr(name)} status="run">{inside}</testcase>')
    path.write_text("<testsuites><testsuite>\n" + "\n".join(cases) + "\n</testsuite></testsuites>\n")


def bless(lines, page):
    for line in sorted(page, reverse=True):
        count, printed = page[line]
        lines[line:line + count] = printed
    PAGE.write_text("\n".join(lines))


def main(build, results_path=None):
    test_matches()
    lines = PAGE.read_text().split("\n")
    with tempfile.TemporaryDirectory() as folder:
        tour = Tour(Session(Path(folder).resolve(), Path(build).resolve()))
        for block in read_blocks(lines):
            tour.take(block)
    if results_path:
        write_results(Path(results_path), tour.results)
    if os.environ.get("ANNEAL_BLESS"):
        bless(lines, tour.page)
    counts = {word: sum(result[1] == word for result in tour.results) for word in ("passed", "failed", "skipped")}
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return counts["failed"] == 0 and counts["passed"] > 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(0 if main(*sys.argv[1:]) else 1)
