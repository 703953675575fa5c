/* SPDX-License-Identifier: MIT */
#ifndef CLI_BENCH_URL_H
#define CLI_BENCH_URL_H

#include "cli/bench_site.h"

/*
 * `velocity bench URL`: the tests that need nothing of the server but that it answers GET.
 *
 *     download    the resource again and again on one connection; what is under way at the end of a
 *                 round is cut off, so it may be of any size
 *     requests    the same with 16 at a time, each to its end
 *     latency     the same with one at a time
 *     handshakes  new connections, 16 at a time, without requests
 *
 * A server may end a connection after some answers: the next one goes on in its place. An answer of
 * 400 and above ends the program, and so does a server that says nothing for ten seconds, or that refuses
 * all requests of a round. If it refuses some, they stand in their row.
 */

/* Whether a test of that name is one of these. */
bool vel_bench_url_has(const char *name);

/* Run those tests of which `wanted` is true; one row each, *count of them. `facts` are of the first
 * connection. Any error: see site->message. */
vel_result vel_bench_url(struct vel_bench_site *site, const bool wanted[BENCH_TESTS],
                         struct vel_bench_row rows[BENCH_TESTS], size_t *count,
                         struct vel_attempt_facts *facts);

#endif
