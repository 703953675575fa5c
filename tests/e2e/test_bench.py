# SPDX-License-Identifier: MIT
"""velocity bench: every test runs to its end and says what it measured; no figure is judged."""
import json

import harness
from harness import expect, velocity

QUICK = ("--time", "20ms", "--rounds", "2", "--streams", "20", "--connections", "50")
TESTS = ("download", "upload", "streams", "datagrams", "requests", "latency", "handshakes", "idle")


def measures_everything():
    found = json.loads(velocity("bench", *QUICK, "--json").stdout)
    expect(tuple(found["results"]) == TESTS and found["network"] is None, found)
    for name, result in found["results"].items():
        expect(0 < result["min"] <= result["median"] <= result["max"] or name == "idle", name, result)
        expect(("client_cpu" in result) == (name != "idle"), name, result)
    expect(0 < found["results"]["datagrams"]["arrived"] <= 1.01, found)


def measures_what_is_asked_for():
    text = velocity("bench", *QUICK, "requests", "download", "--profile", "light", "--congestion",
                    "newreno").stdout.decode()
    expect("profile light" in text and "one stream, to the client" in text, text)
    expect("requests of 1 kB, 16 at a time" in text and "datagrams" not in text, text)


def a_network_can_be_bad():
    found = json.loads(velocity("bench", *QUICK, "latency", "download", "datagrams", "--loss", "20%", "--delay",
                                "5ms", "--rate", "50", "--seed", "3", "--json").stdout)
    expect(found["network"] == {"loss": 0.2, "delay_ms": 5, "rate_bit_s": 50000000, "seed": 3}, found)
    expect(found["results"]["latency"]["min"] >= 10000, found)  # microseconds: there and back
    expect(found["results"]["download"]["max"] < 0.05, found)
    expect(found["results"]["datagrams"]["arrived"] < 1, found)


def tells_what_is_wrong():
    for part, *arguments in (("no such test: tcp", "tcp"), ("--loss", "--loss", "51"), ("--loss", "--loss", "x"),
                             ("--congestion", "--congestion", "none"), ("--rounds", "--rounds", "0")):
        result = velocity("bench", *arguments, status=2)
        expect(part in result.stderr.decode(), arguments, result.stderr)


if __name__ == "__main__":
    harness.run(measures_everything, measures_what_is_asked_for, a_network_can_be_bad, tells_what_is_wrong)
