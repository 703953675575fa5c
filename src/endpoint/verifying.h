/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_VERIFYING_H
#define ENDPOINT_VERIFYING_H

#include <stdbool.h>

#include "velocity/env.h"

/*
 * Connections whose handshake has signatures of the peer to verify: a client's most of all, and a server's when
 * clients prove who they are. That takes longer than all that is done with a packet, and what it answers is not
 * late for anybody, but an acknowledgement that waits for two hundred of them is: the peer sends
 * everything again. So packets are taken in and acknowledged first; these wait in the order in which they came, and
 * one of them has its turn between two looks at what has arrived.
 */
struct vel_endpoint;
struct vel_peer;

/* After anything was done with its connection: if that has signatures to verify, it waits. */
void vel_verifying_note(struct vel_peer *peer);

/* The one that waits longest goes on. */
void vel_verifying_turn(struct vel_endpoint *endpoint, vel_time now);

#endif
