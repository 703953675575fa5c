/* SPDX-License-Identifier: MIT */
#ifndef CLI_BENCH_RUN_H
#define CLI_BENCH_RUN_H

#include "cli/bench_site.h"
#include "cli/bench_spread.h"

/*
 * A round of `velocity bench URL`: requests on one connection, or new connections, so many at a time
 * until time is up. A connection that the server ends is replaced; a server that says nothing for ten
 * seconds, ends connection after connection without an answer, or answers nothing in a round, fails the
 * run. A request that is refused or cut off while others are answered is counted; what a server turns away
 * since it ends the connection is no such request.
 */
enum { VEL_BENCH_TOGETHER = 16 /* requests, or handshakes, under way at a time */ };

struct vel_bench_run;

/* A new connection of the test of handshakes. */
struct vel_bench_visitor {
    struct vel_bench_run *run;
    struct vel_connector *connector; /* NULL: none */
    bool over;                       /* it may be freed: not from its own callbacks */
};

struct vel_bench_run {
    struct vel_bench_site *site;
    const struct vel_bench_settings *settings;
    struct vel_timer *chores; /* what callbacks leave undone */
    struct vel_timer *limit;  /* of the server's silence */
    bool failed;
    /* The connection of all tests but that of handshakes: */
    struct vel_connector *connector;
    struct vel_attempt_facts facts; /* of the first */
    bool connected;
    bool over; /* it is to be replaced */
    unsigned barren;
    uint64_t
        turned_away; /* requests, so far: the next connection may take them, or they are refused */
    /* Of the round that runs: */
    vel_time until;
    unsigned together, active;
    bool cut; /* what is under way when time is up */
    uint64_t answered, received;
    uint64_t refused;                /* requests, or cut off */
    vel_time asked;                  /* the last of them */
    struct vel_bench_spread *spread; /* of the times of requests, one at a time; NULL: not wanted */
    bool connecting;                 /* a round of handshakes */
    uint64_t connections;
    struct vel_bench_visitor visitors[VEL_BENCH_TOGETHER];
};

/* What a round took. */
struct vel_bench_spent {
    double seconds, cpu;
};

/* In place. Connects; run->failed: see the site's message. Clear it all the same. */
void vel_bench_run_open(struct vel_bench_run *run, struct vel_bench_site *site);
void vel_bench_run_clear(struct vel_bench_run *run);

/* One of settings->time, by what stands in `together`, `cut`, `spread` and `connecting`. */
struct vel_bench_spent vel_bench_run_round(struct vel_bench_run *run);

#endif
