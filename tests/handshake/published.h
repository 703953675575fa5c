/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HANDSHAKE_PUBLISHED_H
#define TESTS_HANDSHAKE_PUBLISHED_H

#include "base/buf.h"
#include "handshake/pair.h"

/*
 * A whole handshake from seeds, as text: everything that an implementer needs to replay either end
 * and every value on the way (spec/transcripts/). The same call makes the files and the test's
 * expectation.
 */
struct transcript_plan {
    const char *name;    /* of the file, and in the seeds */
    const char *kind;    /* both certificates: label of a signature suite */
    const char *offered; /* client's profiles */
    const char *permit;  /* server's profiles */
    enum vel_client_auth client_auth;
};

enum { TRANSCRIPT_COUNT = 3 };
extern const struct transcript_plan transcript_plans[TRANSCRIPT_COUNT];

/* Append the text to `out`; fails the test when the handshake does not complete.
 * published: an earlier text whose certificate and keys to use again; NULL: issue them. */
void transcript_write(const struct transcript_plan *plan, const char *published,
                      struct vel_buf *out);

#endif
