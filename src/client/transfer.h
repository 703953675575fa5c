/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_TRANSFER_H
#define CLIENT_TRANSFER_H

#include "velocity/http.h"

/*
 * A client's HTTP requests over one connection, many at a time. The owner of the loop connects,
 * feeds events and time; transfers queue until the connection is there and the server allows them.
 *
 *     vel_client_new; vel_client_fetch, ...             before or after connecting
 *     for each conn of vel_endpoint_next(endpoint)
 *         vel_client_events(client, now);               takes all events of the connection
 *     vel_client_flush(client, now);                    once, before vel_endpoint_send
 *     vel_client_expire(client, now)                    no later than vel_client_deadline
 *     until vel_client_busy is 0 or vel_client_ended; then vel_client_close
 *
 * A session on a byte stream (HTTP/2, HTTP/1.1) belongs to who moves its bytes. He makes it with
 * vel_client_http_events, then says vel_client_attach, and vel_client_detach when it is gone; what
 * the session's events bring is settled in vel_client_flush, which `wake` asks for.
 */
struct vel_client;
struct vel_transfer;

struct vel_client_setup {
    const struct vel_env *env;
    vel_time connect_timeout; /* from vel_client_new to connected; 0: none */
    vel_time total_timeout;   /* of each transfer, from its fetch to its end; 0: none */
    vel_time stall_timeout;   /* a running transfer without a byte either way; 0: none */
    void (*wake)(void *self); /* call vel_client_flush soon, not from here; NULL: it is called after
                                 all events anyway */
    void *self;
};

/* How a transfer or the connection failed, sorted by what a user should be told; the exit status
 * of each stands in client/exit.h. */
enum vel_client_failure {
    VEL_CLIENT_OK,
    VEL_CLIENT_CONNECT,     /* could not connect: refused, unreachable, wrong version */
    VEL_CLIENT_TIMEOUT,     /* connect, total or stall time-out */
    VEL_CLIENT_HANDSHAKE,   /* the handshake failed */
    VEL_CLIENT_CERTIFICATE, /* the server's certificate was refused: see the verdict */
    VEL_CLIENT_PROFILE,     /* no common profile, or the server's policy forbids ours */
    VEL_CLIENT_DOWNGRADE,   /* somebody tried to push us down the ladder */
    VEL_CLIENT_RECORD,      /* the fallback record that must stand in for Velocity/1 is not good */
    VEL_CLIENT_HTTP_STATUS, /* 400 or above; said by callers for whom that is an error */
    VEL_CLIENT_PROTOCOL,    /* HTTP or transport error after connecting */
    VEL_CLIENT_PARTIAL,     /* the response was cut off */
    VEL_CLIENT_EMPTY,       /* no response at all */
    VEL_CLIENT_SEND,        /* the request body could not be read */
    VEL_CLIENT_WRITE,       /* the sink refused bytes */
    VEL_CLIENT_MEMORY
};

/* Moments on the caller's clock; 0 while not reached. */
struct vel_transfer_times {
    vel_time queued;     /* vel_client_fetch */
    vel_time connected;  /* the connection was ready */
    vel_time sent;       /* the request was given to the transport */
    vel_time first_byte; /* head of the response */
    vel_time finished;
};

struct vel_transfer_result {
    enum vel_client_failure failure;
    uint64_t code;   /* HTTP/3 error code of a cut exchange, else 0 */
    unsigned status; /* of the response; 0: none came */
    uint64_t body_received;
    uint64_t body_sent;      /* taken from the body source */
    uint64_t content_length; /* as announced; UINT64_MAX: not */
    struct vel_transfer_times times;
};

/* Where a response goes. Any but `done` may be NULL. */
struct vel_sink {
    void (*head)(void *self, struct vel_transfer *transfer, const struct vel_response *response);
    /* VEL_ERR_AGAIN is not allowed here: use vel_transfer_pause. Another error ends the transfer
     * with VEL_CLIENT_WRITE. */
    vel_result (*body)(void *self, struct vel_transfer *transfer, struct vel_slice bytes);
    /* received so far and in all (UINT64_MAX: unknown); after each body */
    void (*progress)(void *self, uint64_t received, uint64_t total);
    /* Last; the transfer is gone afterwards. */
    void (*done)(void *self, struct vel_transfer *transfer,
                 const struct vel_transfer_result *result);
    void *self;
};

/* VEL_ERR_NOMEM. `conn` comes from vel_endpoint_connect; the client uses vel_conn_set_user. NULL: a
 * session will be attached. */
vel_result vel_client_new(const struct vel_client_setup *setup, struct vel_conn *conn, vel_time now,
                          struct vel_client **client);

/* Ends every transfer (with `done`); does not close the connection. NULL is allowed. An attached
 * session is detached before. */
void vel_client_free(struct vel_client *client);

/* The events that a session to be attached is made with. */
struct vel_http_events vel_client_http_events(struct vel_client *client);

/* The session is connected: transfers may begin. */
void vel_client_attach(struct vel_client *client, struct vel_http *http, vel_time now);

/* The session was freed, or is about to be without any further call; `why` it ended,
 * VEL_CLIENT_OK when that was in order. */
void vel_client_detach(struct vel_client *client, enum vel_client_failure why, vel_time now);

/* Queue a request; it is copied, the body and the sink outlive the transfer. body NULL: none.
 * VEL_ERR_NOMEM; VEL_ERR_CLOSED: the connection is over. */
vel_result vel_client_fetch(struct vel_client *client, const struct vel_request *request,
                            const struct vel_body_source *body, const struct vel_sink *sink,
                            vel_time now);

void vel_client_events(struct vel_client *client, vel_time now);
void vel_client_flush(struct vel_client *client, vel_time now);
vel_time vel_client_deadline(const struct vel_client *client);
void vel_client_expire(struct vel_client *client, vel_time now);

/* Stop showing the body and hold the server back; what arrived is shown when the connection ends,
 * however long that is paused: at most max_stream_data, at most max_data of all transfers. */
void vel_transfer_pause(struct vel_transfer *transfer);
void vel_transfer_resume(struct vel_transfer *transfer);

/* Transfers not done. */
size_t vel_client_busy(const struct vel_client *client);

/* The connection is over. *why tells how: VEL_CLIENT_OK when we closed it ourselves. */
bool vel_client_ended(const struct vel_client *client, enum vel_client_failure *why);

/* The close of the connection as the transport told it; NULL while it is open. */
const struct vel_close *vel_client_close_reason(const struct vel_client *client);

/* Close the connection with H3_NO_ERROR; transfers that run end as VEL_CLIENT_PARTIAL. */
void vel_client_close(struct vel_client *client);

#endif
