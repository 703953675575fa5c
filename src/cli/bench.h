/* SPDX-License-Identifier: MIT */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli/bench_measure.h"
#include "cli/bench_node.h"
#include "cli/bench_relay.h"
#include "cli/command.h"

/*
 * `velocity bench`: a client and a server process on this machine, over loopback, each pinned to a core
 * of its own when there are two, and perhaps a relay between them (bench_relay.h). What they speak on
 * the streams of Velocity/1 is their own (bench_stream.h). Nothing is switched off for speed: every
 * handshake is a whole one, and all bytes are encrypted.
 */
struct vel_bench_settings {
    vel_time time; /* of one round */
    int64_t rounds;
    int64_t streams;     /* at once, in the test with many */
    int64_t connections; /* idle at once */
    enum vel_profile profile;
    enum vel_congestion congestion;
    struct vel_bench_impairment network; /* all 0: no relay */
    struct vel_alpn_list alpn;           /* this and the next two: of a URL */
    const char *cacert;
    bool insecure;
    bool json;
};

enum { BENCH_DATAGRAM = 1200 };

/* What was measured of one test: a sample a round. */
struct vel_bench_row {
    const char *name;                   /* as given on the command line */
    const char *title;                  /* for people */
    struct bench value, client, server; /* the latter two: CPU time; without samples: unknown */
    struct bench arrived;               /* share of datagrams; no samples: not told */
    struct bench tail;                  /* 99th of a hundred requests; no samples: not told */
    uint64_t refused;                   /* requests of a URL, or cut off: not in the figures */
};

enum { BENCH_TESTS = 8 };

/* The server process, for vel_bench_fork. */
void vel_bench_server(struct vel_bench_node *node);

/* Names of the tests in their order; NULL beyond the last. */
const char *vel_bench_test_name(size_t index);

/* The client: run those tests of which `wanted` is true, through address `remote`; progress goes to
 * stderr if that is a terminal. Fills in one row a test, and returns how many. */
size_t vel_bench_tests(struct vel_bench_node *node, const struct vel_bench_settings *settings,
                       const struct vel_addr *remote, const bool wanted[BENCH_TESTS],
                       struct vel_bench_row rows[BENCH_TESTS]);

/* What was measured, when it was not ourselves. */
struct vel_bench_subject {
    const char *url, *protocol, *version; /* vel_attempt_protocol, vel_attempt_version_name */
};

/* `subject` NULL: a client and a server of this program. */
void vel_bench_report_text(const struct vel_bench_settings *settings,
                           const struct vel_bench_subject *subject, struct vel_bench_row *rows,
                           size_t count);
void vel_bench_report_json(const struct vel_bench_settings *settings,
                           const struct vel_bench_subject *subject, struct vel_bench_row *rows,
                           size_t count);

/* Test `done` of `count` begins, on stderr if that is a terminal; title NULL: all are over. */
void vel_bench_show_progress(const char *title, size_t done, size_t count);

#endif
