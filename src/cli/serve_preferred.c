/* SPDX-License-Identifier: MIT */
#include "cli/serve_preferred.h"

#include "base/try.h"
#include "cli/serve_sockets.h"
#include "sys/address.h"
#include "velocity/udp.h"

/* The socket of --listen receives it: a wildcard's, of the same port; [::] serves IPv4 as well. */
static bool is_covered(const struct vel_addr *listening, const struct vel_addr *addr)
{
    return vel_addr_is_wildcard(listening) && listening->port == addr->port &&
           (listening->family == addr->family || listening->family == VEL_ADDR_IP6);
}

static const char *why_not(const struct vel_addr *listening, const struct vel_addr *addr,
                           const struct vel_addr *taken)
{
    if (vel_addr_is_wildcard(addr))
        return "name one address that clients can reach, no wildcard";
    if (vel_addr_equal(listening, addr))
        return "that is the address of --listen";
    return taken->family != VEL_ADDR_NONE ? "one of each version of IP at most" : NULL;
}

/* *addr becomes what is bound. */
static vel_result open_links(const struct vel_env *env, const struct vel_steering *steering,
                             const struct vel_serve_sockets *sockets, struct vel_addr *addr,
                             struct vel_link **links)
{
    for (unsigned i = 0; i < sockets->count; i++) {
        const struct vel_udp_setup udp = {.local = *addr,
                                          .sharing = vel_serve_sharing(sockets->count, i)};
        TRY(vel_udp_link_new(i == 0 ? env : &sockets->silent, &udp, &links[i]));
        *addr = links[i]->local;
    }
    return sockets->count > 1 ? vel_udp_link_steer(links[0], steering) : VEL_OK;
}

static vel_result refuse(const struct vel_call *call, const char *text, const char *why)
{
    vel_fail(call, "--preferred-address %s: %s", text, why);
    return VEL_ERR_ARGUMENT;
}

static vel_result open_one(const struct vel_call *call, const struct vel_env *env,
                           const struct vel_steering *steering, const char *text,
                           struct vel_serve_sockets *sockets)
{
    struct vel_serve_preferred *preferred = &sockets->preferred;
    struct vel_addr addr;
    if (vel_addr_parse(text, &addr) != VEL_OK)
        return refuse(call, text,
                      "not an address and port, like 192.0.2.1:4433 or [2001:db8::1]:4433");
    bool ip6 = addr.family == VEL_ADDR_IP6;
    struct vel_addr *named = ip6 ? &preferred->ip6 : &preferred->ip4;
    struct vel_link **links = ip6 ? preferred->udp6 : preferred->udp4;
    const char *why = why_not(&sockets->local, &addr, named);
    if (why != NULL)
        return refuse(call, text, why);
    if (!is_covered(&sockets->local, &addr)) {
        enum vel_err err = open_links(env, steering, sockets, &addr, links);
        if (err != VEL_OK)
            return refuse(call, text, vel_serve_why_no_socket(err));
    }
    *named = addr;
    return VEL_OK;
}

vel_result vel_serve_preferred_open(const struct vel_call *call, const struct vel_env *env,
                                    const struct vel_steering *steering,
                                    struct vel_serve_sockets *sockets)
{
    const struct vel_serve_settings *settings = call->settings;
    for (size_t i = 0; i < settings->preferred.count; i++)
        TRY(open_one(call, env, steering, settings->preferred.items[i], sockets));
    return VEL_OK;
}

vel_result vel_serve_preferred_join(const struct vel_serve_preferred *preferred, unsigned worker,
                                    struct vel_runtime *runtime)
{
    struct vel_link *ip4 = preferred->udp4[worker], *ip6 = preferred->udp6[worker];
    if (ip4 != NULL)
        TRY(vel_runtime_add_link(runtime, ip4));
    return ip6 != NULL ? vel_runtime_add_link(runtime, ip6) : VEL_OK;
}

void vel_serve_preferred_close(struct vel_serve_preferred *preferred, unsigned worker)
{
    vel_link_free(preferred->udp4[worker]);
    vel_link_free(preferred->udp6[worker]);
    preferred->udp4[worker] = preferred->udp6[worker] = NULL;
}
