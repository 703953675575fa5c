#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fail unless every requirement id of the specification is cited in the code and in a test."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ID = re.compile(r"\bVEL-[A-Z]{2,4}-\d{2,3}\b")


def cited(*patterns):
    """{id: first place} over the files that match."""
    places = {}
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file():
                text = path.read_text(errors="replace")
                for number, line in enumerate(text.splitlines(), 1):
                    for match in ID.findall(line):
                        places.setdefault(match, f"{path.relative_to(ROOT)}:{number}")
    return places


defined = cited("spec/**/*.md")
code = cited("src/**/*.[ch]", "include/**/*.h")
tests = cited("tests/**/*.[ch]", "tests/**/*.py", "tests/**/*.sh", "fuzz/**/*.[ch]")

found = []
for requirement, place in sorted(defined.items()):
    for kind, places in (("code", code), ("test", tests)):
        if requirement not in places:
            found.append(f"{place}: {requirement} is cited in no {kind}")
for requirement, place in sorted({**tests, **code}.items()):
    if requirement not in defined:
        found.append(f"{place}: {requirement} is not in spec/")

print("\n".join([*found, f"requirements: {len(defined)} ids, {len(found)} problems"]))
sys.exit(bool(found))
