#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""anneal train on a terminal: the dashboard, its keys, interrupts, resizing and colours.

usage: terminal_smoke.py PATH_OF_ANNEAL
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
import warnings

ANNEAL = os.path.abspath(sys.argv.pop(1))


warnings.simplefilter("ignore", ResourceWarning)  # folders go with their sessions


class Session:
    """The tool on a terminal of its own."""

    def __init__(self, *arguments, columns=80, rows=24, **env):
        self.folder = tempfile.TemporaryDirectory()
        self.main, side = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(side)
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder.name, "TERM": "xterm", "LANG": "C.UTF-8",
                       "ANNEAL_CACHE_DIR": self.folder.name, "ANNEAL_OFFLINE": "1", **env}
        self.process = subprocess.Popen([ANNEAL, *arguments], stdin=side, stdout=side, stderr=side,
                                        cwd=self.folder.name, env=environment, start_new_session=True)
        self.side, self.text = side, ""

    def resize(self, columns, rows=24):
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.1):
        while select.select([self.main], [], [], seconds)[0]:
            self.text += os.read(self.main, 1 << 16).decode("utf-8", "replace")
            seconds = 0
        return self.text

    def wait_for(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.read()):
            if time.monotonic() > end or (self.process.poll() is not None and not re.search(pattern, self.read())):
                raise AssertionError(f"{pattern!r} is not in {self.text[-2000:]!r}")

    def finish(self):
        code = self.process.wait(timeout=60)
        self.read()
        self.after = termios.tcgetattr(self.side)
        os.close(self.side)
        os.close(self.main)
        return code


LONG = ("train", "mlp", "--steps", "1000000")


class TerminalTest(unittest.TestCase):
    def test_runs_to_the_end(self):
        s = Session("train", "mlp", "--steps", "300")
        self.assertEqual(s.finish(), 0)
        for part in ("mlp on cpu", r"step     300/300", "100 %", "accuracy on 1,000 new points"):
            self.assertRegex(s.text, part)
        self.assertIn("\u2588", s.text)
        self.assertIn("\x1b[38;2;0;173;216m", s.text)
        self.assertTrue(s.text.index("\x1b[?25l") < s.text.rindex("\x1b[?25h"), "the cursor comes back")
        self.assertEqual(s.after, s.before, "the terminal is as it was")

    def test_q_saves_and_the_run_goes_on_from_there(self):
        s = Session(*LONG, "--out", "run.ckpt")
        s.wait_for("step +[1-9]")
        os.write(s.main, b"q")
        self.assertEqual(s.finish(), 0)
        self.assertEqual(s.after, s.before)
        step = int(re.search(r"saved: run\.ckpt, after step (\d+)", s.text)[1])
        done = subprocess.run([ANNEAL, "train", "mlp", "--resume", "run.ckpt", "--steps", str(step + 5)],
                              cwd=s.folder.name, capture_output=True, text=True,
                              env={**os.environ, "ANNEAL_CACHE_DIR": s.folder.name})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"step {step + 5}: loss=", done.stdout)

    def test_an_interrupt_saves_too(self):
        for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            s = Session(*LONG)
            s.wait_for("step +[1-9]")
            s.process.send_signal(kind)
            self.assertEqual(s.finish(), 128 + kind)
            self.assertRegex(s.text, r"saved: mlp\.ckpt, after step \d+")
            self.assertEqual(s.after, s.before)

    def test_a_terminal_that_closes_saves_too(self):
        s = Session(*LONG, "--out", "run.ckpt")
        s.wait_for("step +[1-9]")
        os.close(s.side)
        os.close(s.main)
        s.process.send_signal(signal.SIGHUP)
        s.process.wait(timeout=60)
        self.assertGreater(os.path.getsize(os.path.join(s.folder.name, "run.ckpt")), 1000)

    def test_who_ends_it_at_once_has_the_terminal_as_it_was(self):
        s = Session(*LONG)
        s.wait_for("step +[1-9]")
        s.process.send_signal(signal.SIGQUIT)
        self.assertEqual(s.finish(), -signal.SIGQUIT)
        self.assertEqual(s.after, s.before)
        self.assertGreater(s.text.rindex("\x1b[?25h"), s.text.rindex("\x1b[?25l"), "the cursor comes back")

    def test_who_stops_it_has_the_terminal_meanwhile(self):
        s = Session(*LONG)
        s.wait_for("step +[1-9]")
        s.process.send_signal(signal.SIGTSTP)
        self.assertTrue(os.WIFSTOPPED(os.waitpid(s.process.pid, os.WUNTRACED)[1]))
        s.read()
        self.assertEqual(termios.tcgetattr(s.side), s.before)
        self.assertGreater(s.text.rindex("\x1b[?25h"), s.text.rindex("\x1b[?25l"), "the cursor comes back")
        mark = len(s.text)
        s.process.send_signal(signal.SIGCONT)
        s.wait_for("")
        while "step" not in s.read()[mark:]:
            pass
        self.assertNotEqual(termios.tcgetattr(s.side), s.before)
        os.write(s.main, b"q")
        self.assertEqual(s.finish(), 0)
        self.assertEqual(s.after, s.before)

    def test_a_frame_fits_into_few_rows(self):
        s = Session(*LONG, rows=5)
        s.wait_for("(?s)step +[1-9].*step +[1-9]")
        os.write(s.main, b"q")
        s.finish()
        shown = s.text.split("\x1b[?25h")[0]
        self.assertIn("\x1b[4F", shown)
        self.assertNotIn("\x1b[7F", shown)
        self.assertNotIn("memory", shown)

    def test_no_line_is_wider_than_the_terminal(self):
        s = Session(*LONG, columns=40)
        s.wait_for("step +[1-9]")
        s.resize(24)
        time.sleep(0.5)
        mark = len(s.read())
        time.sleep(0.5)
        os.write(s.main, b"q")
        s.finish()
        shown = s.text[mark:].split("\x1b[?25h")[0]
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
        self.assertLessEqual(max(map(len, plain.splitlines()), default=0), 24)

    def test_colours_and_characters_can_be_left_out(self):
        s = Session("train", "mlp", "--steps", "300", NO_COLOR="1", LANG="C")
        self.assertEqual(s.finish(), 0)
        self.assertNotRegex(s.text, r"\x1b\[[0-9;]*m")
        self.assertTrue(s.text.isascii())

    def test_plain_and_dumb(self):
        for arguments, env in ((["--plain"], {}), ([], {"TERM": "dumb"}), (["--json"], {})):
            s = Session("train", "mlp", "--steps", "20", *arguments, **env)
            self.assertEqual(s.finish(), 0)
            self.assertNotIn("\x1b", s.text)
            self.assertRegex(s.text, "step\"?[: ]+20")


if __name__ == "__main__":
    unittest.main()
