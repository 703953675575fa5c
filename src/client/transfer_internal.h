/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_TRANSFER_INTERNAL_H
#define CLIENT_TRANSFER_INTERNAL_H

#include "client/transfer.h"

/* client.c keeps the connection and the queue; transfer.c one request with its response. */

enum vel_transfer_state {
    VEL_TRANSFER_QUEUED,  /* waits for the connection or for room */
    VEL_TRANSFER_RUNNING, /* has an exchange */
    VEL_TRANSFER_OVER     /* told at the next settling, freed when the session lets go of it */
};

struct vel_transfer {
    struct vel_client *client;
    struct vel_transfer *next;
    enum vel_transfer_state state;
    struct vel_exchange *exchange; /* NULL unless it is open */
    struct vel_request request;    /* points into `copy` */
    uint8_t *copy;
    size_t copy_size;
    struct vel_body_source body;
    bool has_body;
    bool body_failed;
    bool lent; /* the session has the body source and was not done with it */
    bool told; /* `done` was called; it stays while the session holds it */
    struct vel_sink sink;
    struct vel_transfer_result result;
    vel_time active; /* last byte either way */
};

struct vel_client {
    struct vel_client_setup setup;
    struct vel_conn *conn;          /* NULL once it is over, and when the session is borrowed */
    struct vel_http *http;          /* NULL until connected */
    bool borrowed;                  /* the session is another's: vel_client_attach */
    struct vel_transfer *transfers; /* in the order of their fetch */
    struct vel_transfer *leaving;   /* told, and still held by the session */
    size_t busy;
    vel_time start, connected, now;
    bool ended;
    bool dirty;        /* something to write that no event tells of */
    bool start_queued; /* room for queued transfers may have come */
    enum vel_client_failure why;
    struct vel_close close;
    bool has_close;
};

/* Something happened inside a callback of the session: settle soon. */
void vel_client_stir(struct vel_client *client);

/* VEL_ERR_NOMEM */
vel_result vel_transfer_new(struct vel_client *client, const struct vel_request *request,
                            const struct vel_body_source *body, const struct vel_sink *sink,
                            struct vel_transfer **transfer);
void vel_transfer_free(struct vel_transfer *transfer);

/* The session has its exchange or its body source. */
bool vel_transfer_is_held(const struct vel_transfer *transfer);

/* Ask for it. VEL_ERR_AGAIN: later; other errors: it is over. */
vel_result vel_transfer_start(struct vel_transfer *transfer);

/* Over, for this reason unless one is known; gives up its exchange. */
void vel_transfer_finish(struct vel_transfer *transfer, enum vel_client_failure failure);

/* When it is too late for it; VEL_NEVER. */
vel_time vel_transfer_deadline(const struct vel_transfer *transfer);

#endif
