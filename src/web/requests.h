/* SPDX-License-Identifier: MIT */
#ifndef WEB_REQUESTS_H
#define WEB_REQUESTS_H

#include "web/fallback.h"
#include "web/server.h"

/*
 * What a server does with one request, whatever it came on: QUIC (web/server.c) and TCP
 * (web/tcp_server.c) share one of these. The exchange's user pointer is taken.
 */
struct vel_web_requests {
    const struct vel_env *env;
    struct vel_site *site;
    struct vel_web_fallback *fallback; /* NULL: none */
    int64_t unix_offset;
    void (*log)(void *self, const struct vel_web_record *record); /* NULL: none */
    void (*log_connection)(void *self,
                           const struct vel_web_connection *connection); /* NULL: none */
    void *log_self;
    struct vel_web_server_stats stats; /* but for `sessions` */
};

/* The connection of a request. */
struct vel_web_caller {
    struct vel_slice protocol; /* for the log */
    struct vel_web_binding binding;
    struct vel_fields announced; /* on the response; outlives the exchange */
};

/* Answer it. */
void vel_web_request_came(struct vel_web_requests *requests, const struct vel_web_caller *caller,
                          struct vel_exchange *exchange, vel_time now);

/* The same with a redirection to https on `port`, whatever it asks for (RFC 9110 15.4.9). */
void vel_web_request_redirect(struct vel_web_requests *requests,
                              const struct vel_web_caller *caller, struct vel_exchange *exchange,
                              uint16_t port, vel_time now);

/* Its exchange is over: counts and logs. */
void vel_web_request_closed(struct vel_web_requests *requests, const struct vel_web_caller *caller,
                            struct vel_exchange *exchange, const struct vel_exchange_end *end,
                            vel_time now);

#endif
