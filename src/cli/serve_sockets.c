/* SPDX-License-Identifier: MIT */
#include "cli/serve_sockets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "sys/address.h"
#include "sys/fd.h"
#include "sys/tcp.h"
#include "velocity/log.h"
#include "velocity/udp.h"

enum { PORT_TRIES = 32 };

const char *vel_serve_why_no_socket(enum vel_err err)
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

void vel_serve_sockets_init(struct vel_serve_sockets *sockets, unsigned count)
{
    *sockets = (struct vel_serve_sockets){.count = count};
    for (unsigned i = 0; i < VEL_WORKERS_MAX; i++)
        sockets->tls_listeners[i] = sockets->plain_listeners[i] = -1;
}

enum vel_port_sharing vel_serve_sharing(unsigned workers, unsigned worker)
{
    if (workers == 1)
        return VEL_PORT_ALONE;
    return worker == 0 ? VEL_PORT_FIRST : VEL_PORT_NEXT;
}

/* ---- the two sockets of one port ---- */

static vel_result open_udp(const struct vel_env *env, struct vel_addr local,
                           enum vel_port_sharing sharing, struct vel_link **link)
{
    struct vel_udp_setup setup = {.local = local, .sharing = sharing};
    enum vel_err err = vel_udp_link_new(env, &setup, link);
    if (err == VEL_ERR_UNSUPPORTED && vel_addr_is_wildcard(&local)) {
        setup.local.family = VEL_ADDR_IP4; /* a kernel without IPv6 */
        err = vel_udp_link_new(env, &setup, link);
    }
    return err;
}

OWNED_POINTER(drop_link, struct vel_link, vel_link_free)

/* *what names the socket that could not be opened. */
static vel_result open_both(const struct vel_env *env, struct vel_serve_sockets *sockets,
                            unsigned worker, const struct vel_addr *local, const char **what)
{
    enum vel_port_sharing sharing = vel_serve_sharing(sockets->count, worker);
    OWNED(drop_link) struct vel_link *udp = NULL;
    struct vel_addr bound;
    *what = "UDP";
    TRY(open_udp(env, *local, sharing, &udp));
    *what = "TCP";
    TRY(vel_tcp_listen(&udp->local, sharing, &sockets->tls_listeners[worker], &bound));
    sockets->udp[worker] = GIVE(udp);
    return VEL_OK;
}

static vel_result open_first(const struct vel_env *env, struct vel_serve_sockets *sockets,
                             const struct vel_addr *local, const char **what)
{
    enum vel_err err = open_both(env, sockets, 0, local, what);
    /* The kernel's choice for UDP may be taken on TCP. */
    for (int i = 1; local->port == 0 && err == VEL_ERR_EXISTS && i < PORT_TRIES; i++)
        err = open_both(env, sockets, 0, local, what);
    if (err == VEL_OK)
        sockets->local = sockets->udp[0]->local;
    return err;
}

static vel_result open_others(const struct vel_env *env, struct vel_serve_sockets *sockets,
                              const char **what)
{
    sockets->silent = *env;
    sockets->silent.log = NULL;
    for (unsigned worker = 1; worker < sockets->count; worker++)
        TRY(open_both(&sockets->silent, sockets, worker, &sockets->local, what));
    return VEL_OK;
}

/* ---- plain HTTP ---- */

static vel_result open_plain(const struct vel_call *call, struct vel_serve_sockets *sockets)
{
    const struct vel_serve_settings *settings = call->settings;
    struct vel_addr local;
    if (settings->http == NULL)
        return VEL_OK;
    if (vel_addr_parse(settings->http, &local) != VEL_OK) {
        vel_fail(call, "--http %s: not an address and port, like 127.0.0.1:8080 or [::]:80",
                 settings->http);
        return VEL_ERR_ARGUMENT;
    }
    for (unsigned worker = 0; worker < sockets->count; worker++) {
        enum vel_err err = vel_tcp_listen(&local, vel_serve_sharing(sockets->count, worker),
                                          &sockets->plain_listeners[worker], &sockets->plain);
        if (err != VEL_OK) {
            vel_fail(call, "--http %s: %s", settings->http, vel_serve_why_no_socket(err));
            return err;
        }
        local = sockets->plain;
    }
    return VEL_OK;
}

bool vel_serve_sockets_plain_is_local(const struct vel_serve_sockets *sockets)
{
    static const uint8_t loopback6[16] = {[15] = 1};
    const struct vel_addr *addr = &sockets->plain;
    if (addr->family == VEL_ADDR_IP4)
        return addr->ip[0] == 127;
    return memcmp(addr->ip, loopback6, sizeof loopback6) == 0;
}

/* ---- all of them ---- */

static void close_set(struct vel_serve_sockets *sockets, unsigned worker)
{
    vel_link_free(sockets->udp[worker]);
    sockets->udp[worker] = NULL;
    vel_fd_close(&sockets->tls_listeners[worker]);
    vel_fd_close(&sockets->plain_listeners[worker]);
    vel_serve_preferred_close(&sockets->preferred, worker);
}

static void steer(struct vel_serve_sockets *sockets, const struct vel_steering *steering)
{
    if (sockets->count == 1 || vel_udp_link_steer(sockets->udp[0], steering) == VEL_OK)
        return;
    fprintf(stderr,
            "velocity serve: the kernel does not steer datagrams to workers (%s), so there is one "
            "worker\n",
            strerror(errno));
    vel_serve_sockets_keep(sockets, 0);
    sockets->count = 1;
}

vel_result vel_serve_sockets_open(const struct vel_call *call, const struct vel_env *env,
                                  const struct vel_addr *local, const struct vel_steering *steering,
                                  struct vel_serve_sockets *sockets)
{
    const struct vel_serve_settings *settings = call->settings;
    const char *what;
    enum vel_err err = open_first(env, sockets, local, &what);
    if (err == VEL_OK)
        err = open_others(env, sockets, &what);
    if (err != VEL_OK) {
        vel_fail(call, "--listen %s, %s: %s", settings->listen, what, vel_serve_why_no_socket(err));
        return err;
    }
    steer(sockets, steering);
    TRY(vel_serve_preferred_open(call, env, steering, sockets));
    return open_plain(call, sockets);
}

void vel_serve_sockets_keep(struct vel_serve_sockets *sockets, unsigned worker)
{
    for (unsigned i = 0; i < sockets->count; i++)
        if (i != worker)
            close_set(sockets, i);
}

void vel_serve_sockets_stop_listening(struct vel_serve_sockets *sockets)
{
    for (unsigned i = 0; i < sockets->count; i++) {
        vel_fd_close(&sockets->tls_listeners[i]);
        vel_fd_close(&sockets->plain_listeners[i]);
    }
}

void vel_serve_sockets_close(struct vel_serve_sockets *sockets)
{
    for (unsigned i = 0; i < sockets->count; i++)
        close_set(sockets, i);
}
