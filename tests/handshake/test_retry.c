/* SPDX-License-Identifier: MIT */
/* Hello retry, and answers that were not asked for. */
#include "base/units.h"
#include "base/writer.h"
#include "handshake/alert.h"
#include "handshake/pair.h"

/* Messages of a handshake with a retry, in order. */
enum { CH, HRR, CH2, SH };

static struct pair pair;

struct edit {
    unsigned message;
    size_t from_front; /* position, or 0 */
    size_t from_back;  /* position counted from the end, when from_front is 0 */
    uint16_t value;    /* written there */
};

static void apply(struct pair *p, bool by_client, enum vel_level *level, struct vel_buf *message)
{
    (void)by_client;
    (void)level;
    const struct edit *edit = p->context;
    if (p->delivered != edit->message)
        return;
    size_t at = edit->from_front > 0 ? edit->from_front : message->len - edit->from_back;
    vel_store_uint(message->ptr + at, edit->value, 2);
}

/* secure is offered with a share, balanced only named: the certificate is of balanced's level. */
static void run(const char *profiles, pair_tamper_fn tamper, struct edit *edit)
{
    pair_init(&pair, "VEL1-MLDSA65-P256", 4);
    ASSERT_OK(vel_profile_list_parse(profiles, &pair.client.config.profiles));
    pair.tamper = tamper;
    pair.context = edit;
    pair_run(&pair);
}

enum { SUITE_IN_RETRY = 4, SUITE_IN_HELLO = 4 + 32, GROUP_IN_HELLO = 4 + 32 + 2 + 2 + 4 };

/* VEL-HS-23, VEL-HS-25, VEL-HS-26 */
static void wrong_answers(void **state)
{
    (void)state;
    const struct {
        const char *what;
        const char *profiles;
        struct edit edit;
    } rows[] = {
        {"unknown suite",
         "balanced",
         {.message = 1, .from_front = SUITE_IN_HELLO, .value = 0x1301}},
        {"suite of no offered profile",
         "balanced",
         {.message = 1, .from_front = SUITE_IN_HELLO, .value = 0x5601}},
        {"unknown group",
         "balanced",
         {.message = 1, .from_front = GROUP_IN_HELLO, .value = 0x001d}},
        {"group of no offered profile",
         "balanced",
         {.message = 1, .from_front = GROUP_IN_HELLO, .value = 0xfe12}},
        {"suite and group apart",
         "balanced,light",
         {.message = 1, .from_front = SUITE_IN_HELLO, .value = 0x5601}},
        {"group without share",
         "balanced,light",
         {.message = 1, .from_front = GROUP_IN_HELLO, .value = 0xfe12}},
        {"retry for the group that was sent",
         "secure,balanced",
         {.message = HRR, .from_back = 2, .value = 0x11ed}},
        {"retry for a group not offered",
         "secure,balanced",
         {.message = HRR, .from_back = 2, .value = 0xfe12}},
        {"retry with a suite apart",
         "secure,balanced",
         {.message = HRR, .from_front = SUITE_IN_RETRY, .value = 0x5621}},
        {"suite changed after the retry",
         "secure,balanced",
         {.message = SH, .from_front = SUITE_IN_HELLO, .value = 0x5612}},
        {"group changed after the retry",
         "secure,balanced",
         {.message = SH, .from_front = GROUP_IN_HELLO, .value = 0x11ed}},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct edit edit = rows[i].edit;
        run(rows[i].profiles, apply, &edit);
        pair_assert_failed(rows[i].what, &pair.client, VEL_ALERT_ILLEGAL_PARAMETER);
        pair_done(&pair);
    }
}

/* A whole message put in the place of another. */
static struct vel_buf kept;

static void repeat_first(struct pair *p, bool by_client, enum vel_level *level,
                         struct vel_buf *message)
{
    (void)by_client;
    (void)level;
    const struct edit *edit = p->context; /* message: put there; value: the one to keep */
    if (p->delivered == edit->value)
        ASSERT_OK(vel_buf_append(&kept, vel_buf_slice(message)));
    if (p->delivered == edit->message) {
        message->len = 0;
        ASSERT_OK(vel_buf_append(message, vel_buf_slice(&kept)));
    }
}

/* VEL-HS-21: at most one retry. VEL-HS-22: the second hello must have what was asked for. */
static void no_second_retry(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    kept = (struct vel_buf){.env = &t.env, .limit = 64 * KIB};
    struct edit retry = {.message = SH, .value = HRR};
    run("secure,balanced", repeat_first, &retry);
    pair_assert_failed("two retries", &pair.client, VEL_ALERT_UNEXPECTED_MESSAGE);
    pair_done(&pair);
    vel_buf_free(&kept);

    struct edit hello = {.message = CH2, .value = CH};
    run("secure,balanced", repeat_first, &hello);
    pair_assert_failed("the same hello again", &pair.server, VEL_ALERT_ILLEGAL_PARAMETER);
    pair_done(&pair);
    vel_buf_free(&kept);
    test_env_done(&t);
}

static void flip(struct pair *p, bool by_client, enum vel_level *level, struct vel_buf *message)
{
    (void)by_client;
    (void)level;
    const struct edit *edit = p->context;
    if (p->delivered == edit->message)
        message->ptr[edit->from_front] ^= 1;
}

/* VEL-HS-22: random, suites and a greased extension of the second hello are compared. */
static void second_hello_repeats(void **state)
{
    (void)state;
    const size_t positions[] = {4, 4 + 31, 4 + 32 + 2, 4 + 32 + 3};
    for (size_t i = 0; i < VEL_COUNT(positions); i++) {
        struct edit edit = {.message = CH2, .from_front = positions[i]};
        run("secure,balanced", flip, &edit);
        pair_assert_failed("second hello", &pair.server, VEL_ALERT_ILLEGAL_PARAMETER);
        pair_done(&pair);
    }
}

/* Put one more share, of one byte for an offered group, behind the one that was asked for. */
static void add_share(struct pair *p, bool by_client, enum vel_level *level,
                      struct vel_buf *message)
{
    (void)by_client;
    (void)level;
    const struct edit *edit = p->context;
    if (p->delivered != edit->message)
        return;
    size_t share = message->len - vel_group_find(0x11ec)->share_size;
    size_t suites = VEL_MSG_HEADER + VEL_RANDOM_SIZE;
    size_t extensions = suites + 2 + (size_t)(message->ptr[suites] << 8 | message->ptr[suites + 1]);
    const size_t lengths[] = {2, extensions, share - 4 - 4, share - 4 - 2}; /* u16 each */
    ASSERT_OK(vel_buf_append(message, BYTES(0x11, 0xed, 0, 1, 0)));
    for (size_t i = 0; i < VEL_COUNT(lengths); i++) {
        uint8_t *at = message->ptr + lengths[i];
        vel_store_uint(at, (uint64_t)(at[0] << 8 | at[1]) + 5, 2);
    }
}

/* VEL-HS-22: nor may it bring another share besides. */
static void second_hello_has_one_share(void **state)
{
    (void)state;
    struct edit edit = {.message = CH2};
    run("secure,balanced", add_share, &edit);
    pair_assert_failed("one share too many", &pair.server, VEL_ALERT_ILLEGAL_PARAMETER);
    pair_done(&pair);
}

/* VEL-HS-31: both transcripts replace the first hello alike, for each hash. */
static void retry_completes(void **state)
{
    (void)state;
    const struct {
        const char *kind;
        const char *profiles;
        const char *permit;
    } rows[] = {
        {"VEL1-MLDSA87-P384", "light,secure", "secure"},
        {"VEL1-MLDSA87-Ed25519", "secure,balanced", "balanced"},
        {"VEL1-MLDSA44-P256", "balanced,light", "light,balanced"},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        pair_init(&pair, rows[i].kind, i);
        ASSERT_OK(vel_profile_list_parse(rows[i].profiles, &pair.client.config.profiles));
        ASSERT_OK(vel_profile_list_parse(rows[i].permit, &pair.server.config.profiles));
        pair_authenticate_client(&pair, VEL_CLIENT_AUTH_REQUIRE);
        pair_run(&pair);
        pair_assert_complete(rows[i].kind, &pair);
        CHECK(rows[i].kind, pair.client.hs->facts.hello_retry);
        pair_done(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_answers),        cmocka_unit_test(no_second_retry),
        cmocka_unit_test(second_hello_repeats), cmocka_unit_test(second_hello_has_one_share),
        cmocka_unit_test(retry_completes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
