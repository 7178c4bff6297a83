#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts single tests. Reads a folder with ctest.xml (ctest's JUnit file) and one NAME.xml of GoogleTest for each
test binary, and prints lines for ./dev:
  passed 123
  failed support_test Half.RoundsToEven
  skipped golden_test Golden.B: because
A binary that was killed before it wrote its results counts as one failure.
"""
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count_google_test(name, root, out):
    for case in root.iter("testcase"):
        title = f"{name} {case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        if case.get("status") == "notrun":
            out["skipped"].append(f"{title}: disabled")
        elif case.find("failure") is not None:
            out["failed"].append(title)
        elif skipped is not None:
            # The message is the place in the source, then the reason.
            reason = [line for line in skipped.get("message", "").splitlines() if line.strip()]
            out["skipped"].append(f"{title}: {reason[-1] if reason else 'no reason given'}")
        else:
            out["passed"] += 1


def main(folder):
    out = {"passed": 0, "failed": [], "skipped": []}
    for case in ElementTree.parse(folder / "ctest.xml").getroot().iter("testcase"):
        name, status = case.get("name"), case.get("status")
        results = folder / f"{name}.xml"
        failed_before = len(out["failed"])
        if results.exists() and results.stat().st_size:
            count_google_test(name, ElementTree.parse(results).getroot(), out)
        elif status == "run":
            out["passed"] += 1
        elif status == "disabled":
            out["skipped"].append(f"{name}: disabled")
        if status in ("fail", "notrun") and len(out["failed"]) == failed_before:
            out["failed"].append(name)
    print(f"passed {out['passed']}")
    for word in ("failed", "skipped"):
        for title in out[word]:
            print(word, title)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
