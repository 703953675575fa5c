/* SPDX-License-Identifier: MIT */
#include "transport/conn_pair.h"

#include <string.h>

#include "pki/issue.h"
#include "transport/packet.h"

static const struct vel_addr client_addr = {.family = VEL_ADDR_MEMORY, .port = 1};
static const struct vel_addr server_addr = {.family = VEL_ADDR_MEMORY, .port = 2};
static const struct vel_slice alpn = {(const uint8_t *)"test", 4};
static const char *const names[] = {"localhost"};

/* A Monday in November 2026. */
static const int64_t today = 1794787200;

static void count_wake(void *self, struct vel_conn *conn)
{
    struct conn_pair *p = self;
    (void)conn;
    p->wakes++;
}

static enum vel_err issue_cid(void *self, struct vel_conn *conn, struct vel_cid *cid,
                              uint8_t reset_token[16])
{
    struct conn_pair *p = self;
    (void)conn;
    p->cids_issued++;
    cid->len = VEL_CID_OURS;
    vel_random(&p->env.env, cid->bytes, VEL_CID_OURS);
    vel_random(&p->env.env, reset_token, VEL_RESET_TOKEN);
    return VEL_OK;
}

static void retire_cid(void *self, struct vel_conn *conn, const struct vel_cid *cid)
{
    (void)self, (void)conn, (void)cid;
}

void pair_init(struct conn_pair *p, enum vel_profile profile)
{
    *p = (struct conn_pair){.delay = 20 * MS, .client_at = client_addr};
    test_env_init(&p->env, 7);
    ASSERT_OK(vel_crypto_new(&p->env.env, &p->crypto));
    struct vel_cert_order order = {
        .names = names,
        .name_count = 1,
        .classical = vel_order_classical(profile),
        .profile = profile,
        .not_before = today - 60,
        .validity = 86400,
        .path_length = -1,
        .mode = VEL_SIGN_DETERMINISTIC,
    };
    struct vel_buf chain = {.env = &p->env.env, .limit = VEL_CHAIN_PEM_MAX};
    struct vel_buf key = {.env = &p->env.env, .limit = VEL_KEY_PEM_MAX};
    ASSERT_OK(vel_cert_issue(&p->env.env, p->crypto, &order, NULL, &chain, &key));
    ASSERT_OK(vel_identity_parse(&p->env.env, p->crypto, vel_buf_slice(&chain), vel_buf_slice(&key),
                                 &p->identity));
    ASSERT_OK(vel_trust_new(&p->env.env, p->crypto, &p->trust));
    ASSERT_OK(vel_trust_add_pem(p->trust, vel_buf_slice(&chain)));
    vel_buf_free(&chain);
    vel_buf_free(&key);

    p->client_config = vel_config_default(p->crypto);
    p->client_config.alpn = &alpn;
    p->client_config.alpn_count = 1;
    p->client_config.unix_offset = today;
    p->client_config.deterministic = true;
    p->client_config.profiles = (struct vel_profile_list){.items = {profile}, .count = 1};
    p->server_config = p->client_config;
    p->server_config.identity = p->identity;
    p->client_config.trust = p->trust;
    p->client_config.server_name = "localhost";
}

static struct vel_conn_setup setup_of(struct conn_pair *p, bool client)
{
    struct vel_conn_setup setup = {
        .env = &p->env.env,
        .config = client ? &p->client_config : &p->server_config,
        .hooks = {.wake = count_wake, .issue_cid = issue_cid, .retire_cid = retire_cid, .self = p},
        .version = VEL_VERSION_DRAFT,
        .local = client ? client_addr : server_addr,
        .remote = client ? server_addr : client_addr,
        .scid = {.len = VEL_CID_OURS},
    };
    vel_random(&p->env.env, setup.scid.bytes, VEL_CID_OURS);
    return setup;
}

void pair_connect(struct conn_pair *p)
{
    struct vel_conn_setup setup = setup_of(p, true);
    ASSERT_OK(vel_conn_new_client(&setup, p->now, &p->client));
}

static void accept_first(struct conn_pair *p, const struct pair_datagram *d)
{
    struct vel_packet_header header;
    ASSERT_OK(vel_packet_parse(vel_slice(d->bytes, d->size), &header));
    struct vel_conn_setup setup = setup_of(p, false);
    setup.peer_cid = vel_cid(header.scid);
    setup.original_dcid = setup.initial_dcid = vel_cid(header.dcid);
    ASSERT_OK(vel_conn_new_server(&setup, p->now, &p->server));
}

/* Take everything one end wants to send. */
static bool collect(struct conn_pair *p, bool from_client)
{
    struct vel_conn *conn = from_client ? p->client : p->server;
    bool muted = from_client ? p->mute_client : p->mute_server;
    uint8_t space[20000];
    bool any = false;
    for (;;) {
        struct vel_train train = {.bytes = space, .capacity = sizeof space};
        if (conn == NULL || vel_conn_send(conn, &train, sizeof space, p->now) != VEL_OK)
            return any;
        any = true;
        bool strays = !vel_addr_equal(&train.remote, from_client ? &server_addr : &p->client_at);
        if (strays)
            p->strayed += train.len;
        if (!from_client)
            p->server_sent += train.len;
        for (size_t pos = 0; pos < train.len && !muted && !strays; pos += train.segment) {
            assert_true(p->on_wire < PAIR_WIRE_MAX);
            size_t size = VEL_MIN(train.segment, train.len - pos);
            if (p->wire_mtu > 0 && size > p->wire_mtu)
                continue;
            struct pair_datagram *d = &p->wire[p->on_wire++];
            *d = (struct pair_datagram){from_client, p->now + p->delay, malloc(size), size};
            memcpy(d->bytes, space + pos, size);
        }
    }
}

static void deliver_first(struct conn_pair *p)
{
    struct pair_datagram d = p->wire[0];
    memmove(p->wire, p->wire + 1, --p->on_wire * sizeof d);
    p->now = d.arrives;
    if (d.to_server && p->server == NULL)
        accept_first(p, &d);
    struct vel_conn *to = d.to_server ? p->server : p->client;
    if (d.to_server && !vel_conn_is_validated(p->server))
        p->server_received_before_validation += d.size;
    vel_conn_receive(to, d.to_server ? &server_addr : &client_addr,
                     d.to_server ? &p->client_at : &server_addr, VEL_ECN_NOT_ECT, d.bytes, d.size,
                     p->now);
    free(d.bytes);
}

static vel_time next_deadline(const struct conn_pair *p)
{
    vel_time deadline = vel_conn_deadline(p->client);
    if (p->server != NULL)
        deadline = VEL_MIN(deadline, vel_conn_deadline(p->server));
    return deadline;
}

void pair_run(struct conn_pair *p, vel_time until)
{
    for (int steps = 0; steps < 100000; steps++) {
        bool moved = collect(p, true);
        moved |= collect(p, false);
        if (moved)
            continue;
        vel_time arrival = p->on_wire > 0 ? p->wire[0].arrives : VEL_NEVER;
        vel_time deadline = next_deadline(p);
        if (VEL_MIN(arrival, deadline) > until) {
            p->now = until;
            return;
        }
        if (arrival <= deadline) {
            deliver_first(p);
            continue;
        }
        p->now = VEL_MAX(p->now, deadline);
        if (vel_conn_deadline(p->client) <= p->now)
            vel_conn_expire(p->client, p->now);
        if (p->server != NULL && vel_conn_deadline(p->server) <= p->now)
            vel_conn_expire(p->server, p->now);
    }
    fail_msg("the pair does not come to rest");
}

void pair_done(struct conn_pair *p)
{
    for (size_t i = 0; i < p->on_wire; i++)
        free(p->wire[i].bytes);
    vel_conn_free(p->client);
    vel_conn_free(p->server);
    vel_trust_free(p->trust);
    vel_identity_free(p->identity);
    vel_crypto_free(p->crypto);
    test_env_done(&p->env);
}
