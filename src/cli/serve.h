/* SPDX-License-Identifier: MIT */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "cli/command.h"
#include "pki/fallback_reason.h"
#include "velocity/config.h"

/* What `velocity serve` was asked to do: the fields of its option table. */
struct vel_serve_settings {
    const char *root;
    const char *listen;
    struct vel_texts preferred;
    const char *http;               /* NULL: no plain HTTP */
    const char *cert, *key;         /* both or none */
    const char *tls_cert, *tls_key; /* likewise */
    enum vel_client_auth client_auth;
    const char *client_ca;            /* NULL: nobody is authenticated */
    struct vel_profile_list profiles; /* empty: all */
    enum vel_congestion congestion;
    int64_t paths; /* of a connection, at a time */
    enum vel_scheduler scheduler;
    const char *index;
    const char *cache_control;  /* NULL: no such field */
    enum vel_fallback velocity; /* why Velocity/1 is not served; NONE: it is */
    vel_time pin_max_age;       /* whole seconds; 0 clears pins; negative: says nothing */
    vel_time idle_timeout;
    int64_t workers;         /* 0: as many as there are processors */
    int64_t max_connections; /* of UDP, and of TCP */
    int64_t max_per_address; /* of TCP */
    vel_time grace;
    const char *state;    /* NULL: the default */
    const char *qlog_dir; /* NULL: no traces */
    bool retry;
    bool quiet;
    bool log_connections;
    bool log_addresses;
};

/* Serve until a signal; returns the exit status. */
int vel_serve(const struct vel_call *call, const struct vel_serve_settings *settings);

#endif
