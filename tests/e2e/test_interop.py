# SPDX-License-Identifier: MIT
"""The QUIC interop runner's cases with ours at one end or both, one test a case.

The whole matrix, other people's programs against each other as well: scripts/interop.py.
"""
import dataclasses
import pathlib
import tempfile

import harness
import interop
import peers
from harness import Skip, expect

JOBS = 5
PAIRS = [(client, server) for server in interop.SERVERS for client in interop.CLIENTS
         if "velocity" in (client, server)]
CASES = {case.name: case for case in interop.CASES}
# What a plain handshake must not pass for.
OTHERS = ("longrtt", "chacha20", "retry", "keyupdate", "amplificationlimit", "v2", "rebind-port",
          "rebind-addr", "connectionmigration", "clientmigration")


def the_judge_is_strict():
    """Packaged programs do each case right, and a run without the case's options is refused."""
    plain = CASES["handshake"]
    for name in OTHERS:
        without = dataclasses.replace(
            CASES[name], wire=("delay=5",), sizes=plain.sizes, clients={}, servers={}, long_chain=False)
        folder = BASE / f"strict-{name}"
        try:
            interop.run_cell(without, "gtlsclient", "gtlsserver", MATERIAL, folder)
        except AssertionError:
            continue
        raise AssertionError(f"{name} passes without its options")


def attempt(case, client, server, number):
    folder = BASE / "-".join((case.name, client, server, str(number)))
    try:
        interop.run_cell(case, client, server, MATERIAL, folder)
    except Skip as reason:
        return "-", str(reason)
    except Exception as error:  # the other cells are still worth seeing
        return "F", f"{type(error).__name__}: {error}"
    return "P", ""


def play(case, client, server):
    """(result, reason). Chance may lose all probes of a handshake: such a case has a second go."""
    if reason := interop.lacking(case, client, server):
        return "-", reason
    result, reason = attempt(case, client, server, 1)
    if result == "F" and any(setting.startswith(("drop=", "corrupt=")) for setting in case.wire):
        first = reason
        result, reason = attempt(case, client, server, 2)
        reason = f"{reason} (second go; the first: {first})"
    return result, reason


def test_of(case):
    def test():
        results = [(*pair, *future.result()) for pair, future in FUTURES[case.name].items()]
        for client, server, result, reason in results:
            print(f"# {result} {client} to {server}{': ' if reason else ''}"
                  + reason.replace("\n", "\n# "), flush=True)
        failed = [f"{client} to {server}" for client, server, result, _ in results if result == "F"]
        expect(not failed, "failed:", ", ".join(failed))
        if not any(result == "P" for _, _, result, _ in results):
            raise Skip(results[0][3])
    test.__name__ = case.name
    return test


if __name__ == "__main__":
    if harness.SANITIZED:
        harness.skip_all("the optimised programs play these")
    TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-interop-")
    BASE = pathlib.Path(TEMPORARY.name)
    MATERIAL = interop.Material(BASE)
    for CASE in interop.CASES:
        MATERIAL.site(CASE)
    with peers.at_once(JOBS) as POOL:
        FUTURES = {case.name: {pair: POOL.submit(play, case, *pair) for pair in PAIRS}
                   for case in interop.CASES}
        harness.run(the_judge_is_strict, *(test_of(case) for case in interop.CASES))
