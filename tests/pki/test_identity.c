/* SPDX-License-Identifier: MIT */
/* VEL-CERT-24: a chain and the private keys of its leaf. */
#include "pki/identity.h"

#include "base/units.h"
#include "pki/forge.h"
#include "pki/pem.h"

static const char *const site[] = {"www.example.org"};

struct world {
    struct forge f;
    struct made ca;
    struct made leaf;
    struct made other;
};

static int set_up(void **state)
{
    static struct world w;
    forge_open(&w.f);
    struct vel_cert_order ca = forge_ca("CA", 0);
    struct vel_cert_order leaf = forge_leaf(site, 1);
    forge_make(&w.f, &ca, NULL, &w.ca);
    forge_make(&w.f, &leaf, &w.ca, &w.leaf);
    forge_make(&w.f, &leaf, NULL, &w.other);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    forge_unmake(&w->other);
    forge_unmake(&w->leaf);
    forge_unmake(&w->ca);
    forge_close(&w->f);
    return 0;
}

/* The nth private key block (0 or 1) of an identity's keys. */
static struct vel_slice key_block(const struct made *made, unsigned n)
{
    static const char end[] = "-----END PRIVATE KEY-----\n";
    struct vel_slice all = vel_buf_slice(&made->key_pem);
    const uint8_t *cut = memmem(all.ptr, all.len, end, strlen(end));
    assert_non_null(cut);
    size_t first = (size_t)(cut - all.ptr) + strlen(end);
    return n == 0 ? vel_slice(all.ptr, first) : vel_slice(all.ptr + first, all.len - first);
}

static void pairs(void **state)
{
    struct world *w = *state;
    struct vel_slice chain = vel_buf_slice(&w->leaf.chain_pem);
    const struct {
        const char *what;
        struct vel_slice chain;
        struct vel_slice keys[3];
        enum vel_err want;
    } rows[] = {
        {"both keys", chain, {key_block(&w->leaf, 0), key_block(&w->leaf, 1)}, VEL_OK},
        {"classical key only", chain, {key_block(&w->leaf, 0)}, VEL_OK},
        {"keys in the wrong order",
         chain,
         {key_block(&w->leaf, 1), key_block(&w->leaf, 0)},
         VEL_ERR_AUTH},
        {"ML-DSA key only", chain, {key_block(&w->leaf, 1)}, VEL_ERR_AUTH},
        {"classical key of another",
         chain,
         {key_block(&w->other, 0), key_block(&w->leaf, 1)},
         VEL_ERR_AUTH},
        {"ML-DSA key of another",
         chain,
         {key_block(&w->leaf, 0), key_block(&w->other, 1)},
         VEL_ERR_AUTH},
        {"three keys",
         chain,
         {key_block(&w->leaf, 0), key_block(&w->leaf, 1), key_block(&w->other, 0)},
         VEL_ERR_MALFORMED},
        {"no key", chain, {{0}}, VEL_ERR_MALFORMED},
        {"a certificate for a key", chain, {chain}, VEL_ERR_MALFORMED},
        {"no certificate", key_block(&w->leaf, 0), {key_block(&w->leaf, 0)}, VEL_ERR_MALFORMED},
        {"cut certificate",
         vel_slice(chain.ptr, chain.len / 2),
         {key_block(&w->leaf, 0)},
         VEL_ERR_MALFORMED},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_buf keys = {.env = &w->f.t.env, .limit = 1 << 16};
        for (size_t k = 0; k < VEL_COUNT(rows[i].keys); k++)
            ASSERT_OK(vel_buf_append(&keys, rows[i].keys[k]));
        struct vel_identity *identity = NULL;
        ASSERT_ERR(rows[i].what,
                   vel_identity_parse(&w->f.t.env, w->f.crypto, rows[i].chain, vel_buf_slice(&keys),
                                      &identity),
                   rows[i].want);
        CHECK(rows[i].what, (identity != NULL) == (rows[i].want == VEL_OK));
        vel_identity_free(identity);
        vel_buf_free(&keys);
    }
}

static void classical_only(void **state)
{
    struct world *w = *state;
    struct vel_identity *identity = NULL;
    ASSERT_OK(vel_identity_parse(&w->f.t.env, w->f.crypto, vel_buf_slice(&w->leaf.chain_pem),
                                 key_block(&w->leaf, 0), &identity));
    assert_null(vel_identity_keys(identity)->suite);
    assert_null(vel_identity_keys(identity)->pq);
    vel_identity_free(identity);
}

static void whole_chain(void **state)
{
    struct world *w = *state;
    struct vel_identity *identity = NULL;
    struct vel_buf chain = {.env = &w->f.t.env, .limit = VEL_CHAIN_PEM_MAX};
    ASSERT_OK(vel_buf_append(&chain, vel_buf_slice(&w->leaf.chain_pem)));
    ASSERT_OK(vel_buf_append(&chain, vel_buf_slice(&w->ca.chain_pem)));
    ASSERT_OK(vel_identity_parse(&w->f.t.env, w->f.crypto, vel_buf_slice(&chain),
                                 vel_buf_slice(&w->leaf.key_pem), &identity));
    size_t count = 0;
    const struct vel_slice *ders = vel_identity_chain(identity, &count);
    assert_int_equal(count, 2);
    assert_true(vel_slice_equal(ders[0], w->leaf.cert.der));
    assert_true(vel_slice_equal(ders[1], w->ca.cert.der));
    vel_identity_free(identity);

    for (size_t i = 2; i < VEL_CHAIN_MAX + 1; i++)
        ASSERT_OK(vel_buf_append(&chain, vel_buf_slice(&w->ca.chain_pem)));
    ASSERT_ERR("nine certificates",
               vel_identity_parse(&w->f.t.env, w->f.crypto, vel_buf_slice(&chain),
                                  vel_buf_slice(&w->leaf.key_pem), &identity),
               VEL_ERR_MALFORMED);
    vel_buf_free(&chain);
}

static void allocation_fails(void **state)
{
    struct world *w = *state;
    enum vel_err err = VEL_ERR_NOMEM;
    for (long n = 0; err == VEL_ERR_NOMEM && n < 50; n++) {
        struct vel_identity *identity = NULL;
        w->f.t.fail_after = n;
        err = vel_identity_parse(&w->f.t.env, w->f.crypto, vel_buf_slice(&w->leaf.chain_pem),
                                 vel_buf_slice(&w->leaf.key_pem), &identity);
        w->f.t.fail_after = -1;
        vel_identity_free(identity);
    }
    ASSERT_OK(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs),
        cmocka_unit_test(classical_only),
        cmocka_unit_test(whole_chain),
        cmocka_unit_test(allocation_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
