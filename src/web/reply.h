/* SPDX-License-Identifier: MIT */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include <inttypes.h>

#include "velocity/http.h"

/*
 * The head of a response under construction, on the stack: the fields that every response carries
 * (Date, Server, the security headers) and those that are added. Values are kept by pointer until
 * the reply is sent, except what vel_reply_print makes.
 */
enum { VEL_REPLY_FIELDS = 24, VEL_REPLY_TEXT = 512 };

struct vel_reply {
    struct vel_exchange *exchange;
    bool head_only; /* the method is HEAD: no body is sent */
    struct vel_field fields[VEL_REPLY_FIELDS];
    size_t count;
    char text[VEL_REPLY_TEXT]; /* printed values */
    size_t text_used;
};

/* The fields of every response, errors included, but for its date: also of those that a session gives
 * by itself (vel_http_set_refusal_fields). */
struct vel_fields vel_reply_always(void);

/* Start in place, with the fields of every response and those that the exchange's visit announces
 * (web/visit.h). */
void vel_reply_start(struct vel_reply *reply, struct vel_exchange *exchange, int64_t unix_now);

/* Copy the fields that the server announces on this connection (see web/visit.h); how many. */
size_t vel_reply_announced(const struct vel_exchange *exchange, struct vel_field *fields,
                           size_t room);

/* Start one that is not for an exchange, and without the date: to be prepared. */
void vel_reply_start_undated(struct vel_reply *reply);

/* `value` must live until the reply is sent. */
void vel_reply_add(struct vel_reply *reply, const char *name, const char *value);
void vel_reply_print(struct vel_reply *reply, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Send the head with a body of `size` bytes (NULL or HEAD: only its length is told). Returns the
 * status; 0: it could not be sent and the exchange was cancelled. `done` of the body is always
 * called. */
unsigned vel_reply_send(struct vel_reply *reply, unsigned status, uint64_t size,
                        const struct vel_body_source *body);

/* The same with a body that is there already, whole; `release` is always called, as soon as nobody
 * needs the bytes any more. Not for HEAD. */
unsigned vel_reply_send_bytes(struct vel_reply *reply, unsigned status, struct vel_slice bytes,
                              vel_release_fn release, void *context);

/* Its fields for many responses, see velocity/http.h; `size` is the length of the body.
 * VEL_ERR_NOMEM */
vel_result vel_reply_prepare(struct vel_reply *reply, const struct vel_env *env, uint64_t size,
                             struct vel_prepared **prepared);

/* Send a status that speaks for itself: a line of text as the body. */
unsigned vel_reply_send_error(struct vel_reply *reply, unsigned status);

#endif
