/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CONNECTOR_H
#define CLIENT_CONNECTOR_H

#include "client/attempt.h"
#include "client/ladder.h"

/*
 * Reaches a server by the ladder: runs the attempts that client/ladder.h orders, and ends with one
 * connected session, or with a failure and the trail of what was tried.
 *
 *     vel_connector_new(&setup, now, &connector)
 *     `reached` or `lost`, once, from the loop
 *     the session is vel_connector_attempt: fetch through vel_attempt_client, wake it; `ended` when
 *     its connection is over
 *     vel_connector_free
 */
struct vel_connector;

/*
 * Who decides whether a connection below Velocity/1 may be used (PROTOCOL section 7). It may look
 * at the trail (why is Velocity/1 not used?), at what is remembered, and ask the server over the
 * connection itself. NULL functions: everything is acceptable.
 */
struct vel_acceptor {
    /* `attempt` is connected on a rung below Velocity/1. Answer with vel_connector_accept or
     * vel_connector_refuse, at once or later. */
    void (*check)(void *self, struct vel_connector *connector, struct vel_attempt *attempt,
                  vel_time now);
    /* Its connection ended, or another rung won, before the answer: forget it. Transfers that were
     * started on it have ended or will end with `done` before the attempt is freed. */
    void (*forget)(void *self, struct vel_connector *connector, struct vel_attempt *attempt);
    void *self;
};

struct vel_connector_events {
    void (*reached)(void *self, struct vel_connector *connector, vel_time now);
    /* vel_connector_ladder tells the failure, vel_connector_facts the details of the culprit. */
    void (*lost)(void *self, struct vel_connector *connector, vel_time now);
    /* The connection that was reached is over. */
    void (*ended)(void *self, struct vel_connector *connector, vel_time now);
    /* After each turn of that connection. May be NULL. */
    void (*turned)(void *self, struct vel_connector *connector, vel_time now);
    /* An order of the ladder is about to be obeyed: for --verbose, and the last moment to complete
     * the config for that rung. May be NULL. */
    void (*progress)(void *self, struct vel_connector *connector,
                     const struct vel_ladder_order *order, vel_time now);
    void *self;
};

struct vel_connector_setup {
    struct vel_attempt_setup attempt; /* rung and events are set here */
    struct vel_ladder_setup ladder;
    struct vel_acceptor acceptor;
    struct vel_connector_events events;
};

/* VEL_ERR_NOMEM, VEL_ERR_IO, VEL_ERR_ARGUMENT (no rung is allowed, no address) */
vel_result vel_connector_new(const struct vel_connector_setup *setup, vel_time now,
                             struct vel_connector **connector);

/* Ends all attempts. Not from inside its callbacks. NULL is allowed. */
void vel_connector_free(struct vel_connector *connector);

/* The acceptor's answers. About an attempt that is not being checked, nothing is done. `failure` is
 * VEL_CLIENT_DOWNGRADE or VEL_CLIENT_RECORD; `why` is a constant text for people. */
void vel_connector_accept(struct vel_connector *connector, struct vel_attempt *attempt,
                          vel_time now);
void vel_connector_refuse(struct vel_connector *connector, struct vel_attempt *attempt,
                          enum vel_client_failure failure, const char *why, vel_time now);

const struct vel_ladder *vel_connector_ladder(const struct vel_connector *connector);

/* The attempt that was reached; NULL before, and when the search was lost. */
struct vel_attempt *vel_connector_attempt(struct vel_connector *connector);

/* Of the rung that was reached, or of the culprit when lost; kept when the attempt is gone. */
const struct vel_attempt_facts *vel_connector_facts(const struct vel_connector *connector);

/* What an acceptor said against the connection; NULL: it did not. */
const char *vel_connector_refusal(const struct vel_connector *connector);

#endif
