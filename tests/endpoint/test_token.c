/* SPDX-License-Identifier: MIT */
#include "endpoint/token.h"

#include "endpoint/fixture.h"
#include "endpoint/limits.h"

#define MADE ((vel_time)(100 * SECOND))

struct sealed {
    struct test_env t;
    struct vel_crypto *crypto;
    struct vel_token_key key;
    struct vel_retry_facts facts;
    uint8_t token[VEL_RETRY_TOKEN_MAX];
    size_t size;
};

static const struct vel_cid original = {.len = 9, .bytes = {9, 8, 7, 6, 5, 4, 3, 2, 1}};

static void seal(struct sealed *s)
{
    *s = (struct sealed){.size = 0};
    test_env_init(&s->t, 1);
    ASSERT_OK(vel_crypto_new(&s->t.env, &s->crypto));
    vel_token_key_init(&s->key, &s->t.env);
    s->facts = (struct vel_retry_facts){.remote = fixture_ip4(0x0a000001, 4433),
                                        .version = VEL_VERSION_DRAFT,
                                        .retry_scid = {.len = 8, .bytes = {1, 2, 3}}};
    ASSERT_OK(vel_retry_token_seal(s->crypto, &s->t.env, &s->key, &s->facts, &original, MADE,
                                   s->token, &s->size));
}

static void done(struct sealed *s)
{
    vel_crypto_free(s->crypto);
    test_env_done(&s->t);
}

static enum vel_err open_at(const struct sealed *s, vel_time now, struct vel_cid *dcid)
{
    return vel_retry_token_open(s->crypto, &s->key, &s->facts, vel_slice(s->token, s->size), now,
                                dcid);
}

static void a_token_tells_the_first_id(void **state)
{
    (void)state;
    struct sealed s;
    seal(&s);
    struct vel_cid dcid = {0};
    assert_true(vel_token_is_retry(vel_slice(s.token, s.size)));
    ASSERT_OK(open_at(&s, MADE, &dcid));
    assert_true(vel_cid_equal(&dcid, &original));
    done(&s);
}

static void it_lives_ten_seconds(void **state)
{
    (void)state;
    struct sealed s;
    seal(&s);
    struct vel_cid dcid = {0};
    ASSERT_OK(open_at(&s, MADE + 10 * SECOND, &dcid));
    dcid = (struct vel_cid){0};
    ASSERT_ERR("old", open_at(&s, MADE + 10 * SECOND + 1, &dcid), VEL_ERR_TIMEOUT);
    ASSERT_ERR("from the future", open_at(&s, MADE - 1, &dcid), VEL_ERR_TIMEOUT);
    assert_int_equal(dcid.len, 0);
    done(&s);
}

static void it_is_bound(void **state)
{
    (void)state;
    struct sealed good;
    seal(&good);
    enum { ADDRESS, PORT, FAMILY, VERSION, SCID, SCID_SIZE, KEY, TYPE, CUT, LONG, EMPTY, WAYS };
    for (int way = 0; way < WAYS; way++) {
        struct sealed s = good;
        s.facts.remote.ip[3] ^= way == ADDRESS;
        s.facts.remote.port ^= way == PORT;
        s.facts.remote.family = way == FAMILY ? VEL_ADDR_IP6 : VEL_ADDR_IP4;
        s.facts.version ^= way == VERSION;
        s.facts.retry_scid.bytes[7] ^= way == SCID;
        s.facts.retry_scid.len = way == SCID_SIZE ? 7 : 8;
        s.key.bytes[31] ^= way == KEY;
        s.token[0] ^= way == TYPE;
        s.size = way == CUT ? s.size - 1 : way == LONG ? s.size + 1 : way == EMPTY ? 0 : s.size;
        struct vel_cid dcid = {0};
        if (open_at(&s, MADE, &dcid) != VEL_ERR_AUTH || dcid.len != 0)
            fail_msg("change %d was not noticed", way);
    }
    done(&good);
}

static void every_byte_counts(void **state)
{
    (void)state;
    struct sealed s;
    seal(&s);
    for (size_t i = 0; i < s.size; i++) {
        struct vel_cid dcid = {0};
        s.token[i] ^= 1;
        ASSERT_ERR("flipped", open_at(&s, MADE, &dcid), VEL_ERR_AUTH);
        s.token[i] ^= 1;
        ASSERT_ERR(
            "cut",
            vel_retry_token_open(s.crypto, &s.key, &s.facts, vel_slice(s.token, i), MADE, &dcid),
            VEL_ERR_AUTH);
    }
    done(&s);
}

/* ---- NEW_TOKEN ---- */

struct given {
    struct test_env t;
    struct vel_crypto *crypto;
    struct vel_token_key key;
    struct vel_new_token_facts facts;
    uint8_t token[VEL_NEW_TOKEN_SIZE];
    size_t size;
};

static void give(struct given *g)
{
    *g = (struct given){.size = 0};
    test_env_init(&g->t, 1);
    ASSERT_OK(vel_crypto_new(&g->t.env, &g->crypto));
    vel_token_key_init(&g->key, &g->t.env);
    g->facts = (struct vel_new_token_facts){.remote = fixture_ip4(0x0a000001, 4433),
                                            .version = VEL_VERSION_DRAFT};
    ASSERT_OK(
        vel_new_token_seal(g->crypto, &g->t.env, &g->key, &g->facts, MADE, g->token, &g->size));
}

static void take_back(struct given *g)
{
    vel_crypto_free(g->crypto);
    test_env_done(&g->t);
}

static enum vel_err show_at(const struct given *g, vel_time now)
{
    return vel_new_token_open(g->crypto, &g->key, &g->facts, vel_slice(g->token, g->size), now);
}

/* VEL-TR-17: bound to the address, not to the port; a day long. */
static void a_given_token_is_bound(void **state)
{
    (void)state;
    struct given g;
    give(&g);
    assert_int_equal(g.size, VEL_NEW_TOKEN_SIZE);
    assert_true(vel_token_is_new(vel_slice(g.token, g.size)));
    assert_false(vel_token_is_retry(vel_slice(g.token, g.size)));
    ASSERT_OK(show_at(&g, MADE + VEL_NEW_TOKEN_LIFETIME));
    ASSERT_ERR("a day later", show_at(&g, MADE + VEL_NEW_TOKEN_LIFETIME + 1), VEL_ERR_TIMEOUT);
    ASSERT_ERR("before it was made", show_at(&g, MADE - 1), VEL_ERR_TIMEOUT);
    g.facts.remote.port++;
    ASSERT_OK(show_at(&g, MADE));
    g.facts.version = VEL_VERSION_QUIC_V1;
    ASSERT_ERR("another version", show_at(&g, MADE), VEL_ERR_AUTH);
    g.facts.version = VEL_VERSION_DRAFT;
    g.facts.remote.ip[3]++;
    ASSERT_ERR("another address", show_at(&g, MADE), VEL_ERR_AUTH);
    take_back(&g);
}

static void a_given_token_cannot_be_changed(void **state)
{
    (void)state;
    struct given g;
    give(&g);
    for (size_t i = 0; i < g.size; i++) {
        g.token[i] ^= 0x10;
        ASSERT_ERR("changed", show_at(&g, MADE), VEL_ERR_AUTH);
        g.token[i] ^= 0x10;
    }
    for (size_t size = 0; size < VEL_NEW_TOKEN_SIZE; size++) {
        g.size = size;
        ASSERT_ERR("cut", show_at(&g, MADE), VEL_ERR_AUTH);
    }
    take_back(&g);
}

/* The kinds do not pass for each other, not even under one key. */
static void kinds_do_not_mix(void **state)
{
    (void)state;
    struct given g;
    struct vel_cid dcid;
    give(&g);
    g.token[0] = VEL_TOKEN_TYPE_RETRY;
    struct vel_retry_facts facts = {.remote = g.facts.remote, .version = g.facts.version};
    ASSERT_ERR(
        "as a Retry's",
        vel_retry_token_open(g.crypto, &g.key, &facts, vel_slice(g.token, g.size), MADE, &dcid),
        VEL_ERR_AUTH);
    take_back(&g);
}

/* VEL-TR-17 (RFC 9000 8.1.4) */
static void a_token_is_spent_once(void **state)
{
    (void)state;
    static struct vel_spent_tokens spent;
    struct given g;
    give(&g);
    assert_true(vel_token_spend(&spent, vel_slice(g.token, g.size)));
    assert_false(vel_token_spend(&spent, vel_slice(g.token, g.size)));
    assert_false(vel_token_spend(&spent, vel_slice(g.token, g.size)));
    g.token[8]++;
    assert_true(vel_token_spend(&spent, vel_slice(g.token, g.size)));
    take_back(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_tells_the_first_id),
        cmocka_unit_test(it_lives_ten_seconds),
        cmocka_unit_test(it_is_bound),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(a_given_token_is_bound),
        cmocka_unit_test(a_given_token_cannot_be_changed),
        cmocka_unit_test(kinds_do_not_mix),
        cmocka_unit_test(a_token_is_spent_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
