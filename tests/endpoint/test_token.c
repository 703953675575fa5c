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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_tells_the_first_id),
        cmocka_unit_test(it_lives_ten_seconds),
        cmocka_unit_test(it_is_bound),
        cmocka_unit_test(every_byte_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
