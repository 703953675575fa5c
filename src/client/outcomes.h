/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_OUTCOMES_H
#define CLIENT_OUTCOMES_H

#include "base/buf.h"
#include "client/ladder.h"
#include "client/url.h"

/*
 * What the ladder remembers of servers, by host and port, between runs: hints that save time, and
 * whether Velocity/1 is to be expected. A file that is lost or cannot be read costs a little time,
 * nothing else; what must not be forgotten is a pin (client/pins.h).
 *
 * As text: a line "velocity-outcomes 1", then a line for each server,
 *     host port used rtt velocity-until  reason at count (of velocity/1)  reason at count (of h3)
 * separated by single spaces; times in unix seconds, the round trip in microseconds, numbers in
 * decimal. 0600, replaced whole; of two programs that write at the same moment one wins.
 */
struct vel_outcomes;

enum {
    VEL_OUTCOMES_MAX = 512, /* servers; the one used longest ago gives way */
    VEL_OUTCOMES_TEXT_MAX = 256 * 1024
};

/* VEL_ERR_NOMEM */
vel_result vel_outcomes_new(const struct vel_env *env, struct vel_outcomes **outcomes);
void vel_outcomes_free(struct vel_outcomes *outcomes); /* NULL is allowed */

/* Zero for a server that is not known. */
struct vel_outcome vel_outcomes_find(const struct vel_outcomes *outcomes, const char *host,
                                     uint16_t port);

/* Hosts as in struct vel_url. */
void vel_outcomes_set(struct vel_outcomes *outcomes, const char *host, uint16_t port,
                      const struct vel_outcome *outcome, int64_t unix_now);

size_t vel_outcomes_count(const struct vel_outcomes *outcomes);

/* VEL_ERR_MALFORMED  not in that form, a server twice, too many of them; as before then */
vel_result vel_outcomes_read(struct vel_outcomes *outcomes, struct vel_slice text);
/* VEL_ERR_NOMEM, VEL_ERR_LIMIT */
vel_result vel_outcomes_write(const struct vel_outcomes *outcomes, struct vel_buf *text);

/* The file. A missing or spoiled one is an empty set; folders that are missing are made.
 * VEL_ERR_NOMEM, VEL_ERR_IO, VEL_ERR_ARGUMENT (path too long) */
vel_result vel_outcomes_load(const char *path, struct vel_outcomes *outcomes);
vel_result vel_outcomes_save(const char *path, const struct vel_env *env,
                             const struct vel_outcomes *outcomes);

#endif
