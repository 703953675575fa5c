/* SPDX-License-Identifier: MIT */
#include "transport/conn_internal.h"
#include "transport/conn_pair.h"

/* Keys of a connection that wear out. The counters are set, for nobody sends 2^27 packets here. */

static void connect_pair(struct conn_pair *p, bool chacha)
{
    pair_init(p, VEL_PROFILE_BALANCED);
    p->client_config.prefer_chacha = chacha;
    pair_connect(p);
    pair_run(p, 1 * SECOND);
}

static void ping(struct conn_pair *p)
{
    p->client->first.space[VEL_SPACE_APP].probes_due = 1;
    pair_run(p, p->now + 1 * SECOND);
}

/* VEL-TR-20: after half of what a key may seal there is a new one, and both ends use it. */
static void half_worn_keys_are_updated(void **state)
{
    (void)state;
    struct conn_pair p;
    connect_pair(&p, false);
    struct vel_conn_space *app = &p.client->space[VEL_SPACE_APP];
    uint64_t limit = vel_keys_seal_limit(p.client->aead, VEL_PMTUD_BASE);
    assert_true(limit == UINT64_C(1) << 28);
    app->sealed = limit / 2 - 1;
    ping(&p);
    assert_int_equal(p.client->key_update.count, 0);
    ping(&p);
    assert_int_equal(p.client->key_update.count, 1);
    assert_int_equal(p.server->key_update.count, 1);
    assert_true(app->sealed < 10);
    pair_done(&p);
}

/* VEL-TR-20: when no update is allowed, the connection ends before the key is worn out. */
static void worn_keys_end_the_connection(void **state)
{
    (void)state;
    struct conn_pair p;
    connect_pair(&p, false);
    p.mute_client = true; /* nobody confirms */
    ASSERT_OK(vel_conn_update_keys(p.client));
    p.client->space[VEL_SPACE_APP].sealed = vel_keys_seal_limit(p.client->aead, VEL_PMTUD_BASE) - 1;
    ping(&p);
    assert_true(vel_life_is_over(&p.client->life));
    assert_int_equal(p.client->life.close.code, VEL_WIRE_AEAD_LIMIT_REACHED);
    pair_done(&p);
}

/* VEL-TR-23: over all keys, and by the cipher in use. */
static void too_many_forgeries_end_the_connection(void **state)
{
    (void)state;
    for (int chacha = 0; chacha < 2; chacha++) {
        struct conn_pair p;
        uint8_t packet[100];
        connect_pair(&p, chacha);
        const struct vel_path *path = p.server->first.paths.active;
        uint64_t limit = vel_keys_forgery_limit(p.server->aead);
        assert_true(limit == UINT64_C(1) << (chacha ? 36 : 52));
        p.server->forged = limit - 2;
        for (unsigned i = 0; i < 2; i++) {
            assert_false(vel_life_is_over(&p.server->life));
            memset(packet, 0x42, sizeof packet);
            memcpy(packet + 1, p.server->first.cids.local[0].cid.bytes, VEL_CID_OURS);
            vel_conn_receive(p.server, &path->local, &path->remote, VEL_ECN_NOT_ECT, packet,
                             sizeof packet, p.now);
        }
        assert_true(vel_life_is_over(&p.server->life));
        assert_int_equal(p.server->life.close.code, VEL_WIRE_AEAD_LIMIT_REACHED);
        pair_done(&p);
    }
}

/* A datagram to the server's id, with what would be a packet. */
static void receive(struct conn_pair *p, uint8_t *bytes, size_t size)
{
    const struct vel_path *path = p->server->first.paths.active;
    vel_conn_receive(p->server, &path->local, &path->remote, VEL_ECN_NOT_ECT, bytes, size, p->now);
}

/* Whoever has seen a packet may send it again, or another one to the same id: it wakes the keys of a quiet
 * connection, but does not keep them awake. */
static void keys_rest_again_whatever_woke_them(void **state)
{
    (void)state;
    struct conn_pair p;
    uint8_t packet[VEL_INITIAL_DATAGRAM_MIN], copy[sizeof packet];
    connect_pair(&p, false);
    struct vel_train train = {.bytes = packet, .capacity = sizeof packet};
    p.client->first.space[VEL_SPACE_APP].probes_due = 1;
    ASSERT_OK(vel_conn_send(p.client, &train, sizeof packet, p.now));
    for (unsigned i = 0; i < 3;
         i++) { /* the first one is news, the second not, the third is forged */
        memcpy(copy, packet, train.len);
        copy[train.len - 1] ^= i == 2;
        receive(&p, copy, train.len);
        assert_false(p.server->key_update.asleep);
        pair_run(&p, p.now + 5 * SECOND);
        assert_true(p.server->key_update.asleep);
        assert_true(p.server->trim_at == VEL_NEVER);
    }
    assert_int_equal(p.server->stats.packets_dropped, 2);
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_worn_keys_are_updated),
        cmocka_unit_test(worn_keys_end_the_connection),
        cmocka_unit_test(too_many_forgeries_end_the_connection),
        cmocka_unit_test(keys_rest_again_whatever_woke_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
