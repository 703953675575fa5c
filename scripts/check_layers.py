#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fail when a source file includes or calls what its layer may not (see src/LAYERS)."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')

# Angle-bracket headers that any layer may include: C without an operating system behind it.
PLAIN = {
    "assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h",
    "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h",
    "stdlib.h", "stdnoreturn.h", "string.h",
}

# Headers of libraries, and the layers that use the library. Whatever is neither here nor in PLAIN
# is a header of the operating system.
LIBRARIES = [
    (re.compile(r"openssl/"), {"crypto", "pki", "handshake", "links"}),
    (re.compile(r"intel-ipsec-mb\.h"), {"crypto"}),
    (re.compile(r"nghttp[23]/"), {"http"}),
    (re.compile(r"llhttp\.h"), {"http"}),
    (re.compile(r"jansson\.h"), {"client", "web", "cli"}),
    (re.compile(r"uv\.h"), {"sys", "links", "cli"}),
    (re.compile(r"(immintrin|x86intrin|arm_neon)\.h"), {"base", "crypto", "transport"}),
]
OS_LAYERS = {"sys", "links", "cli"}

# Calls that are not used, except in the layers named: (functions, layers, what to use).
NOWHERE = set()
BANNED = [
    ("strcpy strcat strncpy strncat stpcpy sprintf vsprintf gets", NOWHERE,
     "a vel_writer, or snprintf"),
    ("strtok strtok_r atoi atol atoll atof", NOWHERE, "a vel_reader"),
    ("alloca", NOWHERE, "a fixed array or a vel_buf"),
    ("malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf aligned_alloc"
     " posix_memalign", {"sys"}, "struct vel_env"),
    ("rand srand random srandom arc4random getrandom getentropy time clock_gettime gettimeofday"
     " localtime gmtime", {"sys"}, "struct vel_env, or `now` as an argument"),
]
CALLS = [
    (re.compile(r"(?<![\w.>])(" + "|".join(names.split()) + r")\s*\("), layers, instead)
    for names, layers, instead in BANNED
]
# Comments and literals, which may say anything. Newlines stay, so that line numbers do.
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|' + r"'(?:\\.|[^'\\\n])*'", re.DOTALL)


def read_layers():
    allowed = {}
    for line in (SRC / "LAYERS").read_text().splitlines():
        name, colon, uses = line.split("#")[0].partition(":")
        if not colon:
            continue
        for used in uses.split():
            if used not in allowed:
                sys.exit(f"LAYERS: '{name}' uses '{used}', which is not listed above it")
        allowed[name.strip()] = {name.strip(), *uses.split()}
    return allowed


def quoted_problem(layer, text, allowed):
    target = pathlib.PurePath(text)
    if target.parts[0] == "velocity":
        return None
    if layer == "velocity":
        return f"a public header may not include {target}"
    if len(target.parts) < 2:
        return f'write the include from src/, as "{layer}/{target}"'
    if target.parts[0] not in allowed[layer]:
        return f"{layer} may not include {target}"
    if target.stem.endswith("_internal") and target.parts[0] != layer:
        return f"{target} is private to {target.parts[0]}"
    return None


def angle_problem(layer, header):
    if header in PLAIN:
        return None
    for pattern, layers in LIBRARIES:
        if pattern.match(header):
            return None if layer in layers else f"only {' '.join(sorted(layers))} may use <{header}>"
    if layer not in OS_LAYERS:
        return f"<{header}> is an OS header: only {' '.join(sorted(OS_LAYERS))} may use it"
    return None


def call_problems(layer, text):
    code = NOT_CODE.sub(lambda m: "\n" * m[0].count("\n") or " ", text)
    for number, line in enumerate(code.splitlines(), 1):
        for pattern, layers, instead in CALLS:
            match = pattern.search(line)
            if match and layer not in layers:
                yield number, f"{match[1]}() is not used here: use {instead}"


def file_problems(layer, text, allowed):
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            problem = (quoted_problem(layer, match[1], allowed) if match[1]
                       else angle_problem(layer, match[2]))
            if problem:
                yield number, problem
    yield from call_problems(layer, text)


def problems(allowed):
    for top in (SRC, ROOT / "include"):
        for path in sorted(top.rglob("*.[ch]")):
            layer = path.relative_to(top).parts[0]
            name = path.relative_to(ROOT)
            if layer not in allowed and layer != "velocity":
                yield f"{name}: layer '{layer}' is not listed in src/LAYERS"
                continue
            for number, problem in file_problems(layer, path.read_text(), allowed):
                yield f"{name}:{number}: {problem}"


found = list(problems(read_layers()))
print("\n".join(found) or "layers: clean")
sys.exit(bool(found))
