/* SPDX-License-Identifier: MIT */
#ifndef BENCH_VISITORS_H
#define BENCH_VISITORS_H

#include "cli/bench_node.h"

/*
 * The client of a benchmark whose server sees many connections come: each visitor opens one, asks for the
 * page (page.h) over HTTP/3, and stays, or leaves when it has it. So many do that at a time. Whatever goes
 * wrong ends the program with a message.
 */
struct visitors {
    struct vel_bench_node *node;
    uint64_t together; /* handshakes under way at a time, or connections when they do not stay */
    bool ask;          /* for the page; false: connect only */
    bool stay;         /* until visitors_leave */
    vel_time settle;   /* how long to be quiet when all are there, or gone */
    /* Its own: */
    struct vel_addr remote;
    struct vel_timer *timer, *leave_timer;
    uint64_t goal; /* to come, in all */
    uint64_t started, ready, gone;
    struct visitor *first; /* of those who stay */
    bool leaving;
};

/* The fields above "its own" are set; the server's first word is heard. */
void visitors_open(struct visitors *self);
void visitors_close(struct visitors *self);

/* So many come. Returns when all of them are ready, or, unless they stay, gone, and the time of quiet is
 * over. */
void visitors_come(struct visitors *self, uint64_t count);

/* All that stayed leave. Returns when they are gone, and twice the time of quiet is over: a server is
 * drained after three probe time-outs, and gives back a second later. */
void visitors_leave(struct visitors *self);

#endif
