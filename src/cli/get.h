/* SPDX-License-Identifier: MIT */
#ifndef CLI_GET_H
#define CLI_GET_H

#include "cli/command.h"
#include "velocity/config.h"

/* What `velocity client get` was asked to do: the fields of its option table. */
struct vel_get_settings {
    struct vel_alpn_list alpn;
    bool no_fallback;
    bool no_state;      /* neither read nor write what is remembered of servers */
    bool location;      /* follow redirections */
    int64_t max_redirs; /* of one URL; negative: any number */
    const char *cacert;
    const char *cert, *key; /* our own, both or none */
    bool insecure;
    const char *tls13_ciphers; /* NULL: the default */
    vel_time key_update;       /* after the handshake; 0: when keys have served long enough */
    vel_time migrate;          /* after the handshake; 0: not */
    const char *pins;          /* file of continuity pins; NULL: the default */
    const char *output;        /* "-" or NULL: the standard output */
    const char *output_dir;    /* NULL: none */
    bool head;
    const char *request; /* method; NULL: GET, HEAD or POST */
    struct vel_texts data;
    struct vel_texts headers;
    struct vel_profile_list profiles;
    enum vel_congestion congestion;
    struct vel_local_list
        locals; /* addresses of ours to use over UDP; empty: the system's choice */
    enum vel_scheduler scheduler;
    bool fail;
    bool verbose;
    bool json;
    bool progress;
    const char *qlog_dir;     /* NULL: no traces */
    vel_time connect_timeout; /* 0: none */
    vel_time max_time;        /* 0: none */
};

/* Fetch the URLs of call->arguments; returns the exit status (client/exit.h). */
int vel_get(const struct vel_call *call, const struct vel_get_settings *settings);

#endif
