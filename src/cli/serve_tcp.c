/* SPDX-License-Identifier: MIT */
#include "cli/serve_tcp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "sys/address.h"
#include "sys/fd.h"
#include "sys/tcp.h"
#include "transport/version.h"
#include "velocity/udp.h"

enum { PORT_TRIES = 32, ALT_SVC_AGE = 86400 /* seconds */ };

static const char *why_no_socket(enum vel_err err)
{
    switch ((int)err) {
    case VEL_ERR_EXISTS:
        return "the address is in use";
    case VEL_ERR_NOT_FOUND:
        return "not an address of this machine";
    case VEL_ERR_UNSUPPORTED:
        return "this machine has no such kind of address";
    case VEL_ERR_IO:
        return strerror(errno);
    default:
        return vel_err_text(err);
    }
}

void vel_serve_tcp_init(struct vel_serve_tcp *tcp)
{
    *tcp = (struct vel_serve_tcp){.listener = -1};
}

/* ---- the two sockets of one port ---- */

static vel_result open_udp(const struct vel_env *env, struct vel_addr local, struct vel_link **link)
{
    struct vel_udp_setup setup = {.local = local};
    enum vel_err err = vel_udp_link_new(env, &setup, link);
    if (err == VEL_ERR_UNSUPPORTED && vel_addr_is_wildcard(&local)) {
        setup.local.family = VEL_ADDR_IP4; /* a kernel without IPv6 */
        err = vel_udp_link_new(env, &setup, link);
    }
    return err;
}

OWNED_POINTER(drop_link, struct vel_link, vel_link_free)

/* *what names the socket that could not be opened. */
static vel_result open_both(const struct vel_env *env, const struct vel_addr *local,
                            struct vel_link **link, int *listener, const char **what)
{
    OWNED(drop_link) struct vel_link *udp = NULL;
    struct vel_addr bound;
    *what = "UDP";
    TRY(open_udp(env, *local, &udp));
    *what = "TCP";
    TRY(vel_tcp_listen(&udp->local, VEL_TCP_BACKLOG, listener, &bound));
    *link = GIVE(udp);
    return VEL_OK;
}

vel_result vel_serve_tcp_open(const struct vel_call *call, const struct vel_env *env,
                              const struct vel_addr *local, struct vel_link **link,
                              struct vel_serve_tcp *tcp)
{
    const struct vel_serve_settings *settings = call->settings;
    const char *what;
    enum vel_err err = open_both(env, local, link, &tcp->listener, &what);
    /* The kernel's choice for UDP may be taken on TCP. */
    for (int i = 1; local->port == 0 && err == VEL_ERR_EXISTS && i < PORT_TRIES; i++)
        err = open_both(env, local, link, &tcp->listener, &what);
    if (err != VEL_OK)
        vel_fail(call, "--listen %s, %s: %s", settings->listen, what, why_no_socket(err));
    return err;
}

/* ---- Alt-Svc ---- */

static bool serves(const struct vel_config *config, bool velocity)
{
    for (unsigned i = 0; i < config->versions.count; i++)
        if (vel_version_is_velocity(config->versions.items[i]) == velocity)
            return true;
    return false;
}

struct vel_fields vel_serve_tcp_announced(struct vel_serve_tcp *tcp,
                                          const struct vel_config *config, uint16_t port)
{
    char *text = tcp->alt_svc;
    size_t size = sizeof tcp->alt_svc;
    bool velocity = serves(config, true), h3 = serves(config, false);
    if (!velocity && !h3)
        return (struct vel_fields){0};
    /* In a protocol name the slash is written %2F (RFC 7838 3). */
    if (velocity && h3)
        snprintf(text, size, "velocity%%2F1=\":%u\"; ma=%d, h3=\":%u\"; ma=%d", port, ALT_SVC_AGE,
                 port, ALT_SVC_AGE);
    else
        snprintf(text, size, "%s=\":%u\"; ma=%d", velocity ? "velocity%2F1" : "h3", port,
                 ALT_SVC_AGE);
    tcp->announced = (struct vel_field){vel_slice_text("alt-svc"), vel_slice_text(text)};
    return (struct vel_fields){.items = &tcp->announced, .count = 1};
}

/* ---- the servers ---- */

static bool is_loopback(const struct vel_addr *addr)
{
    static const uint8_t loopback6[16] = {[15] = 1};
    if (addr->family == VEL_ADDR_IP4)
        return addr->ip[0] == 127;
    return memcmp(addr->ip, loopback6, sizeof loopback6) == 0;
}

/* Nobody is asked to trust plain HTTP beyond this machine. */
static vel_result start_plain(const struct vel_call *call, const struct vel_tcp_server_setup *tls,
                              struct vel_serve_tcp *tcp)
{
    const struct vel_serve_settings *settings = call->settings;
    struct vel_tcp_server_setup setup = *tls;
    struct vel_addr local, bound;
    if (vel_addr_parse(settings->http, &local) != VEL_OK) {
        vel_fail(call, "--http %s: not an address and port, like 127.0.0.1:8080 or [::]:80",
                 settings->http);
        return VEL_ERR_ARGUMENT;
    }
    enum vel_err err = vel_tcp_listen(&local, VEL_TCP_BACKLOG, &setup.listener, &bound);
    if (err != VEL_OK) {
        vel_fail(call, "--http %s: %s", settings->http, why_no_socket(err));
        return err;
    }
    setup.tls = NULL;
    setup.announced = (struct vel_fields){0};
    setup.redirect_port = is_loopback(&local) ? 0 : vel_tcp_server_address(tcp->tls).port;
    return vel_tcp_server_new(&setup, &tcp->plain);
}

vel_result vel_serve_tcp_start(const struct vel_call *call,
                               const struct vel_tcp_server_setup *common, struct vel_serve_tcp *tcp)
{
    const struct vel_serve_settings *settings = call->settings;
    struct vel_tcp_server_setup setup = *common;
    setup.listener = vel_fd_give(&tcp->listener);
    /* Files are opened, too: the last descriptor never goes to a connection. */
    setup.max_connections = VEL_MIN(setup.max_connections, vel_tcp_raise_limit());
    if (tcp->alt_svc[0] != '\0')
        setup.announced = (struct vel_fields){.items = &tcp->announced, .count = 1};
    TRY(vel_tcp_server_new(&setup, &tcp->tls));
    return settings->http == NULL ? VEL_OK : start_plain(call, &setup, tcp);
}

void vel_serve_tcp_finish(struct vel_serve_tcp *tcp)
{
    vel_tcp_server_finish(tcp->tls);
    if (tcp->plain != NULL)
        vel_tcp_server_finish(tcp->plain);
}

size_t vel_serve_tcp_connections(const struct vel_serve_tcp *tcp)
{
    struct vel_tcp_server_stats tls, plain = {0};
    vel_tcp_server_get_stats(tcp->tls, &tls);
    if (tcp->plain != NULL)
        vel_tcp_server_get_stats(tcp->plain, &plain);
    return tls.connections + plain.connections;
}

void vel_serve_tcp_close(struct vel_serve_tcp *tcp)
{
    vel_tcp_server_free(tcp->plain);
    vel_tcp_server_free(tcp->tls);
    vel_fd_close(&tcp->listener);
    vel_serve_tcp_init(tcp);
}
