/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_VALIDATION_H
#define TRANSPORT_VALIDATION_H

#include <stdbool.h>

#include "velocity/env.h"

/*
 * Path validation, RFC 9000 8.2: PATH_CHALLENGEs with unpredictable data, each with other data, until
 * one of them comes back or time is up. It writes no frames and knows no addresses.
 *
 * An answer to a challenge in a datagram of full size proves the path: the peer receives there, and
 * full datagrams fit. An answer to a smaller one, which is all that the credit of a new address may
 * allow, proves the address alone: a second validation with full datagrams has to follow (8.2.1).
 */
enum {
    VEL_CHALLENGE_SIZE = 8,
    VEL_CHALLENGES_KEPT = 4,     /* the newest ones: answers to older ones come too late */
    VEL_VALIDATION_PTO_COUNT = 3 /* RFC 9000 8.2.4 */
};

struct vel_challenge {
    uint8_t data[VEL_CHALLENGE_SIZE];
    bool open; /* sent and not answered */
    bool full; /* its datagram had full size */
};

struct vel_validation {
    struct vel_challenge challenges[VEL_CHALLENGES_KEPT];
    unsigned sent;     /* in all: the newest is sent - 1, modulo VEL_CHALLENGES_KEPT */
    bool running;      /* an answer is wanted */
    bool due;          /* a challenge waits to be sent */
    vel_time pto;      /* when it was started */
    vel_time interval; /* until the next challenge; doubles with each */
    vel_time next;     /* when it is due; VEL_NEVER */
    vel_time deadline; /* failed then; VEL_NEVER while not running */
};

/* Not running. */
void vel_validation_init(struct vel_validation *v);

/* Begin, or begin again: a challenge is due at once. `pto`: the probe time-out of the connection.
 * `now` VEL_NEVER: time is counted from the first challenge on. */
void vel_validation_start(struct vel_validation *v, vel_time pto, vel_time now);
void vel_validation_stop(struct vel_validation *v);

/* A challenge leaves: `data` is drawn and remembered. `full`: its datagram has 1,200 bytes. */
void vel_validation_draw(struct vel_validation *v, const struct vel_env *env, bool full,
                         uint8_t data[VEL_CHALLENGE_SIZE], vel_time now);

/* What a PATH_RESPONSE says of this validation. It stops when the path is proved, and asks for a
 * full challenge when only the address is. */
enum vel_validation_answer { VEL_ANSWER_FOREIGN, VEL_ANSWER_ADDRESS, VEL_ANSWER_PATH };
enum vel_validation_answer vel_validation_on_response(struct vel_validation *v,
                                                      const uint8_t data[VEL_CHALLENGE_SIZE],
                                                      vel_time now);

/* When to call vel_validation_expire; VEL_NEVER: not. */
vel_time vel_validation_deadline(const struct vel_validation *v);
/* True: it failed, and stopped. Else the next challenge may be due now. */
bool vel_validation_expire(struct vel_validation *v, vel_time now);

#endif
