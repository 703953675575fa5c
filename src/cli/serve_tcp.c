/* SPDX-License-Identifier: MIT */
#include "cli/serve_tcp.h"

#include <stdio.h>

#include "base/try.h"
#include "base/units.h"
#include "sys/fd.h"
#include "sys/tcp.h"
#include "transport/version.h"

enum { ALT_SVC_AGE = 86400 /* seconds */ };

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

/* Nobody is asked to trust plain HTTP beyond this machine. */
static vel_result start_plain(const struct vel_tcp_server_setup *tls,
                              struct vel_serve_sockets *sockets, unsigned worker,
                              struct vel_serve_tcp *tcp)
{
    struct vel_tcp_server_setup setup = *tls;
    setup.listener = vel_fd_give(&sockets->plain_listeners[worker]);
    setup.tls = NULL;
    setup.announced = (struct vel_fields){0};
    setup.redirect_port = vel_serve_sockets_plain_is_local(sockets) ? 0 : sockets->local.port;
    return vel_tcp_server_new(&setup, &tcp->plain);
}

vel_result vel_serve_tcp_start(const struct vel_tcp_server_setup *common,
                               struct vel_serve_sockets *sockets, unsigned worker,
                               struct vel_serve_tcp *tcp)
{
    struct vel_tcp_server_setup setup = *common;
    setup.listener = vel_fd_give(&sockets->tls_listeners[worker]);
    /* Files are opened, too: the last descriptor never goes to a connection. */
    setup.max_connections = VEL_MIN(setup.max_connections, vel_tcp_raise_limit());
    if (tcp->alt_svc[0] != '\0')
        setup.announced = (struct vel_fields){.items = &tcp->announced, .count = 1};
    TRY(vel_tcp_server_new(&setup, &tcp->tls));
    if (sockets->plain.family == VEL_ADDR_NONE)
        return VEL_OK;
    return start_plain(&setup, sockets, worker, tcp);
}

void vel_serve_tcp_finish(struct vel_serve_tcp *tcp)
{
    vel_tcp_server_finish(tcp->tls);
    if (tcp->plain != NULL)
        vel_tcp_server_finish(tcp->plain);
}

void vel_serve_tcp_get_stats(const struct vel_serve_tcp *tcp, struct vel_serve_tcp_stats *stats)
{
    struct vel_tcp_server_stats tls = {0}, plain = {0};
    if (tcp->tls != NULL)
        vel_tcp_server_get_stats(tcp->tls, &tls);
    if (tcp->plain != NULL)
        vel_tcp_server_get_stats(tcp->plain, &plain);
    *stats = (struct vel_serve_tcp_stats){.connections = tls.connections + plain.connections,
                                          .accepted = tls.accepted + plain.accepted};
}

void vel_serve_tcp_close(struct vel_serve_tcp *tcp)
{
    vel_tcp_server_free(tcp->plain);
    vel_tcp_server_free(tcp->tls);
    *tcp = (struct vel_serve_tcp){.tls = NULL};
}
