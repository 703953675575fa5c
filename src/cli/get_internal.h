/* SPDX-License-Identifier: MIT */
#ifndef CLI_GET_INTERNAL_H
#define CLI_GET_INTERNAL_H

#include <jansson.h>
#include <stdio.h>

#include "cli/get.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/state.h"
#include "client/connector.h"
#include "client/exit.h"
#include "client/guard.h"
#include "client/outcomes.h"
#include "client/redirect.h"
#include "sys/address.h"
#include "velocity/qlog.h"
#include "velocity/tls.h"

/*
 * The parts of `velocity client get`:
 *   get.c          what was asked: URLs, body, trust
 *   get_connect.c  one server: reaching it, its fetches, the end
 *   get_state.c    what is remembered between runs
 *   get_headers.c  the header of requests
 *   get_fetch.c    one URL: its request, where its body goes
 *   get_guard.c    what stands between the ladder and a downgrade: pins, the fallback record
 *   get_report.c   what is told about it: --verbose, --json, error messages
 */
struct vel_get;

enum { VEL_GET_HEADERS_MAX = VEL_TEXTS_MAX + 4, VEL_GET_MESSAGE = 512 };

/* One URL. */
struct vel_fetch {
    struct vel_get *get;
    const char *text;              /* as the user gave it */
    struct vel_url url;            /* where it is now; redirections change it */
    const char *method;            /* constant text, or the user's */
    bool waiting;                  /* to be asked for, at the server of `url` */
    bool redirected;               /* the response is a redirection that is followed: no output */
    bool stranded;                 /* it is one that may not be followed: no output either */
    bool no_body;                  /* the method became GET */
    bool left_home;                /* credentials stay behind */
    unsigned hops;                 /* redirections followed */
    char *path;                    /* of the file; NULL: standard output, or nowhere */
    size_t path_size;              /* bytes of `path`, allocated */
    struct vel_output output;      /* open while the body comes */
    struct vel_client *client;     /* of the connection it was started on */
    struct vel_transfer *transfer; /* waits for the output; NULL: none does */
    char length[24];               /* of the request body, as text */
    size_t body_at;                /* bytes of the request body that were handed over */
    uint64_t received;
    bool size_known; /* and added to the progress */
    bool opened;     /* the output was */
    bool done;
    struct vel_transfer_result result;
};

struct vel_get {
    const struct vel_call *call;
    const struct vel_get_settings *settings;
    struct vel_env env;
    struct vel_crypto *crypto;
    struct vel_trust *trust;
    struct vel_identity *identity; /* NULL: no --cert */
    struct vel_tls *tls;
    FILE *key_log;
    struct vel_qlog *qlog; /* NULL: no --qlog-dir */
    struct vel_slice alpn[VEL_ATTEMPT_ALPN_MAX];
    struct vel_config config;
    struct vel_loop *loop;
    struct vel_timer *max_timer;     /* --max-time */
    struct vel_timer *stop_timer;    /* ends the loop of one server */
    struct vel_connector *connector; /* while there is one */
    struct vel_guard *guard;         /* of the last connection */
    bool pinned;                     /* so is the server at hand */
    bool pin_noted;                  /* it said how long it wants to be: pin_max_age, seconds */
    uint32_t pin_max_age;
    bool closing;        /* its fetches are done, or it is over */
    struct vel_buf data; /* request body */
    struct vel_field headers[VEL_GET_HEADERS_MAX];
    struct vel_buf header_names; /* lower case */
    size_t header_count;
    struct vel_fetch *fetches;
    size_t fetch_count;
    size_t answered;               /* fetches that the connection at hand has brought home */
    size_t draining;               /* fetches that are done but for their output */
    struct vel_outcomes *outcomes; /* NULL: nothing is remembered */
    char outcomes_path[VEL_PATH_TEXT];
    int64_t promised_s;    /* for so long the server at hand announced Velocity/1 */
    struct vel_url origin; /* the server at hand: all but `target` is set */
    struct vel_addr addrs[VEL_RESOLVE_MAX];
    size_t addr_count;
    struct vel_progress progress;

    struct vel_attempt_facts facts;        /* of the connection, or of the attempt that failed */
    struct vel_ladder ladder;              /* the trail */
    vel_time started, resolved, connected; /* moments; 0: not reached */
    bool keys_updated;                     /* as --key-update asked */
    bool out_of_time;
    enum vel_exit status;
    char message[VEL_GET_MESSAGE]; /* why, when status is not VEL_EXIT_OK */
};

/* Remember the first failure; later ones are consequences. */
void vel_get_failed(struct vel_get *get, enum vel_exit status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- get.c ---- */

/* Whom to trust in TLS: the certificates of `pem`, or the system's when it is empty. Reading those
 * takes longer than a handshake, so it waits until a rung is tried that needs them. */
vel_result vel_get_prepare_tls(struct vel_get *get, struct vel_slice pem);

/* ---- get_connect.c ---- */

/* Reach the server of get->origin, run every fetch that waits for it, close. What goes wrong is told
 * with vel_get_failed. */
void vel_get_connect(struct vel_get *get);

/* Something ended that the connection may have waited for: stop when nothing is left. */
void vel_get_look(struct vel_get *get);

/* ---- get_guard.c ---- */

/* Before a search: puts a guard between it and its end. Errors are told with vel_get_failed, but for
 * VEL_ERR_NOMEM. */
vel_result vel_get_guard_open(struct vel_get *get, struct vel_connector_setup *setup);
/* A response came: remember what it says about a pin, if that may be believed. */
void vel_get_note_pin(struct vel_get *get, const struct vel_response *response);
/* After the connection: keeps the pin. */
void vel_get_guard_close(struct vel_get *get);

/* What the guard found out about the connection that was reached, or refused; NULL: there was
 * nothing to judge. */
const struct vel_guard_finding *vel_get_finding(const struct vel_get *get);
void vel_report_guard(const struct vel_get *get); /* --verbose */
json_t *vel_get_guard_json(const struct vel_get *get);
/* ---- get_state.c ---- */

/* VEL_ERR_NOMEM */
vel_result vel_get_load_state(struct vel_get *get);
/* What the ladder to get->origin taught. */
void vel_get_save_state(struct vel_get *get);

/* ---- get_headers.c ---- */

/* Take header lines of the settings apart. VEL_ERR_ARGUMENT: told with vel_get_failed. */
vel_result vel_get_prepare_headers(struct vel_get *get);
bool vel_fetch_has_body(const struct vel_fetch *fetch);
/* The fields to send, VEL_GET_HEADERS_MAX + 1 at most; returns how many. */
size_t vel_fetch_fields(struct vel_fetch *fetch, struct vel_field *fields);

/* ---- get_fetch.c ---- */

/* Where the body of a fetch goes. Errors are told with vel_get_failed. */
vel_result vel_fetch_prepare(struct vel_fetch *fetch, const char *text);
/* Errors as vel_client_fetch. */
vel_result vel_fetch_start(struct vel_fetch *fetch, struct vel_client *client, vel_time now);
void vel_fetch_clear(struct vel_fetch *fetch);
bool vel_fetch_is_of(const struct vel_fetch *fetch, const struct vel_url *origin);

/* ---- get_report.c ---- */

void vel_report_order(const struct vel_get *get, const struct vel_ladder_order *order,
                      vel_time now);
void vel_report_connected(const struct vel_get *get);
void vel_report_request(const struct vel_fetch *fetch, struct vel_fields fields);
void vel_report_response(const struct vel_fetch *fetch, const struct vel_response *response);
void vel_report_end(const struct vel_get *get);
void vel_report_json(const struct vel_get *get, FILE *to);
/* Turn what ended the search, or the connection, into the message of vel_get_failed. */
void vel_report_lost(struct vel_get *get, const char *refusal);
void vel_report_close(struct vel_get *get, enum vel_client_failure failure);

#endif
