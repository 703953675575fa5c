/* SPDX-License-Identifier: MIT */
#include "endpoint/talk.h"

#include "base/try.h"
#include "base/writer.h"
#include "pki/issue.h"

/* A Monday in November 2026. */
static const int64_t today = 1794787200;
static const struct vel_slice alpn = {(const uint8_t *)"test", 4};

#define MUST(call)                                                                                 \
    do {                                                                                           \
        enum vel_err must_err = (call);                                                            \
        VEL_ASSERT(must_err == VEL_OK);                                                            \
    } while (0)

struct vel_addr talk_addr(uint32_t ip, uint16_t port)
{
    struct vel_addr addr = {.family = VEL_ADDR_IP4, .port = port};
    vel_store_uint(addr.ip, ip, 4);
    return addr;
}

void talk_prepare(struct talk *talk, const struct vel_env *env)
{
    *talk = (struct talk){.env = env, .server_addr = talk_addr(0x0a000001, 443), .now = SECOND};
    MUST(vel_crypto_new(env, &talk->crypto));
    MUST(vel_trust_new(env, talk->crypto, &talk->trust));
    MUST(vel_identity_self_signed(env, talk->crypto, "localhost", VEL_PROFILE_LIGHT, today - 60,
                                  talk->trust, &talk->identity));
    talk->client_config = vel_config_default(talk->crypto);
    talk->client_config.alpn = &alpn;
    talk->client_config.alpn_count = 1;
    talk->client_config.unix_offset = today;
    talk->client_config.profiles =
        (struct vel_profile_list){.items = {VEL_PROFILE_LIGHT}, .count = 1};
    talk->server_config = talk->client_config;
    talk->server_config.identity = talk->identity;
    talk->client_config.trust = talk->trust;
    talk->client_config.server_name = "localhost";
}

void talk_open(struct talk *talk, size_t max_connections, size_t max_half_open)
{
    struct vel_endpoint_setup setup = {.env = talk->env};
    MUST(vel_endpoint_new(&setup, &talk->clients));
    setup = (struct vel_endpoint_setup){.env = talk->env,
                                        .server = &talk->server_config,
                                        .max_connections = max_connections,
                                        .max_half_open = max_half_open,
                                        .max_send_train = VEL_TRAIN_MAX};
    MUST(vel_endpoint_new(&setup, &talk->server));
}

void talk_close(struct talk *talk)
{
    vel_endpoint_free(talk->clients);
    vel_endpoint_free(talk->server);
    talk->clients = talk->server = NULL;
}

void talk_done(struct talk *talk)
{
    talk_close(talk);
    vel_trust_free(talk->trust);
    vel_identity_free(talk->identity);
    vel_crypto_free(talk->crypto);
}

struct vel_conn *talk_connect(struct talk *talk, struct vel_addr from)
{
    struct vel_conn *conn = NULL;
    MUST(vel_endpoint_connect(talk->clients, &talk->client_config, &from, &talk->server_addr,
                              talk->now, &conn));
    return conn;
}

void talk_work(struct talk *talk, struct vel_endpoint *endpoint)
{
    while (vel_endpoint_deadline(endpoint) == 0)
        vel_endpoint_expire(endpoint, talk->now);
}

bool talk_carry(struct talk *talk, struct vel_endpoint *from, struct vel_endpoint *to)
{
    static uint8_t space[VEL_TRAIN_MAX];
    bool any = false;
    struct vel_train train = {.bytes = space, .capacity = sizeof space};
    while (vel_endpoint_send(from, &train, talk->now) == VEL_OK) {
        struct vel_train arrived = train;
        arrived.local = train.remote;
        arrived.remote = train.local;
        vel_endpoint_receive(to, &arrived, talk->now);
        any = true;
    }
    return any;
}

static bool carry(struct talk *talk, struct vel_endpoint *from, struct vel_endpoint *to)
{
    bool any = talk_carry(talk, from, to);
    talk_work(talk, to);
    return any;
}

bool talk_exchange(struct talk *talk)
{
    talk->now += MS;
    bool any = carry(talk, talk->clients, talk->server);
    talk->now += MS;
    return carry(talk, talk->server, talk->clients) || any;
}

void talk_run(struct talk *talk, vel_time until)
{
    for (;;) {
        while (talk_exchange(talk))
            continue;
        vel_time next =
            VEL_MIN(vel_endpoint_deadline(talk->clients), vel_endpoint_deadline(talk->server));
        if (next > until)
            return;
        talk->now = VEL_MAX(talk->now, next);
        vel_endpoint_expire(talk->clients, talk->now);
        vel_endpoint_expire(talk->server, talk->now);
    }
}

unsigned talk_connected(struct vel_endpoint *endpoint, struct vel_conn **conn)
{
    unsigned count = 0;
    struct vel_conn *next;
    while ((next = vel_endpoint_next(endpoint)) != NULL) {
        struct vel_event event;
        while (vel_conn_next_event(next, &event)) {
            if (event.type != VEL_EVENT_CONNECTED)
                continue;
            count++;
            *conn = next;
        }
    }
    return count;
}
