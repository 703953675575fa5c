/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "pki/forge.h"

static enum vel_err verify(struct forge *f, const struct vel_identity *identity,
                           const struct vel_trust *trust, const char *name, enum vel_profile level,
                           int64_t unix_time)
{
    struct vel_cert_request request = {
        .name = name, .use = VEL_USE_SERVER, .level = level, .unix_time = unix_time};
    struct vel_cert_verdict verdict;
    struct vel_dual_key leaf;
    request.chain = vel_identity_chain(identity, &request.count);
    enum vel_err err = vel_cert_verify(&f->t.env, f->crypto, trust, &request, &verdict, &leaf);
    if (err == VEL_OK)
        vel_dual_key_clear(&leaf);
    return err;
}

/* What is made is trusted for its name, its time and its profile, and for no other. */
static void good_for_what_was_asked(void **state)
{
    (void)state;
    const struct {
        const char *name;
        enum vel_profile profile;
    } rows[] = {
        {"demo.example", VEL_PROFILE_LIGHT},
        {"demo.example", VEL_PROFILE_BALANCED},
        {"127.0.0.1", VEL_PROFILE_SECURE},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct forge f;
        struct vel_trust *trust = NULL;
        struct vel_identity *identity = NULL;
        int64_t days = VEL_SELF_SIGNED_DAYS * FORGE_DAY;
        forge_open(&f);
        ASSERT_OK(vel_trust_new(&f.t.env, f.crypto, &trust));
        ASSERT_OK(vel_identity_self_signed(&f.t.env, f.crypto, rows[i].name, rows[i].profile,
                                           FORGE_NOW, trust, &identity));
        enum vel_profile level = rows[i].profile;
        ASSERT_OK(verify(&f, identity, trust, rows[i].name, level, FORGE_NOW));
        ASSERT_ERR("another name", verify(&f, identity, trust, "x.example", level, FORGE_NOW),
                   VEL_ERR_AUTH);
        ASSERT_ERR("too late",
                   verify(&f, identity, trust, rows[i].name, level, FORGE_NOW + days + 1),
                   VEL_ERR_AUTH);
        vel_identity_free(identity);
        vel_trust_free(trust);
        forge_close(&f);
    }
}

static void refusals(void **state)
{
    (void)state;
    struct forge f;
    struct vel_identity *identity = NULL;
    forge_open(&f);
    ASSERT_ERR("no name",
               vel_identity_self_signed(&f.t.env, f.crypto, "not a name", VEL_PROFILE_BALANCED,
                                        FORGE_NOW, NULL, &identity),
               VEL_ERR_ARGUMENT);
    f.t.fail_after = 0;
    ASSERT_ERR("memory",
               vel_identity_self_signed(&f.t.env, f.crypto, "demo.example", VEL_PROFILE_BALANCED,
                                        FORGE_NOW, NULL, &identity),
               VEL_ERR_NOMEM);
    f.t.fail_after = -1;
    assert_null(identity);
    forge_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_for_what_was_asked),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
