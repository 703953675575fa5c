/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_SIGNING_H
#define ENDPOINT_SIGNING_H

#include <stdbool.h>

#include "endpoint/list.h"
#include "velocity/env.h"

/*
 * Handshakes that wait for the server's signature, which is most of what they cost. While more newcomers
 * wait for their turn (backlog.h) these wait for them, and are then signed together (VEL-HS-49): so the
 * more come at once, the less each costs. When none does, the one that is there is signed at once, in
 * the single form.
 */
struct vel_endpoint;
struct vel_peer;

struct vel_signing {
    struct vel_list peers;
    unsigned count;
    vel_time since; /* the first of them was seen waiting; VEL_NEVER: none was */
};

void vel_signing_init(struct vel_signing *signing);

/* After anything was done with its connection: if that wants a signature, it waits for one. */
void vel_signing_note(struct vel_peer *peer);

/* It is gone, or was given its signature. */
void vel_signing_leave(struct vel_peer *peer);

/* It waits, and says nothing until it can say all: the flight goes out as one. */
bool vel_signing_holds(const struct vel_peer *peer);

/* Sign for all that wait, unless waiting on will make the batch larger. */
void vel_signing_turn(struct vel_endpoint *endpoint, vel_time now);

#endif
