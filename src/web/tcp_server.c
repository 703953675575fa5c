/* SPDX-License-Identifier: MIT */
#include "web/tcp_server.h"

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "endpoint/keyed_hash.h"
#include "endpoint/limits.h"
#include "runtime/http_link.h"
#include "sys/fd.h"
#include "sys/tcp.h"
#include "transport/error.h"
#include "velocity/log.h"
#include "velocity/system.h"
#include "web/reply.h"

enum { ACCEPTS_A_TURN = 32 };

#define BREATH (100 * MS) /* before accepting again, when descriptors or memory ran out */

/* In one of two lists, oldest first: handshakes under way, and those with HTTP on them. */
struct guest {
    struct vel_tcp_server *server;
    struct vel_http_link *link;
    struct guest *next, *prev;
    struct vel_addr remote;
    struct vel_web_tally tally;
    bool ready;
};

struct guests {
    struct guest *first, *last;
    size_t count;
};

struct vel_tcp_server {
    struct vel_tcp_server_setup setup;
    int listener;
    struct vel_addr address;
    struct vel_watch *watch;
    struct vel_alarm *breath;
    struct guests arriving, ready;
    struct vel_tcp_server_stats stats;
    struct vel_hash_key key;
    bool finishing;
    uint32_t places[VEL_TCP_SERVER_PLACES]; /* connections of the sources there */
};

static const struct vel_slice alpn[] = {{(const uint8_t *)"h2", 2},
                                        {(const uint8_t *)"http/1.1", 8}};

/* ---- lists ---- */

static void append(struct guests *list, struct guest *guest)
{
    guest->next = NULL;
    guest->prev = list->last;
    if (list->last != NULL)
        list->last->next = guest;
    else
        list->first = guest;
    list->last = guest;
    list->count++;
}

static void take_out(struct guests *list, struct guest *guest)
{
    if (guest->prev != NULL)
        guest->prev->next = guest->next;
    else
        list->first = guest->next;
    if (guest->next != NULL)
        guest->next->prev = guest->prev;
    else
        list->last = guest->prev;
    list->count--;
}

static uint32_t *place_of(struct vel_tcp_server *server, const struct vel_addr *source)
{
    size_t size = source->family == VEL_ADDR_IP4 ? VEL_SOURCE_IP4_BYTES : VEL_SOURCE_IP6_BYTES;
    uint64_t hash = vel_keyed_hash(&server->key, vel_slice(source->ip, size));
    return &server->places[hash % VEL_TCP_SERVER_PLACES];
}

static void dismiss(struct guest *guest)
{
    struct vel_tcp_server *server = guest->server;
    vel_http_link_free(guest->link);
    take_out(guest->ready ? &server->ready : &server->arriving, guest);
    --*place_of(server, &guest->remote);
    vel_release(server->setup.env, guest, sizeof *guest);
}

/* ---- requests ---- */

static vel_result export_from(void *self, const char *label, struct vel_slice context, uint8_t *out,
                              size_t size)
{
    const struct guest *guest = self;
    return vel_tls_stream_export(vel_http_link_stream(guest->link), label, context, out, size);
}

static struct vel_web_caller caller_of(struct guest *guest)
{
    const struct vel_handshake_facts *facts =
        vel_tls_stream_facts(vel_http_link_stream(guest->link));
    bool named = facts != NULL && facts->alpn_len > 0;
    return (struct vel_web_caller){
        .protocol = named ? vel_slice(facts->alpn, facts->alpn_len) : vel_slice_text("http/1.1"),
        .binding = {.facts = facts, .remote = guest->remote, .export = export_from, .self = guest},
        .announced = guest->server->setup.announced,
    };
}

static void on_head(void *self, struct vel_exchange *exchange)
{
    struct guest *guest = self;
    const struct vel_tcp_server_setup *setup = &guest->server->setup;
    struct vel_web_caller caller = caller_of(guest);
    vel_time now = vel_clock_now();
    guest->tally.requests++;
    if (setup->redirect_port != 0)
        vel_web_request_redirect(setup->requests, &caller, exchange, setup->redirect_port, now);
    else
        vel_web_request_came(setup->requests, &caller, exchange, now);
}

static void on_closed(void *self, struct vel_exchange *exchange, const struct vel_exchange_end *end)
{
    struct guest *guest = self;
    struct vel_web_caller caller = caller_of(guest);
    guest->tally.body_bytes += end->body_sent;
    vel_web_request_closed(guest->server->setup.requests, &caller, exchange, end, vel_clock_now());
}

/* ---- connections ---- */

static void on_ready(void *self, struct vel_http_link *link)
{
    struct guest *guest = self;
    struct vel_tcp_server *server = guest->server;
    take_out(&server->arriving, guest);
    append(&server->ready, guest);
    guest->ready = true;
    guest->tally.since = vel_clock_now();
    vel_http_set_refusal_fields(vel_http_link_session(link), vel_reply_always());
    if (server->finishing)
        vel_http_link_finish(link);
}

static void log_failure(const struct guest *guest, const struct vel_tls_stream_end *end)
{
    const struct vel_log *log = guest->server->setup.env->log;
    if (guest->ready || end->reason != VEL_TLS_STREAM_REJECTED)
        return;
    LOG_EVENT(log, "handshake-failed", LOG_HEX("remote", &guest->remote, sizeof guest->remote),
              LOG_UINT("by-peer", end->by_peer), LOG_TEXT("reason", end->failure.reason),
              LOG_TEXT("name", vel_wire_error_name(end->failure.wire_code)),
              LOG_UINT("code", end->failure.wire_code));
}

/* end NULL: the server ends. */
static void log_connection(struct guest *guest, const struct vel_tls_stream_end *end)
{
    const struct vel_web_requests *requests = guest->server->setup.requests;
    if (requests->log_connection == NULL || !guest->ready)
        return;
    const struct vel_web_connection connection = {
        .remote = guest->remote,
        .protocol = caller_of(guest).protocol,
        .duration = vel_clock_now() - guest->tally.since,
        .tally = guest->tally,
        .ended = end != NULL ? vel_tls_stream_reason_name(end->reason) : NULL};
    requests->log_connection(requests->log_self, &connection);
}

static void on_over(void *self, struct vel_http_link *link, const struct vel_tls_stream_end *end)
{
    struct guest *guest = self;
    struct vel_tcp_server *server = guest->server;
    (void)link;
    log_failure(guest, end);
    log_connection(guest, end);
    dismiss(guest);
    if (server->finishing && server->ready.count + server->arriving.count == 0 &&
        server->setup.gone != NULL)
        server->setup.gone(server->setup.self);
}

static vel_result admit(struct vel_tcp_server *server, int fd, const struct vel_addr *remote)
{
    const struct vel_tcp_server_setup *own = &server->setup;
    struct guest *guest = vel_alloc(own->env, sizeof *guest);
    if (guest == NULL) {
        vel_fd_close(&fd);
        return VEL_ERR_NOMEM;
    }
    *guest = (struct guest){.server = server, .remote = *remote};
    const struct vel_http_link_setup setup = {
        .stream = {.env = own->env,
                   .loop = own->loop,
                   .tls = own->tls,
                   .alpn = alpn,
                   .alpn_count = VEL_COUNT(alpn),
                   .unix_offset = own->unix_offset},
        .http = {.idle_timeout = own->idle_timeout,
                 .events = {.head = on_head, .closed = on_closed, .self = guest}},
        .events = {.ready = on_ready, .over = on_over, .self = guest}};
    enum vel_err err = vel_http_link_accept(&setup, fd, remote, &guest->link);
    if (err != VEL_OK) {
        vel_release(own->env, guest, sizeof *guest);
        return err;
    }
    ++*place_of(server, remote);
    append(&server->arriving, guest);
    return VEL_OK;
}

static bool within_bounds(struct vel_tcp_server *server, const struct vel_addr *remote)
{
    return server->ready.count + server->arriving.count < server->setup.max_connections &&
           *place_of(server, remote) < server->setup.max_per_source;
}

/* One that cannot be admitted is reset: it keeps no port of ours busy. */
static void receive_guest(struct vel_tcp_server *server, int fd, const struct vel_addr *remote)
{
    if (!within_bounds(server, remote)) {
        server->stats.refused++;
        vel_tcp_reset_on_close(fd);
        vel_fd_close(&fd);
        return;
    }
    if (server->arriving.count >= server->setup.max_handshakes) {
        server->stats.evicted++;
        dismiss(server->arriving.first);
    }
    if (admit(server, fd, remote) == VEL_OK)
        server->stats.accepted++;
    else
        server->stats.refused++;
}

static void on_listener(void *self, unsigned ready)
{
    struct vel_tcp_server *server = self;
    (void)ready;
    for (int budget = ACCEPTS_A_TURN; budget > 0; budget--) {
        struct vel_addr remote;
        int fd;
        enum vel_err err = vel_tcp_accept(server->listener, &fd, &remote);
        if (err == VEL_ERR_AGAIN)
            return;
        if (err != VEL_OK) {
            vel_watch_set(server->watch, 0);
            vel_alarm_set(server->breath, vel_clock_now() + BREATH);
            return;
        }
        receive_guest(server, fd, &remote);
    }
}

static void on_breath(void *self, vel_time now)
{
    struct vel_tcp_server *server = self;
    (void)now;
    if (server->watch != NULL)
        vel_watch_set(server->watch, VEL_WATCH_READ);
}

/* ---- life ---- */

static void stop_listening(struct vel_tcp_server *server)
{
    vel_watch_free(server->watch);
    server->watch = NULL;
    vel_fd_close(&server->listener);
}

void vel_tcp_server_free(struct vel_tcp_server *server)
{
    if (server == NULL)
        return;
    while (server->arriving.first != NULL)
        dismiss(server->arriving.first);
    while (server->ready.first != NULL) {
        vel_http_link_cut_off(server->ready.first->link); /* what is sent counts */
        log_connection(server->ready.first, NULL);
        dismiss(server->ready.first);
    }
    stop_listening(server);
    vel_alarm_free(server->breath);
    vel_release(server->setup.env, server, sizeof *server);
}

OWNED_POINTER(drop_server, struct vel_tcp_server, vel_tcp_server_free)

vel_result vel_tcp_server_new(const struct vel_tcp_server_setup *setup,
                              struct vel_tcp_server **server)
{
    OWNED(vel_fd_close) int listener = setup->listener;
    OWNED(drop_server) struct vel_tcp_server *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->setup = *setup;
    if (setup->max_handshakes == 0)
        made->setup.max_handshakes = VEL_TCP_SERVER_HANDSHAKES;
    made->listener = vel_fd_give(&listener);
    made->address = vel_tcp_local(made->listener);
    vel_random(setup->env, &made->key, sizeof made->key);
    TRY(vel_alarm_new(setup->loop, on_breath, made, &made->breath));
    TRY(vel_watch_new(setup->loop, made->listener, on_listener, made, &made->watch));
    vel_watch_set(made->watch, VEL_WATCH_READ);
    *server = GIVE(made);
    return VEL_OK;
}

struct vel_addr vel_tcp_server_address(const struct vel_tcp_server *server)
{
    return server->address;
}

bool vel_tcp_server_redirects(const struct vel_tcp_server *server)
{
    return server->setup.redirect_port != 0;
}

/* `over` comes later, never inside this call. */
void vel_tcp_server_finish(struct vel_tcp_server *server)
{
    server->finishing = true;
    stop_listening(server);
    for (struct guest *guest = server->arriving.first; guest != NULL; guest = guest->next)
        vel_http_link_finish(guest->link);
    for (struct guest *guest = server->ready.first; guest != NULL; guest = guest->next)
        vel_http_link_finish(guest->link);
}

void vel_tcp_server_get_stats(const struct vel_tcp_server *server,
                              struct vel_tcp_server_stats *stats)
{
    *stats = server->stats;
    stats->connections = server->ready.count + server->arriving.count;
    stats->handshakes = server->arriving.count;
}
