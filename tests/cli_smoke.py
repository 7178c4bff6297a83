#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the command line tool as people do: every verb, its output and its exit code, and what it says to mistakes.

usage: cli_smoke.py PATH_OF_ANNEAL
"""
import gzip
import hashlib
import json
import math
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from random import Random

ANNEAL = ""

PROGRAM = """\
%0 = param 0, "x" : f32[2,3]
%1 = const 3 : i32
%2 = param 1, "n" : i32[4]
%3 = add %2, %1 : i32[4]
%4 = const 4 : i32
%5 = add %3, %4 : i32[4]
%6 = reduce %0, op=add, axes=[1] : f32[2,1]
sink %5, %6
"""

SYMBOLIC = """\
%0 = var "B", min=1, max=8 : index
%1 = param 0, "x" : f32[%0,2]
%2 = reduce %1, op=max, axes=[0] : f32[1,2]
sink %2
"""

KERNEL = """\
%0 = param 1 : i32[4]
%1 = const 4 : index
%2 = range %1, id=0, kind=loop : index
%3 = const 3 : index
%4 = sub %3, %2 : index
%5 = cast %2 : i32
%6 = store %0, %4, %5 : void
sink %6
"""


def safetensors(tensors):
    """{name: (dtype, shape, bytes)} as a file's bytes."""
    header, data = {}, b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


class CliTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        (self.path / "p.ir").write_text(PROGRAM)
        (self.path / "symbolic.ir").write_text(SYMBOLIC)

    def tearDown(self):
        self.folder.cleanup()

    def run_tool(self, *args, rc=0, **env):
        done = subprocess.run([ANNEAL, *args], cwd=self.path, env=os.environ | env, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, rc, f"{args}\n{done.stdout}\n{done.stderr}")
        return done

    def out(self, *args, **env):
        return self.run_tool(*args, **env).stdout

    def error(self, *args, **env):
        done = self.run_tool(*args, rc=1, **env)
        self.assertTrue(done.stderr.startswith("error"), done.stderr)
        return done.stderr

    # -- Help --

    def test_usage(self):
        usage = self.out()
        self.assertIn("usage: anneal VERB", usage)
        self.assertEqual(usage, self.out("help"))
        self.assertEqual(usage, self.out("--help"))
        self.assertRegex(self.out("--version"), r"^anneal \d+\.\d+\.\d+ \(commit \S+, .+\)\n$")

    def test_every_verb_has_help_with_an_example(self):
        for verb in ("graph", "kernels", "profile", "opt", "explain", "fetch", "inspect", "interp", "conform", "reduce", "run", "train", "cache", "runs", "replay"):
            self.assertIn(f"example:\n  anneal {verb}", self.out(verb, "--help"))
            self.assertEqual(self.out(verb, "--help"), self.out("help", verb))

    def test_flags(self):
        text = self.out("help", "flags")
        for flag in ("ANNEAL_DUMP", "ANNEAL_DEBUG", "ANNEAL_VERIFY"):
            self.assertIn(flag, text)

    def test_mistakes(self):
        self.assertIn("nearest is 'graph'", self.error("grpah"))
        self.assertIn("nearest is 'opt'", self.error("help", "op"))
        self.assertIn("program is required", self.error("graph"))
        self.assertIn("--wrong", self.error("graph", "mlp", "--wrong"))
        self.assertIn("nearest model is 'nanogpt'", self.error("graph", "nanogtp"))
        self.assertIn("nearest is nanogpt", self.error("run", "nanogtp"))
        self.assertIn("nearest is 'nanogpt'", self.error("train", "nanogtp"))
        self.assertIn("'simplify'", self.error("opt", "--passes=simplfy", "p.ir"))
        self.assertIn("nearest is 'reduce'", self.error("explain", "reduec"))
        # A name that is far from all is not answered with one.
        for args in (("qqqqqqqq",), ("explain", "qqqqqqqq"), ("graph", "qqqqqqqq"), ("run", "qqqqqqqq")):
            self.assertNotIn("nearest", self.error(*args).split("\n")[0])
        self.assertNotIn("did you mean", self.error("opt", "--passes=qqqqqqqq", "p.ir"))
        for passes in (",,", ",", "simplify,", "simplify,,simplify"):
            self.assertIn("names with a comma between", self.error("opt", f"--passes={passes}", "p.ir"))
        self.assertIn("anneal run mlp", self.error("interp", "mlp"))
        for batch in ("0", "-3"):
            for verb in ("graph", "opt", "kernels", "run", "train"):
                self.assertIn(f"{batch} is not positive", self.error(verb, "mlp", "--batch", batch))
        for name, text, fits in (
            ("CACHE_SIZE", "abc", "a size such as 800M or 1.5G"), ("POISON", "2", "0 or 1"), ("CACHE_DIR", "kept", "an absolute path, or off,"), ("DEBUG", "x", "0, 1 or 2")):
            self.assertIn(f"ANNEAL_{name}={text}: {fits} fits", self.error("run", "mlp", **{f"ANNEAL_{name}": text}))
        self.assertIn("did you mean 'simplify'", self.error("run", "mlp", ANNEAL_DUMP="kernels,simplfy"))

    def test_programs_that_are_not_right_are_refused(self):
        (self.path / "twice.ir").write_text("%0 = param 0 : f32[2]\n%1 = param 0 : f32[3]\nsink %0, %1\n")
        (self.path / "bounds.ir").write_text(
            '%0 = var "B", min=1, max=8 : index\n%1 = var "B", min=1, max=9 : index\n'
            "%2 = param 0 : f32[%0,%1]\nsink %2\n")
        for verb in ("opt", "graph", "interp", "kernels"):
            self.assertIn("error[verify] param has the number of another input", self.error(verb, "twice.ir"))
            self.assertIn("error[verify] var has the name of another variable", self.error(verb, "bounds.ir"))
        self.assertIn("no/such/file.ir", self.error("interp", "no/such/file.ir"))

    # -- Programs --

    def test_graph(self):
        text = self.out("graph", "mlp", "--train")
        for part in ("| param ", "| reduce ", "| forward", "| backward", "| optimizer", "0.weight", "axes=[", "src/programs/"):
            self.assertIn(part, text)
        listing = json.loads(self.out("graph", "p.ir", "--json"))
        self.assertEqual(len(listing["nodes"]), 7)
        ops = [node["op"] for node in listing["nodes"]]
        self.assertEqual([ops[i] for i in listing["results"]], ["add", "reduce"])
        for node in listing["nodes"]:
            self.assertTrue(all(source < node["index"] for source in node["sources"]))
        dot = self.out("graph", "p.ir", "--dot")
        self.assertTrue(dot.startswith("digraph"))
        self.assertEqual(dot.count("->"), 5)

    def test_kernels(self):
        table = self.out("kernels", "nanogpt", "--train")
        self.assertIn("modelled", table.splitlines()[0])
        self.assertRegex(table, r"optimizer x \d+ parameters .* o ")
        last = table.splitlines()[-1]
        self.assertRegex(last, r"^\d+ launches of \d+ kernels, \d+ unique; \d+ across the seam; .* MB moved")
        found = json.loads(self.out("kernels", "nanogpt", "--train", "--json"))
        self.assertEqual(found["launches"], len(found["kernels"]))
        self.assertAlmostEqual(found["bytes"], sum(k["bytes"] for k in found["kernels"]), delta=1)
        self.assertTrue(all(k["ops"] and k["outputs"] and k["seconds"] > 0 and k["phases"] for k in found["kernels"]))
        self.assertTrue(any("src/nn/" in k["source"] for k in found["kernels"]))
        count = lambda *args: json.loads(self.out("kernels", *args, "--json"))["launches"]
        self.assertLess(count("mlp", "--train"), count("mlp", "--train", "--fuse", "none"))
        self.assertEqual(count("p.ir"), 1 + 1)
        self.assertEqual(table.splitlines()[1:-1], self.out("kernels", "nanogpt", "--train").splitlines()[1:-1])
        self.assertIn("nearest is 'greedy'", self.error("kernels", "mlp", "--fuse", "gredy"))
        self.assertIn("nearest is 'loops'", self.error("kernels", "mlp", "--device", "lopps"))
        self.assertIn("'interp' interprets tensor programs and has no kernels; devices are: cpu, loops, null",
                      self.error("kernels", "mlp", "--device", "interp"))
        self.assertIn("modelled for the device null", self.out("kernels", "mlp", ANNEAL_DEVICE="interp"))
        for other in ("--json", "--by-source"):
            self.assertIn(f"{other} is another answer", self.error("kernels", "mlp", "--plan", other))

    def test_explain_fuse(self):
        text = self.out("explain", "fuse", "blocks.0.ln1", "blocks.0.attn.qkv", "--program", "nanogpt")
        self.assertIn("not fused: the consumer is a contraction", text)
        decisions = json.loads(self.out("explain", "fuse", "0", "0", "--program", "mlp", "--train", "--json"))
        self.assertTrue(all(d["reason"] for d in decisions))
        self.assertIn("nearest is 'blocks.0.ln1", self.error("explain", "fuse", "blocks.0.lm1", "blocks.0.attn.qkv"))
        self.assertIn("takes two", self.error("explain", "fuse", "blocks.0.ln1"))

    def test_kernels_by_source(self):
        text = self.out("kernels", "nanogpt", "--train", "--by-source", "--device", "null")
        self.assertRegex(text, r"\n +\d+  fb  ?\+  add +f: \d.*   b: \d")
        self.assertRegex(text, r"\n +\d+    o.  ")
        found = json.loads(self.out("kernels", "nanogpt", "--train", "--by-source", "--json", "--device", "null"))
        self.assertGreaterEqual(found["peak"], found["lower_bound"])
        lines = found["by_source"]
        self.assertEqual({n for line in lines for p in ("forward", "backward", "optimizer") for n in line[p]},
                         set(range(found["launches"])))
        self.assertTrue(any(line["forward"] and line["backward"] and line["fused"] for line in lines))

    def test_explain_kernel(self):
        text = self.out("explain", "kernel", "blocks.0.attn.qkv", "--program", "nanogpt", "--device", "null")
        for part in ("fused     matmul", "seam      f ", "reads ", "blocks.0.attn.qkv.weight f32", "runs as   contraction batch 1 x m 256 x n 144 x k 48",
                     "kernel IR:\n%0 = ", "loops:\ngrid r"):
            self.assertIn(part, text)
        for form, part in (("llvm", "define "), ("asm", "\t.text"), ("plan", "tiles ")):
            self.assertIn(part, self.out("explain", "kernel", "1", "--program", "nanogpt", "--device", "cpu", "--form", form))
        found = json.loads(self.out("explain", "kernel", "1", "--program", "nanogpt", "--device", "cpu", "--json"))
        self.assertEqual((found["number"], found["phases"]), (1, "f"))
        self.assertIn("store", found["programs"][0]["ir"])
        self.assertTrue(found["programs"][0]["plan"])
        many = self.out("explain", "kernel", "optimizer x 29 parameters", "--program", "nanogpt", "--train", "--device", "null")
        self.assertIn("parts, such as ", many)
        self.assertIn("in the memory of an input", many)
        self.assertIn("attn.qkv: matmul", self.error("explain", "kernel", "blocks.0.attn.qvk"))
        self.assertIn("no kernel 900", self.error("explain", "kernel", "900"))
        self.assertIn("no code to show", self.error("explain", "kernel", "1", "--device", "null", "--asm"))
        self.assertIn("nearest is 'llvm'", self.error("explain", "kernel", "1", "--device", "cpu", "--form", "lvm"))
        self.assertIn("takes the name or number", self.error("explain", "kernel"))

    def test_explain_mem(self):
        text = self.out("explain", "mem", "nanogpt", "--train", "--device", "null")
        for part in ("of the lower bound", "overwritten by their next values", "alive at launch ", " in place of ", "#"):
            self.assertIn(part, text)
        found = json.loads(self.out("explain", "mem", "nanogpt", "--train", "--json", "--device", "null"))
        self.assertEqual(max(found["timeline"]), found["timeline"][found["peak_launch"]])
        self.assertLessEqual(max(found["timeline"]), found["peak"])
        self.assertLessEqual(found["lower_bound"], found["peak"])
        for t in found["largest_at_peak"]:
            self.assertTrue(t["first"] <= found["peak_launch"] <= t["last"])
        self.assertIn("nearest model is 'nanogpt'", self.error("explain", "mem", "nanogtp"))
        self.assertIn("nothing is stored", self.out("explain", "mem", "p.ir"))
        self.assertEqual(self.out("explain", "mem", "mlp"), self.out("explain", "mem", "--program", "mlp"))
        self.assertIn("one program, not both mlp and --program conv", self.error("explain", "mem", "mlp", "--program", "conv"))

    def test_profile(self):
        text = self.out("profile", "mlp", "--train", "--device", "cpu", "--steps", "2", "--trace", "trace.json")
        self.assertRegex(text, r"measured: memory [0-9.]+ GB/s, cache [0-9.]+ GB/s")
        self.assertRegex(text.splitlines()[-2], r"^\d+ launches: [0-9.]+ us a step, .* % of the roofline$")
        launches = int(text.splitlines()[-2].split()[0])
        memory = r"memory: [0-9.]+ [KM]?B in use, [0-9.]+ [KM]?B at most"
        self.assertRegex(text.splitlines()[-1], rf"^all steps: \d+ launches in 3 runs, \d+ kernels compiled; {memory}$")
        self.assertGreaterEqual(int(text.splitlines()[-1].split()[2]), 3 * launches)
        events = json.loads((self.path / "trace.json").read_text())["traceEvents"]
        runs = [e for e in events if e["ph"] == "X"]
        self.assertTrue(all(a["ts"] + a["dur"] <= b["ts"] + 1e-3 for a, b in zip(runs, runs[1:])))
        found = json.loads(self.out("profile", "mlp", "--train", "--device", "cpu", "--steps", "3", "--json"))
        kernels = json.loads(self.out("kernels", "mlp", "--train", "--device", "cpu", "--json"))["kernels"]
        self.assertEqual([k["name"] for k in found["kernels"]], [k["name"] for k in kernels])
        self.assertTrue(all(k["seconds"] > 0 and k["gb_per_s"] > 0 for k in found["kernels"]))
        self.assertEqual(found["seconds"], min(found["steps"]))
        self.assertEqual(found["counters"]["runs"], 4)
        self.assertGreater(found["counters"]["peak_bytes"], 0)
        self.assertIn("f32", self.out("explain", "kernel", "0", "--program", "p.ir", "--device", "cpu"))
        self.assertIn("launches: ", self.out("profile", "symbolic.ir", "--device", "cpu"))
        self.assertIn("'null' runs nothing; devices to time are: cpu", self.error("profile", "mlp", "--device", "null"))
        self.assertIn("the interpreter runs a program op by op", self.error("profile", "mlp", "--device", "interp"))
        self.assertIn("the interpreter runs", self.error("profile", "mlp", ANNEAL_DEVICE="interp"))
        self.assertIn("no/folder/t.json", self.error("profile", "mlp", "--device", "cpu", "--trace", "no/folder/t.json"))
        self.assertIn("nearest model is 'nanogpt'", self.error("profile", "nanogtp"))

    # The interpreter would take many minutes for both; the device for one.
    def test_profile_asks_the_model_of_the_device_how_long_a_run_takes(self):
        program = """\
%0 = param 0, "x" : f32[1,1]
%1 = expand %0 : f32[N,N]
%2 = reduce %1, op=add, axes=[0,1] : f32[1,1]
sink %2
"""
        (self.path / "long.ir").write_text(program.replace("N", "400000"))
        (self.path / "endless.ir").write_text(program.replace("N", "100000000"))
        self.assertIn("minutes on the interpreter", self.error("profile", "long.ir", "--device", "loops"))
        self.assertRegex(self.error("profile", "endless.ir", "--device", "cpu"), r"about \d+ minutes on the device cpu, by its model; --force")

    def test_cache(self):
        env = {"ANNEAL_CACHE_DIR": str(self.path / "cache")}
        why = lambda **more: self.out("cache", "why", "mlp", "--device", "cpu", **(env | more))
        self.assertRegex(why(), r"^missing .* never compiled\n(.*\n)+0 of \d+ different kernels")
        self.out("profile", "mlp", "--device", "cpu", "--steps", "1", **env)
        self.assertNotIn("missing", why())
        self.assertIn("for another target", why(ANNEAL_CPU_FEATURES="generic"))
        stats = json.loads(self.out("cache", "stats", "--device", "cpu", "--json", **env))
        self.assertGreater(stats["entries"], 0)
        self.assertEqual(stats["stored"], stats["entries"])
        self.assertGreaterEqual(stats["misses"], stats["stored"])
        self.assertGreater(stats["bytes"], 0)
        self.out("profile", "mlp", "--device", "cpu", "--steps", "1", **env)
        self.assertGreater(json.loads(self.out("cache", "stats", "--device", "cpu", "--json", **env))["hits"], 0)
        self.assertIn(f"removed {stats['entries']} entries, ", self.out("cache", "clear", "--device", "cpu", **env))
        self.assertIn("entries    0\n", self.out("cache", "stats", "--device", "cpu", **env))
        (self.path / "file").write_text("text")
        env["ANNEAL_CACHE_DIR"] = str(self.path / "file")
        self.assertIn("is a file, not a folder", self.out("cache", "stats", "--device", "cpu", **env))
        self.assertIn("is a file, not a folder", self.error("cache", "clear", "--device", "cpu", **env))
        self.assertIn("is a file, not a folder", why())
        self.assertIn("launches: ", self.out("profile", "mlp", "--device", "cpu", "--steps", "1", **env))
        self.assertEqual((self.path / "file").read_text(), "text")
        self.assertIn("no kernels are kept", self.out("cache", "stats", "--device", "cpu", ANNEAL_CACHE_DIR="off"))
        self.assertIn("nearest is 'stats'", self.error("cache", "stat"))
        self.assertIn("keeps no code", self.error("cache", "stats", "--device", "null"))
        self.assertIn("takes one program", self.error("cache", "why"))

    def test_calibration_is_kept(self):
        env = {"ANNEAL_CACHE_DIR": str(self.path / "cache"), "ANNEAL_CALIBRATE": "1"}
        first = self.out("kernels", "nanogpt", "--train", "--device", "cpu", **env)
        self.assertEqual(len(list((self.path / "cache").glob("measured-*"))), 1)
        again = self.out("kernels", "nanogpt", "--train", "--device", "cpu", **env)
        self.assertEqual(first.splitlines()[:-1], again.splitlines()[:-1])

    def test_a_run_goes_on_bit_for_bit(self):
        small = ("train", "nanogpt", "--layers", "1", "--dmodel", "16", "--heads", "2", "--block", "8", "--batch", "2",
                 "--data", "text.txt")
        (self.path / "text.txt").write_text("What is done in two parts is done as if in one. " * 40)
        self.out(*small, "--steps", "20", "--out", "whole.ckpt")
        self.out(*small, "--steps", "20", "--stop-after", "10", "--out", "half.ckpt")
        text = self.out("train", "nanogpt", "--data", "text.txt", "--resume", "half.ckpt", "--out", "rest.ckpt")
        self.assertIn("goes on after step 10 of half.ckpt", text)
        self.assertEqual((self.path / "whole.ckpt").read_bytes(), (self.path / "rest.ckpt").read_bytes())
        self.assertIn("--layers is 2, and the checkpoint was made with 1",
                      self.error("train", "nanogpt", "--data", "text.txt", "--resume", "half.ckpt", "--layers", "2"))
        self.assertIn("is of the model 'nanogpt', not of 'mlp'", self.error("train", "mlp", "--resume", "half.ckpt"))
        (self.path / "cut.ckpt").write_bytes((self.path / "half.ckpt").read_bytes()[:-9])
        self.assertIn("cut.ckpt", self.error("train", "nanogpt", "--resume", "cut.ckpt"))

    def test_a_run_knows_its_text(self):
        text = "What is done in two parts is done as if in one. "
        (self.path / "text.txt").write_text(text * 40)
        self.out("train", "nanogpt", "--layers", "1", "--dmodel", "16", "--heads", "2", "--block", "8", "--batch", "2",
                 "--data", "text.txt", "--steps", "20", "--stop-after", "10", "--out", "half.ckpt")
        self.assertIn("text.txt", self.out("train", "--resume", "half.ckpt"))
        (self.path / "other.txt").write_text(text * 30)
        shown = self.out("train", "--resume", "half.ckpt", "--data", "other.txt", "--batch", "3", "--lr", "0.001")
        for note in ("other data than before: other.txt", "--batch is 3 from here on; it was 2",
                     "--lr is 0.001 from here on; it was the model's own"):
            self.assertIn(note, shown)
        (self.path / "text.txt").write_text(text * 30)
        self.assertIn("--data goes on with another", self.error("train", "--resume", "half.ckpt"))
        (self.path / "text.txt").unlink()
        self.assertIn("--data says where it is now", self.error("train", "--resume", "half.ckpt"))
        (self.path / "other.txt").write_text(text * 30 + "#")
        self.assertIn("1 of its characters are not among", self.error("train", "--resume", "half.ckpt", "--data", "other.txt"))

    # -- Runs that are recorded --

    SMALL = ("train", "nanogpt", "--layers", "1", "--dmodel", "16", "--heads", "2", "--block", "8", "--batch", "2",
             "--data", "text.txt", "--steps", "20")

    def recorded(self, *arguments, **env):
        """The folder of the bundle that a run writes."""
        (self.path / "text.txt").write_text("What is done in two parts is done as if in one. " * 40)
        env = {"ANNEAL_RUN_DIR": "runs"} | env
        text = self.out(*(arguments or self.SMALL), **env)
        found = [line for line in text.splitlines() if line.startswith("bundle: ")]
        self.assertEqual(len(found), 1, text)
        return Path(found[0].removeprefix("bundle: "))

    def runs(self, *arguments, **env):
        return json.loads(self.out("runs", *arguments, "--json", ANNEAL_RUN_DIR="runs", **env))

    def test_verbs_without_a_model_list_them(self):
        for verb in ("graph", "kernels", "profile", "run", "train"):
            text = self.error(verb)
            self.assertRegex(text, rf"usage: anneal {verb} \w+ \[OPTIONS\]")
            self.assertRegex(text, r"(?m)^available models:$")
            self.assertRegex(text, r"(?m)^  conv +\S.* convolution")
        for verb in ("graph", "kernels", "profile", "run", "train"):
            self.assertIn("nanogpt", self.error(verb, "nothing-like-it"))

    def test_models_take_other_sizes(self):
        text = self.out("kernels", "nanogpt", "--layers", "1", "--heads", "2", "--dmodel", "16", "--block", "8")
        self.assertIn("1 layers of width 16, 2 heads, 8 tokens at a time", text)
        self.assertNotIn("blocks.1.", text)
        for verb in (("graph", "--train"), ("run",)):
            self.assertIn("8,8,96]", self.out(verb[0], "nanogpt", *verb[1:], "--block", "8"))
        self.assertIn("does not divide into 5 heads", self.error("kernels", "nanogpt", "--heads", "5"))
        self.assertIn("conv is none", self.error("graph", "conv", "--layers", "2"))
        self.assertIn("are for models", self.error("graph", "p.ir", "--layers", "2"))

    def test_bundles_are_off_unless_asked_for(self):
        self.out("train", "mlp", "--steps", "2", ANNEAL_RUN_DIR="runs")
        self.assertFalse((self.path / "runs").exists())
        self.assertIn("no runs in runs", self.out("runs", ANNEAL_RUN_DIR="runs"))
        bundle = self.recorded("train", "mlp", "--steps", "2", ANNEAL_BUNDLE="1")
        self.assertRegex(bundle.name, r"^\d{8}T\d{6}\.\d{3}Z-mlp-[0-9a-f]{6}$")
        self.recorded("train", "mlp", "--steps", "2", "--bundle", ANNEAL_CACHE_DIR=str(self.path / "c"), ANNEAL_RUN_DIR="")
        self.assertEqual(len(list((self.path / "c" / "runs").iterdir())), 1)
        self.assertIn("ANNEAL_RUN_DIR", self.error("train", "mlp", "--bundle", ANNEAL_CACHE_DIR="off", ANNEAL_RUN_DIR=""))

    def test_a_bundle_is_replayed(self):
        bundle = self.recorded(*self.SMALL, "--bundle")
        manifest = json.loads((bundle / "manifest.json").read_text())
        self.assertEqual((manifest["bundle_version"], manifest["kind"], manifest["state"], manifest["steps"]),
                         (1, "train", "completed", 20))
        kernels = sorted((bundle / "kernels").iterdir())
        self.assertEqual(len(kernels), manifest["kernels"])
        sums = hashlib.sha256(b"".join(p.read_bytes() for p in kernels)).hexdigest()
        self.assertEqual(sums, manifest["kernels_hash"])
        self.assertIn("store", kernels[0].read_text())
        for name in ("graph.json", "schedule.json"):
            self.assertGreater(len(json.loads((bundle / name).read_text())["programs"]), 1)
        config = json.loads((bundle / "config.json").read_text())
        self.assertEqual(config["data"][0]["sha256"], hashlib.sha256((self.path / "text.txt").read_bytes()).hexdigest())
        self.assertEqual(len((bundle / "loss.csv").read_text().splitlines()), 21)
        text = self.out("replay", "last", ANNEAL_RUN_DIR="runs")
        self.assertIn("program, device and data are what they were", text)
        self.assertIn("all 20 are the same, bit for bit", text)
        self.assertIn(f"all {len(kernels)} are the same", text)
        # Something else is said to be so, and where.
        rows = (bundle / "loss.csv").read_text().splitlines()
        step, loss, ms = rows[7].split(",")
        rows[7] = f"{step},{float(loss) + 0.25},{ms}"
        (bundle / "loss.csv").write_text("\n".join(rows) + "\n")
        (self.path / "text.txt").write_text((self.path / "text.txt").read_text() + ".")
        done = self.run_tool("replay", str(bundle), rc=1)
        self.assertRegex(done.stdout, r"data .*text.txt: SHA-256: \w+ then, \w+ now")
        self.assertIn("losses: differ, first at step ", done.stdout)
        report = json.loads(self.run_tool("replay", str(bundle), "--json", rc=1).stdout)
        self.assertFalse(report["same"])
        (self.path / "text.txt").unlink()
        self.assertIn("text.txt", self.error("replay", str(bundle)))

    def test_a_bundle_goes_on_bit_for_bit(self):
        whole = self.recorded(*self.SMALL, "--bundle", "--lr", "0.002")
        half = self.recorded(*self.SMALL, "--bundle", "--lr", "0.002", "--stop-after", "10")
        self.assertEqual(json.loads((half / "manifest.json").read_text())["state"], "stopped")
        rest = self.recorded("train", "--resume", half.name[:-3], "--bundle")
        losses = [[line.split(",")[:2] for line in (b / "loss.csv").read_text().splitlines()[1:]] for b in (whole, half, rest)]
        self.assertEqual(losses[0], losses[1] + losses[2])
        self.assertEqual((whole / "checkpoint.safetensors").read_bytes(), (rest / "checkpoint.safetensors").read_bytes())
        self.assertIn("all 10 are the same", self.out("replay", str(rest)))
        self.assertIn("is of the model 'nanogpt', not of 'mlp'", self.error("train", "mlp", "--resume", str(half)))
        (self.path / "text.txt").write_text("Another text. " * 60)
        self.assertIn("is not what that run was trained on", self.error("train", "--resume", str(half)))
        # A checkpoint of its own is kept the same way.
        self.out("runs", "save", str(half / "checkpoint.safetensors"), ANNEAL_RUN_DIR="runs")
        self.assertEqual(self.runs()["runs"][-1]["kind"], "saved")
        self.assertIn("nothing to run again", self.error("replay", "last", ANNEAL_RUN_DIR="runs"))
        text = self.out("generate", "--ckpt", "last", "--max-tokens", "3", "--plain", ANNEAL_RUN_DIR="runs")
        self.assertGreaterEqual(len(text), 3)

    def test_a_killed_run_goes_on(self):
        environment = os.environ | {"ANNEAL_RUN_DIR": "runs"}
        (self.path / "text.txt").write_text("What is done in two parts is done as if in one. " * 40)
        process = subprocess.Popen([ANNEAL, *self.SMALL[:-1], "100000", "--bundle", "--save-every", "7"], cwd=self.path,
                                   env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in process.stdout:
            if line.startswith("step 30:"):
                break
        alive = self.runs()["runs"][0]
        self.assertEqual(alive["state"], "running")
        self.assertIn("is running", self.error("runs", "rm", alive["id"], ANNEAL_RUN_DIR="runs"))
        process.kill()
        process.wait()
        process.stdout.close()
        killed = self.runs()["runs"][0]
        self.assertEqual(killed["state"], "killed")
        self.assertGreaterEqual(killed["steps"], 30)
        self.assertIn("the same, bit for bit", self.out("replay", killed["id"], ANNEAL_RUN_DIR="runs"))
        text = self.out("train", "--resume", killed["id"], "--steps", str(killed["steps"] + 8), ANNEAL_RUN_DIR="runs")
        self.assertRegex(text, r"goes on after step \d*[1-9]\d* of " + re.escape(killed["id"]))

    def test_a_text_is_replayed(self):
        model = self.recorded(*self.SMALL, "--bundle")
        for how in ((), ("--greedy",), ("--top-k", "3", "--top-p", "0.9", "--seed", "5")):
            self.out("generate", "--ckpt", model.name, "--prompt", "What", "--max-tokens", "20", "--bundle", *how, ANNEAL_RUN_DIR="runs")
            self.assertIn("all 20 tokens are the same", self.out("replay", "last", ANNEAL_RUN_DIR="runs"))
        bundle = Path(self.runs()["runs"][-1]["folder"])
        rows = (bundle / "generation.ndjson").read_text().splitlines()
        self.assertEqual(len(rows), 20)
        (bundle / "generation.ndjson").write_text("\n".join(rows[:4] + [rows[4].replace('"token":', '"token":1')] + rows[5:]) + "\n")
        self.assertIn("text: differs from token 4 on", self.run_tool("replay", str(bundle), rc=1).stdout)

    def test_a_failed_run_says_so(self):
        self.assertIn("--nan-trap", self.error("train", "mlp", "--lr", "1e30", "--steps", "50", "--bundle", ANNEAL_RUN_DIR="runs"))
        run = self.runs()["runs"][0]
        self.assertEqual(run["state"], "failed")
        self.assertIn("--nan-trap", self.runs("show", run["id"])["manifest"]["message"])
        self.assertIn("the same, bit for bit", self.out("replay", run["id"], ANNEAL_RUN_DIR="runs"))

    def test_runs_are_listed_shown_and_removed(self):
        bundles = [self.recorded("train", "mlp", "--steps", "2", "--bundle", "--seed", str(i)) for i in range(3)]
        names = [b.name for b in bundles]
        text = self.out("runs", ANNEAL_RUN_DIR="runs")
        for name in names:
            self.assertIn(name, text)
        self.assertEqual([run["id"] for run in self.runs()["runs"]], names)
        self.assertIn("seed = 2", self.out("runs", "show", ANNEAL_RUN_DIR="runs"))
        self.assertIn(f"removed {names[0]}", self.out("runs", "rm", names[0][-6:], ANNEAL_RUN_DIR="runs"))
        for bad in ("../runs", names[1] + "/", "/", "..", ".", ""):
            self.assertIn("no id of a run", self.error("runs", "rm", bad, ANNEAL_RUN_DIR="runs"))
        self.assertIn("begins the names of 2 run bundles", self.error("runs", "rm", "2", ANNEAL_RUN_DIR="runs"))
        self.assertEqual([run["id"] for run in self.runs()["runs"]], names[1:])
        self.assertIn("nearest is 'show'", self.error("runs", "shwo"))
        self.out("runs", "rm", *names[1:], ANNEAL_RUN_DIR="runs")
        self.assertEqual(list((self.path / "runs").iterdir()), [])

    def test_bundles_that_are_not_right_are_refused(self):
        bundle = self.recorded("train", "mlp", "--steps", "2", "--bundle")
        manifest, config = ((bundle / name).read_text() for name in ("manifest.json", "config.json"))
        for name, text, message in (
                ("manifest.json", manifest.replace('"bundle_version": 1', '"bundle_version": 9'), "version 9; this program reads version 1"),
                ("manifest.json", manifest[:50], "not valid JSON"),
                ("manifest.json", manifest.replace("checkpoint.safetensors", "../x"), "no name of a file in the bundle"),
                ("manifest.json", manifest.replace('"steps": 2', '"steps": "2"'), '"steps" must be an integer'),
                ("config.json", config.replace('"seed": 1', '"seed": [1]'), '"seed" must be'),
                ("kernels/K0000.ir", "sink", "the files in kernels/ are not what its manifest says"),
                ("loss.csv", "what?\n", "the head must be")):
            before = (bundle / name).read_text()
            (bundle / name).write_text(text)
            self.assertIn(message, self.error("replay", str(bundle)))
            (bundle / name).write_text(before)
        (bundle / "manifest.json").write_bytes(manifest.encode().replace(b"mlp", b"m\xffp"))
        self.assertIn("not valid JSON", self.error("runs", "show", str(bundle)))
        self.assertIn("damaged: ", self.out("runs", ANNEAL_RUN_DIR="runs"))
        (bundle / "manifest.json").write_text(manifest)
        (bundle / "loss.csv").rename(self.path / "elsewhere")
        (bundle / "loss.csv").symlink_to(self.path / "elsewhere")
        self.assertIn("symbolic link", self.error("replay", str(bundle)))
        self.assertIn("there is no file 'nope', and no run bundle", self.error("train", "mlp", "--resume", "nope", ANNEAL_RUN_DIR="runs"))

    def test_a_bundle_has_no_place(self):
        (self.path / "file").write_text("")
        self.assertIn("ANNEAL_RUN_DIR", self.error("train", "mlp", "--bundle", ANNEAL_RUN_DIR="file"))
        done = self.limited({resource.RLIMIT_FSIZE: 20000}, "train", "mlp", "--bundle", ANNEAL_RUN_DIR="runs", ANNEAL_CACHE_DIR="off")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("the run bundle cannot be written: ", done.stderr)
        self.assertEqual([run["state"] for run in self.runs()["runs"]], ["failed"])
        # The run itself is saved, where its checkpoint fits and only the growing list of losses does not.
        self.out("train", "mlp", "--stop-after", "1", "--out", "one.ckpt", "--bundle", ANNEAL_RUN_DIR="first")
        most = max(p.stat().st_size for p in (self.path / "first").rglob("*") if p.is_file())
        for out, saved in ((), "mlp.ckpt"), (("--out", "named.ckpt"), "named.ckpt"):
            done = self.limited({resource.RLIMIT_FSIZE: most + 100}, "train", "mlp", "--steps", "4000", *out, "--bundle", ANNEAL_RUN_DIR="runs")
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("the run bundle cannot be written: ", done.stderr)
            step = int(re.search(f"saved: {saved}, after step (\\d+)", done.stderr).group(1))
            self.assertGreater(step, 50)
            self.assertIn(f"goes on after step {step} of {saved}", self.out("train", "mlp", "--resume", saved, "--steps", str(step + 5)))

    def test_numbers_and_paths_that_do_not_fit_are_refused(self):
        for option, value, message in (
                ("--steps", "99999999999999999999", "99999999999999999999 is out of range, which ends at 9223372036854775807"),
                ("--seed", "18446744073709551616", "is out of range"), ("--steps", "1e3", "'1e3' is no whole number"),
                ("--steps", "12x", "is no whole number"), ("--steps", "--1", "is no whole number"), ("--steps", "-1", "-1 is not positive"),
                ("--seed", "-5", "-5 is negative"), ("--lr", "inf", "inf is not finite"), ("--lr", "1e999", "is not finite"),
                ("--lr", "nan", "is no number"), ("--out", "", "--out: an empty value"), ("--resume", "", "--resume: an empty value")):
            for form in ((option, value), (f"{option}={value}",)):
                if value.startswith("-") and len(form) == 2:
                    continue
                self.assertIn(message, self.error("train", "mlp", "--steps", "2", *form) if option != "--steps" else self.error("train", "mlp", *form))
        self.assertIn("not finite", self.error("generate", "--ckpt", "x", "--temperature", "inf"))
        seeds = [self.out("run", "mlp", "--json", "--seed", seed) for seed in ("16", "016", "0x10", "+16")]
        self.assertEqual(seeds, seeds[:1] * 4)

    def test_options_of_other_models_are_refused(self):
        self.assertIn("mlp does not take --layers; nanogpt can", self.error("train", "mlp", "--layers", "3"))
        self.assertIn("dynmlp does not take --data; conv and nanogpt can", self.error("train", "dynmlp", "--data", "."))
        self.assertIn("conv does not take --block; nanogpt can", self.error("train", "conv", "--block", "3"))

    def test_errors_name_no_line_of_the_tool(self):
        (self.path / "notes").write_text("# Some notes, of no use here")
        for args in (("train", "mlp", "--resume", "notes"), ("generate", "--ckpt", "notes"), ("train", "mlp", "--batch", str(2**62)),
                     ("run", "mlp", "--batch", str(2**63 - 1))):
            self.assertNotRegex(self.error(*args), r"\.cc:\d")
        self.assertIn("notes: not a checkpoint: not a safetensors file", self.error("train", "mlp", "--resume", "notes"))
        text = self.error("train", "mlp", "--steps", "50", "--lr", "1e30", "--nan-trap")
        self.assertRegex(text, r"is made by .*\.cc:\d+")  # of the model
        self.assertNotIn("cli/", text)

    def test_output_that_cannot_be_written_is_a_failure(self):
        for args in (("--help",), ("train", "--help"), ("graph", "nanogpt", "--train"), ("train", "mlp", "--steps", "30", "--log-every", "1"),
                     ("run", "mlp", "--json"), ("fetch",)):
            with open("/dev/full", "w") as full:
                done = subprocess.run([ANNEAL, *args], cwd=self.path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
            self.assertEqual((done.returncode, done.stderr), (1, "error[data] cannot write the output: No space left on device\n"))
            done = subprocess.run(["sh", "-c", '"$0" "$@" >&-', ANNEAL, *args], cwd=self.path, capture_output=True, text=True, timeout=120)
            self.assertEqual((done.returncode, done.stderr), (1, "error[data] cannot write the output: Bad file descriptor\n"))
        # A reader that has enough is none, and no file gets the number of a stream that is closed.
        done = subprocess.run(["sh", "-c", '"$0" graph nanogpt --train | head -1', ANNEAL], cwd=self.path, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr, len(done.stdout.splitlines())), (0, "", 1))
        subprocess.run(["sh", "-c", '"$0" train mlp --steps 2 --out closed.ckpt >&- 2>&-', ANNEAL], cwd=self.path, timeout=120)
        self.out("train", "mlp", "--steps", "2", "--out", "open.ckpt")
        self.assertEqual((self.path / "closed.ckpt").read_bytes(), (self.path / "open.ckpt").read_bytes())

    def test_what_cannot_be_written_is_known_before_the_first_step(self):
        for out, message in (("absent/x", "No such file"), (".", "Is a directory"), ("p.ir/x", "Not a directory")):
            done = self.run_tool("train", "mlp", "--steps", "100000000", "--out", out, rc=1)
            self.assertEqual(done.stdout, "")
            self.assertIn(message, done.stderr)
            self.assertIn(message, self.error("profile", "mlp", "--trace", out))
            self.assertIn(message, self.error("reduce", "p.ir", "--check", "true {}", "--out", out))
        self.assertIn("--save-every needs --out or --bundle", self.error("train", "mlp", "--save-every", "3"))
        self.assertEqual(sorted(p.name for p in self.path.iterdir()), ["p.ir", "symbolic.ir"])

    def test_a_batch_beyond_memory_is_refused_at_once(self):
        for model in ("mlp", "dynmlp", "conv", "nanogpt"):
            for batch in (10**11, 2**63 - 1):
                error = self.error("train", model, "--batch", str(batch), ANNEAL_OFFLINE="1")
                self.assertRegex(error, r"a batch of \d+ takes .*B, and there are .*B in all|2\^63 - 1|for at most 1024")
        self.assertIn("for at most 1024", self.error("train", "dynmlp", "--batch", "1025"))
        self.assertRegex(self.error("train", "mlp", "--batch", "999999999"), r"a step with a batch of 999999999 takes .*GB")
        self.assertIn("more than 10,000 layers", self.error("train", "nanogpt", "--layers", "10000000", ANNEAL_OFFLINE="1"))

    def test_a_run_that_is_stopped_goes_to_a_new_file(self):
        short = ("train", "mlp", "--steps", "20", "--stop-after")
        names = [re.search(r"saved: (\S+), after step (\d+)", self.out(*short, str(n))).groups() for n in (5, 7)]
        self.assertEqual(names, [("mlp.ckpt", "5"), ("mlp-2.ckpt", "7")])
        before = (self.path / "mlp.ckpt").read_bytes()
        (self.path / "mlp.ckpt").rename(self.path / "mine.ckpt")
        text = self.out("train", "--resume", "mine.ckpt", "--stop-after", "9")
        self.assertIn("saved: mine-2.ckpt, after step 9", text)
        self.assertEqual((self.path / "mine.ckpt").read_bytes(), before)
        self.assertIn("mine.ckpt is at step 5 already", self.error("train", "--resume", "mine.ckpt", "--stop-after", "5"))
        self.assertIn("mine.ckpt is at step 5 already", self.error("train", "--resume", "mine.ckpt", "--steps", "4"))
        self.assertIn("--seed is 9, and the checkpoint was made with 1", self.error("train", "--resume", "mine.ckpt", "--seed", "9"))
        self.out("train", "--resume", "mine.ckpt", "--stop-after", "9", "--out", "mine.ckpt")
        self.assertEqual((self.path / "mine.ckpt").read_bytes(), (self.path / "mine-2.ckpt").read_bytes())
        self.assertEqual(json.loads(self.out(*short, "6", "--json").splitlines()[-1])["saved"], "mlp.ckpt")

    def stopped(self, which, *arguments, times=1, setup=None):
        process = subprocess.Popen([ANNEAL, "train", "mlp", "--steps", "100000000", *arguments], cwd=self.path, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, preexec_fn=setup)
        for line in process.stdout:
            if line.startswith("step 30:"):
                break
        process.send_signal(which)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def test_signals_save_without_a_terminal(self):
        for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            rc, out, err = self.stopped(which, "--out", "run.ckpt")
            self.assertEqual(rc, 128 + which)
            step = int(re.search(r"saved: run\.ckpt, after step (\d+)", out)[1])
            self.assertEqual("once more ends it" in err, which == signal.SIGINT)
            text = self.out("train", "--resume", "run.ckpt", "--steps", str(step + 3))
            self.assertIn(f"step {step + 3}: loss=", text)
        self.assertIn("saved: mlp.ckpt", self.stopped(signal.SIGTERM)[1])
        # What nohup ignores ends nothing.
        process = subprocess.Popen([ANNEAL, "train", "mlp", "--steps", "3000"], cwd=self.path, stdout=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        self.assertIn("step 3000:", process.communicate(timeout=60)[0])

    def test_checkpoints_are_written_meanwhile(self):
        for how in (("--save-every", "20"), ("--save-minutes", "0.0005")):
            process = subprocess.Popen([ANNEAL, "train", "mlp", "--steps", "100000000", "--out", "run.ckpt", *how], cwd=self.path,
                                       stdout=subprocess.PIPE, text=True)
            for line in process.stdout:
                if line.startswith("step 1000:"):
                    break
            process.kill()
            process.communicate()
            self.assertIn("checkpoint", self.out("inspect", "run.ckpt"))
            (self.path / "run.ckpt").unlink()
        self.out("train", "mlp", "--steps", "30", "--save-minutes", "0.0000001")  # nowhere to save to
        self.assertFalse((self.path / "mlp.ckpt").exists())

    def test_training_refuses_what_makes_no_sense(self):
        for arguments, message in ((("nanogpt", "--batch", "0"), "--batch"),
                                   (("nanogpt", "--heads", "3"), "does not divide into 3 heads"),
                                   (("nanogpt", "--data", "absent.txt"), "absent.txt"),
                                   (("conv", "--data", "."), "MNIST"),
                                   (("mlp", "--device", "gpu"), "no device 'gpu'"),
                                   (("mlp", "--lr", "1e30", "--steps", "50"), "--nan-trap")):
            self.assertIn(message, self.error("train", *arguments, ANNEAL_OFFLINE="1"))
        (self.path / "short.txt").write_text("abc")
        self.assertIn("too short", self.error("train", "nanogpt", "--data", "short.txt"))

    def test_doctor(self):
        text = self.out("doctor", "--device", "cpu")
        self.assertRegex(text, r"(?m)^cpu .*ok, (\d+) of \1 self-checks$")
        report = json.loads(self.out("doctor", "--device", "loops", "--json"))
        self.assertEqual((report["default"], [d["status"] for d in report["devices"]]), ("cpu", ["ok"]))
        self.assertIn("known: cpu, loops, null", self.error("doctor", "--device", "gpu"))

    def test_stages(self):
        text = self.out("explain", "passes")
        names = ["simplify", "prepare", "indexing", "cascades", "scopes", "kernels", "order", "plan", "loops",
                 "contractions", "render"]
        for name in names:
            self.assertRegex(text, rf"\n  {name} +\w+ -> \w+ ")
        self.assertIn("gives      loops", self.out("explain", "loops"))
        done = self.run_tool("kernels", "mlp", "--train", "--device", "cpu", ANNEAL_DUMP="all", ANNEAL_DEBUG="1")
        for number, name in enumerate(names, 1):
            (file,) = self.path.glob(f"{number:02}-{name}.*")
            self.assertTrue(file.read_text().strip(), name)
            self.assertRegex(done.stderr, rf"(?m)^{name} +[0-9.]+ ms  ")
        self.assertIn("define ", (self.path / "11-render.txt").read_text())

    def write_gpt2(self):
        """A folder "small" with a GPT-2 whose vocabulary was rounded up: 40 ids more than there are tokens."""
        folder = self.path / "small"
        folder.mkdir()
        printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [byte for byte in range(256) if byte not in printable]
        (folder / "vocab.json").write_text(json.dumps({chr(byte if byte in printable else 256 + others.index(byte)): byte
                                                       for byte in range(256)}))
        (folder / "merges.txt").write_text("#version: 0.2\n")
        (folder / "config.json").write_text(json.dumps({"vocab_size": 296, "n_positions": 48, "n_embd": 8, "n_head": 2, "n_layer": 1}))
        random, tensors = Random(1), {}

        def add(name, *shape):
            count = math.prod(shape)
            tensors[name] = ("F32", list(shape), struct.pack(f"<{count}f", *(random.gauss(0, 0.5) for _ in range(count))))
        add("wte.weight", 296, 8)
        add("wpe.weight", 48, 8)
        for name, shape in (("attn.c_attn", (8, 24)), ("attn.c_proj", (8, 8)), ("mlp.c_fc", (8, 32)), ("mlp.c_proj", (32, 8))):
            add(f"h.0.{name}.weight", *shape)
            add(f"h.0.{name}.bias", shape[1])
        for name in ("h.0.ln_1", "h.0.ln_2", "ln_f"):
            add(f"{name}.weight", 8)
            add(f"{name}.bias", 8)
        (folder / "model.safetensors").write_bytes(safetensors(tensors))
        return folder

    def test_gpt2_writes_tokens_alone(self):
        folder = self.write_gpt2()
        sample = ("gpt2", "sample", "--model", "small", "--temperature", "5", "--top-k", "0", "--max-tokens", "40", "--plain")
        for seed in "123":  # one in eight ids has no token
            done = subprocess.run([ANNEAL, *sample, "--seed", seed, "a b"], cwd=self.path, capture_output=True, timeout=120)
            self.assertEqual((done.returncode, done.stdout[:3]), (0, b"a b"), done.stderr)
        done = self.run_tool(*sample, "word " * 20, rc=1)
        self.assertIn("the prompt has 100 tokens, and the model looks at 48 at most", done.stderr)
        self.assertEqual(done.stdout, "")
        (folder / "config.json").unlink()
        self.assertIn("config.json must say how many heads there are", self.error(*sample, "a"))

    def test_gpt2_has_its_size(self):
        nodes = json.loads(self.out("graph", "gpt2", "--train", "--json"))["nodes"]
        params = [n for n in nodes if n["op"] == "param" and n["phase"] == "forward" and n["dtype"] == "f32"]
        self.assertEqual(len(params), 148)

    def test_opt(self):
        text = self.out("opt", "--passes=simplify", "--trace", "--stats", "p.ir")
        self.assertIn("const 7 : i32", text)
        self.assertIn("# simplify add-const-add", text)
        (self.path / "again.ir").write_text(text)
        self.assertEqual(self.out("opt", "--passes=simplify", "again.ir").count("#"), 0)
        plain = self.out("opt", "--passes=none", "p.ir")
        (self.path / "plain.ir").write_text(plain)
        self.assertEqual(self.out("opt", "--passes=none", "plain.ir"), plain)
        self.assertIn("simplify", self.out("opt", "--list"))

    def test_dumps(self):
        done = self.run_tool("opt", "p.ir", ANNEAL_DUMP="all", ANNEAL_DEBUG="1")
        self.assertIn("const 7", (self.path / "01-simplify.ir").read_text())
        self.assertIn("simplify", done.stderr)

    def test_parse_errors_have_a_place(self):
        (self.path / "bad.ir").write_text("%0 = param 0 : f32[2]\n%1 = ad %0, %0 : f32[2]\n")
        self.assertIn("bad.ir:2:", self.error("opt", "bad.ir"))

    def test_interp(self):
        values = struct.pack("<6f", 1, 2, 3, 4, 5, 6)
        (self.path / "in.safetensors").write_bytes(safetensors({"t": ("F32", [2, 3], values)}))
        text = self.out("interp", "p.ir", "--input", "x=in.safetensors:t", "--seed", "1", "--out", "out.safetensors")
        self.assertIn("1: f32[2,1]\n[[ 6.]\n [15.]]", text)
        self.assertTrue((self.path / "out.safetensors").exists())
        self.assertEqual(text, self.out("interp", "p.ir", "--seed", "1", "--input", "0=in.safetensors:t"))
        self.assertIn("nearest is 't'", self.error("interp", "p.ir", "--input", "x=in.safetensors:tt"))
        self.assertIn("no input 'y'", self.error("interp", "p.ir", "--input", "y=in.safetensors:t"))
        self.assertIn("absent.safetensors", self.error("interp", "p.ir", "--input", "x=absent.safetensors:t"))
        self.assertIn("has no data, needs i32[4]", self.error("interp", "p.ir"))

    def test_an_unknown_tensor_of_many(self):
        value = struct.pack("<f", 1)
        (self.path / "many.safetensors").write_bytes(safetensors({f"layer.{i}.weight": ("F32", [1], value) for i in range(50)}))
        text = self.error("interp", "p.ir", "--input", "x=many.safetensors:layer.7.weigth")
        self.assertIn("nearest is 'layer.7.weight'", text)
        self.assertIn("the nearest 10 of 50: layer.7.weight, ", text)
        self.assertEqual(text.count("weight,"), 9)

    def test_interp_refuses_endless_work(self):
        (self.path / "endless.ir").write_text("""\
%0 = const 1 : f32
%1 = expand %0 : f32[1000000,1000000]
%2 = reduce %1, op=add, axes=[0,1] : f32[1,1]
sink %2
""")
        self.assertIn("1e+12 element operations", self.error("interp", "endless.ir"))
        self.assertIn("--force", self.error("interp", "endless.ir"))
        (self.path / "endless_b.ir").write_text("""\
%0 = var "B", min=1, max=100000000 : index
%1 = const 1 : f32
%2 = expand %1 : f32[%0,%0]
%3 = reduce %2, op=add, axes=[0,1] : f32[1,1]
sink %3
""")
        self.assertIn("--force", self.error("interp", "endless_b.ir", "--dim", "B=10000000"))
        self.assertIn("[[16.]]", self.out("interp", "endless_b.ir", "--dim", "B=4", "--force"))

    def test_json(self):
        values = struct.pack("<6f", 1, 2, float("nan"), 4, 5, float("-inf"))
        (self.path / "in.safetensors").write_bytes(safetensors({"t": ("F32", [2, 3], values)}))
        results = json.loads(self.out("interp", "p.ir", "--input", "x=in.safetensors:t", "--seed", "1", "--json"))["results"]
        self.assertEqual((results[0]["dtype"], results[0]["shape"], len(results[0]["values"])), ("i32", [4], 4))
        self.assertEqual(results[1], {"dtype": "f32", "shape": [2, 1], "values": ["nan", "-inf"]})
        done = json.loads(self.out("opt", "--json", "--trace", "p.ir"))
        self.assertIn("const 7 : i32", done["program"])
        self.assertEqual((done["passes"][0]["name"], done["passes"][0]["changed"]), ("simplify", True))
        self.assertEqual(done["passes"][0]["fired"]["add-const-add"], 1)
        self.assertIn("add-const-add", [step["rule"] for step in done["passes"][0]["trace"]])
        small = json.loads(self.out("reduce", "p.ir", "--check", "! grep -q reduce {}", "--json"))
        self.assertEqual((small["failure"], small["nodes_before"]), ("exit code 1", 7))
        self.assertLess(small["nodes_after"], 7)
        self.assertIn("reduce", small["program"])
        for verb in ("interp", "opt", "reduce"):
            self.assertIn("one object", self.out(verb, "--help"))

    def test_interp_with_dimensions(self):
        self.assertIn("f32[1,2]", self.out("interp", "symbolic.ir", "--seed", "3", "--dim", "B=4"))
        self.assertIn("f64[1,2]", self.out("interp", "symbolic.ir", "--seed", "3", "--dim", "B=4", "--f64"))
        self.assertIn("B", self.error("interp", "symbolic.ir", "--seed", "3"))
        self.assertIn("1 to 8", self.error("interp", "symbolic.ir", "--seed", "3", "--dim", "B=9"))
        self.assertIn("NAME=NUMBER", self.error("interp", "symbolic.ir", "--dim", "B"))
        self.assertIn("'Q'", self.error("interp", "symbolic.ir", "--seed", "3", "--dim", "B=4", "--dim", "Q=4"))
        self.assertIn("--seed: -1 is negative", self.error("interp", "symbolic.ir", "--seed", "-1"))
        self.assertIn("--seed: 'x' is no whole number", self.error("interp", "symbolic.ir", "--seed", "x"))

    def test_interp_of_a_kernel(self):
        (self.path / "kernel.ir").write_text(KERNEL)
        self.assertEqual("0: i32[4]\n[3 2 1 0]\n", self.out("interp", "kernel.ir", "--seed", "0"))
        self.assertIn("slot 1: has no data", self.error("interp", "kernel.ir"))
        self.assertIn("store", self.out("explain", "scatter_store"))

    def test_explain(self):
        text = self.out("explain", "Reduce")
        for part in ("gradient", "rules that start at it", "reduce-"):
            self.assertIn(part, text)
        rule = self.out("explain", "add-const-add")
        for part in ("pattern", "written at   src/rules/", "before:", "after:"):
            self.assertIn(part, rule)
        self.assertRegex(self.out("explain", "rules"), r"\n\d+ rules\n$")
        self.assertIn("floordiv", self.out("explain", "ops"))
        self.assertTrue(self.out("explain", "divmod").startswith("divmod: rules\n"))
        self.assertIn("gradients of its operands", self.out("explain", "matmul"))
        self.assertIn("max %0, %1", self.out("explain", "maximum"))
        self.assertIn("gradients of its operands", self.out("explain", "masked_fill"))
        self.assertIn("--passes=simplify", self.out("explain", "simplify"))
        self.assertEqual(json.loads(self.out("explain", "simplify", "--json"))["kind"], "pass")
        self.assertRegex(self.out("explain", "functions"), r"\n\d+ functions\n$")
        self.assertIn("logsumexp\n", self.out("explain", "functions"))
        self.assertIn("Tensor rand(const Sizes& sizes,", self.out("explain", "rand"))
        self.assertIn("in include/anneal/random.h", self.out("explain", "rand"))
        # Rules of any op start at those only that have as many sources.
        self.assertIn("fold-binary", self.out("explain", "mul"))
        for rule in ("fold-unary", "fold-ternary", "fold-random"):
            self.assertNotIn(rule, self.out("explain", "mul"))
        self.assertIn("fold-ternary", self.out("explain", "where"))
        self.assertIn("fold-random", self.out("explain", "threefry"))

    def test_every_function_is_explained(self):
        # Whatever the examples that are made for it come to, what is known is printed.
        functions = json.loads(self.out("explain", "functions", "--json"))
        for name in [f["name"] for f in functions][::6] + ["bitcast", "arange", "split", "categorical", "unbind"]:
            self.assertTrue(self.out("explain", name), name)
        for name in ("var_mean", "kthvalue", "tensordot", "cross_entropy", "sort"):
            self.assertIn("in include/anneal/", self.out("explain", name))
        for name in ("var_mean", "tensordot", "logcumsumexp"):
            self.assertIn("gradients of its operands", self.out("explain", name))

    def test_functions_are_those_of_the_headers(self):
        script = Path(__file__).resolve().parent.parent / "scripts" / "api_functions.py"
        table = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
        self.assertEqual((script.parent.parent / "cli" / "functions.def").read_text(), table,
                         "run scripts/api_functions.py --write")
        names = [f["name"] for f in json.loads(self.out("explain", "functions", "--json"))]
        self.assertEqual(len(names), table.count("ANNEAL_FUNCTION("))
        for name in ("rand", "sum", "cross_entropy", "grad", "tensor", "max", "reshape"):
            self.assertIn(name, names)

    def test_every_rule_and_op_is_explained(self):
        rules = json.loads(self.out("explain", "rules", "--json"))
        self.assertGreater(len(rules), 50)
        for rule in rules:
            self.assertTrue(rule["before"] and rule["after"], rule["name"])
            self.assertNotEqual(rule["before"], rule["after"], rule["name"])
        for rule in rules[::20]:
            self.assertIn(rule["law"], self.out("explain", rule["name"]))
        ops = json.loads(self.out("explain", "ops", "--json"))
        self.assertEqual(len({op["name"] for op in ops}), len(ops))
        for op in ops[::10]:
            self.assertIn(op["meaning"], self.out("explain", op["name"]))
        self.assertIn("reduce", json.loads(self.out("explain", "matmul", "--json"))["forward"])

    # -- Reduce --

    def test_reduce_with_a_command(self):
        text = self.run_tool("reduce", "p.ir", "--check", "! grep -q reduce {}", "--out", "small.ir")
        self.assertRegex(text.stderr, r"7 -> \d nodes")
        small = (self.path / "small.ir").read_text()
        self.assertIn("reduce", small)
        self.assertLessEqual(small.count("\n"), 3)

    def test_reduce_with_simplify(self):
        # Reassociating changes what a sum of floats rounds to.
        (self.path / "round.ir").write_text("""\
%0 = param 0 : f32[5,4]
%1 = const 0.1 : f32
%2 = add %0, %1 : f32[5,4]
%3 = const 1000 : f32
%4 = add %2, %3 : f32[5,4]
%5 = exp %4 : f32[5,4]
%6 = sub %4, %3 : f32[5,4]
sink %5, %6
""")
        done = self.run_tool("reduce", "round.ir", "--check", "simplify", "--allow", "reassociating")
        self.assertIn("simplify changes a value", done.stderr)
        self.assertIn("add", done.stdout)
        self.assertNotIn("exp", done.stdout)

    def test_reduce_wants_a_failure(self):
        self.assertIn("nothing wrong", self.error("reduce", "p.ir", "--check", "simplify"))
        self.assertIn("{}", self.error("reduce", "p.ir", "--check", "false"))

    def test_reduce_knows_what_is_no_failure_of_the_program(self):
        self.assertIn("does not find the command", self.error("reduce", "p.ir", "--check", "no-such-command {}"))
        self.assertIn("cannot execute the command", self.error("reduce", "p.ir", "--check", "./p.ir {}"))
        # A signal is a crash, an exit code is not, however large.
        def failure(check, *more):
            return json.loads(self.out("reduce", "p.ir", "--check", check, "--max-tried", "2", "--json", *more))["failure"]
        self.assertEqual(failure("exit 139 # {}"), "exit code 139")
        self.assertEqual(failure("exit 10 # {}"), "exit code 10")
        self.assertEqual(failure("kill -SEGV $$ # {}"), "crash")
        self.assertEqual(failure("grep -q reduce {} && sleep 60", "--time-limit", "1"), "time limit")

    # -- Models --

    def test_run(self):
        text = self.out("run", "mlp")
        self.assertIn("shape: [64,3]", text)
        self.assertIn("output (first 8 values):", text)
        self.assertEqual(len(json.loads(self.out("run", "conv", "--batch", "2", "--json"))["output"]), 8)
        self.assertIn("--force", self.error("run", "gpt2", ANNEAL_DEVICE="interp"))
        for model in ("mlp", "dynmlp", "conv", "nanogpt"):
            text = self.out("run", model)
            self.assertRegex(text, rf"^model: {model}: .+\nshape: \[[\d,]+\]\noutput \(first 8 values\):( -?\d+\.\d{{6}}){{8}}\n$")
            self.assertEqual([f"{float(v):.3f}" for v in text.split(":")[-1].split()],
                             [f"{float(v):.3f}" for v in self.out("run", model, "--device", "loops").split(":")[-1].split()])
        self.assertIn("'cpu'", self.error("run", "mlp", "--device", "cpuu"))

    def test_train(self):
        lines = [json.loads(line) for line in self.out("train", "mlp", "--steps", "100", "--json").splitlines()]
        losses = [line["loss"] for line in lines[:-1]]
        self.assertGreaterEqual(lines[-1]["counters"]["launches"], 100)
        self.assertGreaterEqual(lines[-1]["counters"]["peak_bytes"], lines[-1]["counters"]["active_bytes"])
        self.assertLess(losses[-1], 0.5 * losses[0])
        text = self.out("train", "nanogpt", "--steps", "2")
        self.assertIn("step 2: loss=", text)
        self.assertRegex(text.splitlines()[-1], r"^\d+ launches in \d+ runs, \d+ kernels compiled; memory: ")

    # -- Where there is too little --

    def limited(self, limits, *args, **env):
        def limit():
            for which, size in limits.items():
                resource.setrlimit(which, (size, size))
        return subprocess.run([ANNEAL, *args], cwd=self.path, env=os.environ | env, capture_output=True, text=True,
                              timeout=120, preexec_fn=limit)

    def test_files_that_may_not_grow_are_a_full_cache(self):
        wanted = self.out("run", "mlp", ANNEAL_CACHE_DIR="off")
        done = self.limited({resource.RLIMIT_FSIZE: 1500}, "run", "mlp", ANNEAL_CACHE_DIR=str(self.path / "small"))
        self.assertEqual((done.returncode, done.stdout), (0, wanted), done.stderr)
        self.assertEqual([p.name for p in (self.path / "small").iterdir() if p.suffix == ".tmp"], [])
        self.assertEqual(self.out("run", "mlp", ANNEAL_CACHE_DIR=str(self.path / "small")), wanted)

    def test_a_cache_of_others_or_damaged(self):
        wanted = self.out("run", "mlp", ANNEAL_CACHE_DIR=str(self.path / "kept"))
        objects = sorted((self.path / "kept").glob("*.o"))
        self.assertGreater(len(objects), 3)
        contents = [p.read_bytes() for p in objects]
        for i, p in enumerate(objects):  # another key's; cut; of something else; one bit
            other = contents[(i + 1) % len(objects)]
            p.write_bytes([other, contents[i][:-9], b"\x7fELF" + bytes(5000), contents[i][:-1] + bytes([contents[i][-1] ^ 1])][i % 4])
        (self.path / "kept" / "journal").write_bytes(bytes(range(256)) * 20)
        self.assertEqual(self.out("run", "mlp", ANNEAL_CACHE_DIR=str(self.path / "kept")), wanted)
        self.assertEqual([p.read_bytes() for p in objects], contents, "made again")

    def test_threads_and_memory(self):
        wanted = self.out("run", "mlp")
        for bad in ("0", "-3", "abc", "2x"):
            self.assertIn("must be a number from 1 up", self.error("run", "mlp", ANNEAL_THREADS=bad))
        self.assertEqual(self.out("run", "mlp", ANNEAL_THREADS="10000"), wanted)
        few = self.error("run", "mlp", ANNEAL_MEMORY_LIMIT="2K")
        self.assertIn("ANNEAL_MEMORY_LIMIT is 2.0 KB. The largest tensors:\n  16.4 KB", few)
        self.assertIn("ANNEAL_MEMORY_LIMIT is 2.5 KB.", self.error("run", "mlp", ANNEAL_MEMORY_LIMIT="2.5K"))
        for enough in ("1T", "1.5G", "512MiB"):
            self.assertEqual(self.out("run", "mlp", ANNEAL_MEMORY_LIMIT=enough), wanted)
        self.assertIn("is no size", self.error("run", "mlp", ANNEAL_MEMORY_LIMIT="lots"))
        for size, shown in (("150M", "150.0 MB"), ("150", "150.0 MB"), ("1.5G", "1.50 GB"), ("1MiB", "1.0 MB")):
            self.assertIn(f" of {shown}\n", self.out("cache", "stats", "--device", "cpu", ANNEAL_CACHE_SIZE=size))

    # -- Files --

    def test_inspect(self):
        values = struct.pack("<20f", 0.1, float("nan"), float("-inf"), *range(17))
        (self.path / "a.safetensors").write_bytes(safetensors({
            "w\x1b": ("F32", [4, 5], values), "flag": ("BOOL", [2], b"\0\1"), "big": ("U64", [1], b"\xff" * 8),
            "half": ("BF16", [], b"\xc0\x3f"), "none": ("F8_E4M3", [0], b"")}))
        lines = self.out("inspect", "a.safetensors").splitlines()
        self.assertEqual(lines[0], "a.safetensors: safetensors, 5 tensors, 92 B")
        self.assertEqual(lines[1].split(), ["name", "dtype", "shape", "bytes"])
        self.assertEqual(lines[2].split(), ["w\\x1b", "f32", "[4,", "5]", "80"])
        lines = [line.strip() for line in self.out("inspect", "a.safetensors", "--values").splitlines()]
        self.assertIn("0.1 nan -inf 0 1 2 3 4 5 6 7 8 9 10 11 12 ...", lines)
        for line in ("false true", "18446744073709551615", "1.5", "(empty)"):
            self.assertIn(line, lines)
        report = json.loads(self.out("inspect", "a.safetensors", "--json", "--values"))
        self.assertEqual((report["kind"], report["bytes"], len(report["tensors"])), ("safetensors", 92, 5))
        self.assertEqual(report["tensors"][2]["values"], [2**64 - 1])
        self.assertEqual(report["tensors"][0]["values"][1:4], ["nan", "-inf", 0.0])

    def test_inspect_other_kinds(self):
        header = b"{'descr': '<i2', 'fortran_order': True, 'shape': (2, 2), }\n"
        (self.path / "a.npy").write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + b"\1\0\2\0\3\0\4\0")
        self.assertEqual(self.out("inspect", "a.npy", "--values").split("\n")[3].split(), ["1", "3", "2", "4"])
        with zipfile.ZipFile(self.path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(self.path / "a.npy", "../../b.npy")
        self.assertIn("../../b", self.out("inspect", "a.npz"))
        (self.path / "labels").write_bytes(gzip.compress(b"\0\0\x08\1\0\0\0\2\7\1"))
        self.assertEqual(json.loads(self.out("inspect", "labels", "--json", "--values"))["tensors"][0]["values"], [7, 1])
        (self.path / "1.safetensors").write_bytes(safetensors({"w": ("U8", [1], b"x")}))
        (self.path / "m.safetensors.index.json").write_text('{"metadata":{"total_size":9},"weight_map":{"w":"1.safetensors"}}')
        self.assertIn("note: the index says total_size 9, but the tensors have 1 bytes", self.out("inspect", "m.safetensors.index.json"))

    def test_inspect_mistakes(self):
        self.assertIn("cannot open", self.error("inspect", "absent.npy"))
        self.assertIn("not a file of tensors", self.error("inspect", "p.ir"))
        self.assertIn("Is a directory", self.error("inspect", "."))
        (self.path / "cut.npy").write_bytes(b"\x93NUMPY\1\0\xff")
        self.assertIn("cut short", self.error("inspect", "cut.npy"))
        (self.path / "o.npy").write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", 56) + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n")
        self.assertIn("Python object", self.error("inspect", "o.npy", "--json"))

    def test_fetch(self):
        cache = {"ANNEAL_CACHE_DIR": str(self.path / "cache"), "ANNEAL_OFFLINE": "1"}
        self.assertIn("tinyshakespeare/input.txt", self.out("fetch", **cache))
        states = {entry["name"]: entry["state"] for entry in json.loads(self.out("fetch", "--json", **cache))}
        self.assertEqual((states["gpt2/vocab.json"], states["gpt2-xl/config.json"]), ("missing", "by hand"))
        error = self.error("fetch", "tinyshakespeare", **cache)
        self.assertIn("ANNEAL_OFFLINE=1: put https://", error)
        self.assertIn(str(self.path / "cache/assets/tinyshakespeare/input.txt"), error)
        self.assertIn("config.json", self.error("fetch", "gpt2-medium/config.json", **cache))
        folder = self.path / "cache/assets/gpt2-medium"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")  # taken as it is: its sum is not known
        self.assertEqual(self.out("fetch", "gpt2-medium/config.json", **cache), f"{folder}/config.json\n")
        (folder / "vocab.json").write_text("{}")
        self.assertIn("is not what was published", self.error("fetch", "gpt2-medium/vocab.json", **cache))
        self.assertIn("nearest is 'gpt2'", self.error("fetch", "gtp2", **cache))
        self.assertIn("ANNEAL_CACHE_DIR is off", self.error("fetch", "gpt2", ANNEAL_CACHE_DIR="off"))
        self.assertIn("0 or 1 fits", self.error("fetch", ANNEAL_OFFLINE="maybe"))

    # -- Reference sets --

    def write_set(self, entries):
        one = struct.pack("<2f", 1, -2)
        (self.path / "set.safetensors").write_bytes(safetensors({
            "a": ("F32", [2], one), "good.gout": ("F32", [2], struct.pack("<2f", 1, 1)),
            "relu": ("F32", [2], struct.pack("<2f", 1, 0)), "slope": ("F32", [2], struct.pack("<2f", 1, 0))}))
        (self.path / "set.json").write_text(json.dumps(entries))

    def test_conform(self):
        good = {"name": "good", "op": "relu", "args": {}, "inputs": ["a"], "out": ["relu"], "grads": ["slope"]}
        wrong = {"name": "wrong", "op": "neg", "args": {}, "inputs": ["a"], "out": ["relu"]}
        unknown = {"name": "unknown", "op": "rleu", "args": {}, "inputs": ["a"], "out": ["relu"]}
        self.write_set([good])
        self.assertEqual(self.out("conform", "set"), "1 passed, 0 failed, 0 skipped\n")
        self.write_set([good, wrong, unknown, 7])
        lines = self.run_tool("conform", "set", rc=1).stdout.splitlines()
        self.assertEqual(len(lines), 4)
        self.assertRegex(lines[0], r"^FAIL wrong \(neg\): out 0: relative error .*, tolerance 2e-05$")
        self.assertIn("the nearest is relu", lines[1])
        self.assertEqual(lines[-1], "1 passed, 3 failed, 0 skipped")
        self.assertEqual(self.out("conform", "set", "--filter", "^goo").splitlines()[-1], "1 passed, 0 failed, 3 skipped")
        report = json.loads(self.run_tool("conform", "set", "--json", rc=1).stdout)
        self.assertEqual((report["passed"], report["failed"], len(report["entries"])), (1, 3, 4))

    def test_conform_refuses_endless_work(self):
        endless = {"name": "endless", "op": "avg_pool2d", "args": {"kernel": 1000000, "padding": 500000}, "inputs": ["image"], "out": ["one"]}
        one = struct.pack("<f", 1)
        (self.path / "set.safetensors").write_bytes(safetensors({"image": ("F32", [1, 1, 1, 1], one), "one": ("F32", [1, 1, 1, 1], one)}))
        (self.path / "set.json").write_text(json.dumps([endless]))
        self.assertIn("element operations", self.run_tool("conform", "set", rc=1).stdout)

    def test_conform_mistakes(self):
        self.write_set([])
        self.assertIn("available devices: cpu", self.error("conform", "set", "--device", "webgpu"))
        self.assertIn("regular expression", self.error("conform", "set", "--filter", "("))
        self.assertIn("absent.json", self.error("conform", "absent"))


if __name__ == "__main__":
    ANNEAL = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
