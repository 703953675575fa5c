#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the tests: everything by default, stage by stage; the last line is the total.

Test programs print TAP. A program that crashes, runs out of time or stops short of its plan counts
as a failed test, and so does a build that fails.
"""
import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
JOBS = 2
TIME_LIMIT = 600  # seconds for one test program
BUILD_LIMIT = 1800
REASON_LINES = 30  # of a failed test's output, in the last lines of a run
LINE_LIMIT = 500
FUZZ_SECONDS = int(os.environ.get("VELOCITY_FUZZ_SECONDS", "300"))

SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}


@dataclasses.dataclass
class Program:
    name: str
    command: list
    env: dict = dataclasses.field(default_factory=dict)
    tap: bool = True  # else the exit status is the one result
    limit: int = TIME_LIMIT


@dataclasses.dataclass
class Result:
    passed: int = 0
    failed: int = 0
    skips: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)  # why a program failed beyond its TAP
    output: str = ""
    seconds: float = 0.0


TAP_LINE = re.compile(r"^(not )?ok\b(?:\s+\d+)?(?:\s*-)?\s*(.*)$")
TAP_PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*(.*))?$")
TAP_SKIP = re.compile(r"#\s*skip(?:ped)?\b:?\s*(.*)$", re.IGNORECASE)


def reasons(result):
    """The lines that say why a program failed: what each failed test printed, and how the program ended."""
    lines = [line[:LINE_LIMIT] for line in result.output.rstrip().splitlines()]
    found, said, failed = [], [], False
    for line in [*lines, "ok"]:
        if match := TAP_LINE.match(line):
            if failed:
                found += said[-REASON_LINES:]
                said = []
            failed = bool(match[1]) and not TAP_SKIP.search(line)
            said = [*said, line] if failed else []
        else:
            said.append(line)
    if result.notes or not found:
        found += [line for line in lines[-REASON_LINES:] if line not in found]
    return [*found, *(f"# {note}" for note in result.notes)]


class Report:
    """Counts, one line per program as it ends, and at the very end why programs failed."""

    def __init__(self):
        self.passed = self.failed = 0
        self.skips = []
        self.failures = []
        self.lock = threading.Lock()

    def stage(self, name):
        print(f"== {name}", flush=True)

    def add(self, name, result):
        with self.lock:
            self.passed += result.passed
            self.failed += result.failed
            self.skips += [f"{name}: {reason}" for reason in result.skips]
            counts = f"{result.passed} ok"
            if result.failed:
                counts += f", {result.failed} FAILED"
                self.failures.append((name, reasons(result)))
            if result.skips:
                counts += f", {len(result.skips)} skipped"
            print(f"{name:<44} {counts:<28} {result.seconds:7.1f} s", flush=True)
            if result.failed:
                text = result.output.rstrip().splitlines()[-200:] + [f"# {n}" for n in result.notes]
                print("\n".join("    | " + line for line in text), flush=True)

    def finish(self):
        if self.skips:
            print("skipped:")
        for skip in self.skips:
            print(f"  {skip}")
        if self.failures:
            print("failed:")
        for name, why in self.failures:
            print("\n    | ".join([f"  {name}", *why]))
        print(f"{self.passed} passed, {self.failed} failed, {len(self.skips)} skipped", flush=True)
        return 1 if self.failed else 0


def read_tap(output, result):
    """Fill the counts of `result`. A program may hold several groups, each with a plan of its own."""
    planned, seen, plans = 0, 0, 0
    for line in output.splitlines():
        plan = TAP_PLAN.match(line)
        if plan:
            plans += 1
            planned += int(plan[1])
            if plan[1] == "0":
                skip = TAP_SKIP.search(line)
                result.skips.append(skip[1] if skip and skip[1] else "no reason given")
            continue
        match = TAP_LINE.match(line)
        if not match:
            continue
        seen += 1
        skip = TAP_SKIP.search(match[2])
        if skip:
            # cmocka writes "not ok 3 # SKIP name"; ours write "ok 3 - name # SKIP reason".
            what = match[2][:skip.start()].strip()
            result.skips.append(": ".join(part for part in (what, skip[1].strip()) if part))
        elif match[1]:
            result.failed += 1
        else:
            result.passed += 1
    if plans == 0:
        result.notes.append("no plan (1..N) in the output")
    elif seen != planned:
        result.notes.append(f"{planned} tests planned, {seen} reported")


def stop_group(process):
    """End the process group that `process` leads; it was started with a session of its own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            pass


running = set()  # processes, each with a session of its own: no signal of the terminal reaches them


def end_at_once(number, _frame):
    for process in list(running):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    os._exit(128 + number)


def run(program):
    result = Result()
    started = time.monotonic()
    timed_out = False
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            program.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, **SANITIZER_ENV, **program.env})
        running.add(process)
        try:
            status = process.wait(program.limit)
        except subprocess.TimeoutExpired:
            timed_out = True
            status = None
        finally:
            stop_group(process)  # also what the program left behind
            running.discard(process)
        output.seek(0)
        result.output = output.read().decode(errors="replace")
    result.seconds = time.monotonic() - started

    if program.tap:
        read_tap(result.output, result)
    elif status == 0:
        result.passed = 1
    if timed_out:
        result.notes.append(f"ended after {program.limit} s")
    elif status < 0:
        result.notes.append(f"killed by {signal.Signals(-status).name}")
    elif status != 0 and result.failed == 0:
        result.notes.append(f"exit status {status}")
    if result.notes:
        result.failed += 1
    return result


def run_all(report, programs, jobs=JOBS):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(run, program): program for program in programs}
        for future in concurrent.futures.as_completed(futures):
            report.add(futures[future].name, future.result())


def check(name, *command, limit=BUILD_LIMIT):
    return Program(name, [str(part) for part in command], tap=False, limit=limit)


def build(report, preset):
    """Configure and build a preset; True when the programs are there."""
    configure = run(check(f"{preset} configure", "cmake", "--preset", preset))
    if configure.failed:
        report.add(f"{preset} configure", configure)
        return False
    result = run(check(f"{preset} build", "cmake", "--build", BUILD / preset, "--", "-k", "0", "--quiet"))
    report.add(f"{preset} build", result)
    return result.failed == 0


def ctest_programs(preset):
    """The test programs that CMake knows of, with their labels."""
    listing = subprocess.run(["ctest", "--show-only=json-v1"], cwd=BUILD / preset, check=True,
                             capture_output=True, text=True).stdout
    for test in json.loads(listing)["tests"]:
        if "command" in test:
            yield test["name"], test["command"]


# ---- stages -----------------------------------------------------------------------------------


def stage_checks(report, options):
    run_all(report, [p for p in (
        check("format", "scripts/check_format.sh"),
        check("layers", "scripts/check_layers.py"),
        check("requirements", "scripts/check_requirements.py"),
    ) if options.filter.search(p.name)])


def run_unit(report, options, preset, env=None, limit=TIME_LIMIT):
    tap = {"CMOCKA_MESSAGE_OUTPUT": "TAP", "VELOCITY_PRESET": preset, **(env or {})}
    programs = [Program(f"{preset} {name}", command, tap, limit=limit)
                for name, command in ctest_programs(preset) if options.filter.search(name)]
    if not programs:
        print("no test programs match")
    run_all(report, programs)


def fetch_peers():
    """Unpack other people's programs while the builds run: returns what waits for the end of it."""
    process = subprocess.Popen(["scripts/peers.sh"], cwd=ROOT, stdin=subprocess.DEVNULL,
                               start_new_session=True)
    running.add(process)

    def wait():
        if process.wait() != 0:
            print("scripts/peers.sh failed: tests with peers that it lacks are skipped", flush=True)
        running.discard(process)
    return wait


def run_e2e(report, options, preset):
    """Real programs over real sockets. Scripts find the programs in $VELOCITY_BIN."""
    options.wait_for_peers()
    folder = ROOT / "tests" / "e2e"
    env = {"VELOCITY_BIN": str(BUILD / preset / "bin"), "VELOCITY_PRESET": preset}
    scripts = sorted([*folder.glob("test_*.sh"), *folder.glob("test_*.py")])
    programs = []
    for script in scripts:
        name = "e2e/" + script.stem.removeprefix("test_")
        if options.filter.search(name):
            shell = sys.executable if script.suffix == ".py" else "bash"
            programs.append(Program(f"{preset} {name}", [shell, str(script)], env))
    run_all(report, programs)


def stage_dev(report, options):
    if build(report, options.preset or "dev"):
        run_unit(report, options, options.preset or "dev")


def stage_clang(report, options):
    build(report, "clang")


def stage_asan(report, options):
    if build(report, "asan"):
        run_unit(report, options, "asan")
        run_e2e(report, options, "asan")


def stage_release(report, options):
    preset = options.preset or "release"
    if build(report, preset):
        report.add("symbols", run(check("symbols", "scripts/check_symbols.py", BUILD / preset)))
        run_e2e(report, options, preset)


def fuzz_program(name, command, seconds):
    short = name.removeprefix("fuzz/")
    found = BUILD / "fuzz" / "findings"
    grown = BUILD / "fuzz" / "corpus" / short
    stored = ROOT / "fuzz" / "corpus" / short
    found.mkdir(parents=True, exist_ok=True)
    grown.mkdir(parents=True, exist_ok=True)
    corpus = [str(grown), *([str(stored)] if stored.is_dir() else [])]
    flags = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048",
             "-print_final_stats=1", f"-artifact_prefix={found}/{short}-"]
    return Program(name, [command[0], *flags, *corpus], tap=False, limit=seconds + 120)


def stage_fuzz(report, options):
    if not build(report, "fuzz"):
        return
    targets = [(n, c) for n, c in ctest_programs("fuzz") if options.filter.search(n)]
    if targets:
        rounds = (len(targets) + JOBS - 1) // JOBS
        seconds = max(5, FUZZ_SECONDS // rounds)
        print(f"{len(targets)} targets, {seconds} s each, {JOBS} at a time")
        run_all(report, [fuzz_program(name, command, seconds) for name, command in targets])


def stage_soak(report, options):
    """The same tests over VELOCITY_SOAK times as many seeds, optimised; not part of the default."""
    preset = options.preset or "release"
    if build(report, preset):
        factor = os.environ.get("VELOCITY_SOAK", "20")
        options.filter = re.compile("^sim/") if options.filter.pattern == "" else options.filter
        run_unit(report, options, preset, {"VELOCITY_SOAK": factor}, limit=4 * 3600)


# name: what it runs, whether the default run includes it
STAGES = {
    "checks":  (stage_checks,  True,  "format, layers, requirements"),
    "dev":     (stage_dev,     True,  "build with gcc; unit, vector and simulation tests"),
    "clang":   (stage_clang,   False, "build with clang as it is; asan and fuzz give the same warnings"),
    "asan":    (stage_asan,    True,  "clang: the same tests and the end-to-end ones, ASan and UBSan"),
    "release": (stage_release, True,  "hardened build; symbols; end-to-end tests"),
    "fuzz":    (stage_fuzz,    True,  "every fuzz target, VELOCITY_FUZZ_SECONDS in total"),
    "soak":    (stage_soak,    False, "simulation with VELOCITY_SOAK times the seeds"),
}


def main():
    stages = "\n".join(f"  {name:<8} {what}" for name, (_, _, what) in STAGES.items())
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"stages:\n{stages}",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="STAGE", action="append", choices=STAGES,
                        help="run this stage (may be repeated)")
    parser.add_argument("--preset", help="for stages dev, release and soak: build this preset")
    parser.add_argument("--filter", metavar="REGEX", type=re.compile, default=re.compile(""),
                        help="only programs whose name (layer/test) matches")
    options = parser.parse_args()

    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, end_at_once)
    report = Report()
    spent = {}
    started = time.monotonic()
    chosen = [name for name, (_, by_default, _) in STAGES.items()
              if (name in options.only if options.only else by_default)]
    if {"asan", "release"}.intersection(chosen):
        options.wait_for_peers = fetch_peers()
    for name in chosen:
        stage, _, what = STAGES[name]
        report.stage(f"{name}: {what}")
        began = time.monotonic()
        stage(report, options)
        spent[name] = time.monotonic() - began
    print(f"== {', '.join(f'{name} {seconds:.0f} s' for name, seconds in spent.items())}"
          f"; in all {time.monotonic() - started:.0f} s")
    return report.finish()


sys.exit(main())
