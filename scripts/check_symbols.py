#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fail when a layer's library defines a visible symbol without the prefix vel_.

check_symbols.py BUILD-FOLDER
"""
import pathlib
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])
found, symbols = [], 0
for library in sorted(folder.glob("src/*/libvel_*.a")):
    # gcc's own nm: it also reads objects that hold code for link-time optimisation.
    listing = subprocess.run(["gcc-nm", "--defined-only", "--extern-only", "--format=posix", library],
                             check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        if line and not line.endswith(":"):
            symbols += 1
            name = line.split()[0]
            if not name.startswith("vel_"):
                found.append(f"{library.name}: {name} is visible and does not begin with vel_")
if symbols == 0:
    found.append("no symbols at all: was anything built?")
print("\n".join([*found, f"symbols: {symbols} visible, {len(found)} problems"]))
sys.exit(bool(found))
