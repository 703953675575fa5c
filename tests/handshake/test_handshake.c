/* SPDX-License-Identifier: MIT */
#include "handshake/handshake.h"

#include "base/units.h"
#include "crypto/sign.h"
#include "handshake/alert.h"
#include "handshake/pair.h"
#include "handshake/velocity_internal.h"
#include "pki/identity.h"

static struct pair pair;

static struct vel_profile_list profiles(const char *text)
{
    struct vel_profile_list list;
    ASSERT_OK(vel_profile_list_parse(text, &list));
    return list;
}

/* Every certificate kind with every profile that it may serve. */
static void every_kind_and_profile(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_SIG_SUITE_COUNT; i++) {
        const struct vel_sig_suite *kind = &vel_sig_suites[i];
        for (enum vel_profile profile = 0; profile <= kind->profile; profile++) {
            pair_init(&pair, kind->label, i);
            pair.client.config.profiles = (struct vel_profile_list){{profile}, 1};
            pair_run(&pair);
            pair_assert_complete(kind->label, &pair);
            const struct vel_handshake_facts *facts = &pair.client.hs->facts;
            CHECK(kind->label, facts->profile == profile && !facts->hello_retry);
            CHECK(kind->label, strcmp(facts->signature, kind->label) == 0);
            CHECK(kind->label, strcmp(facts->group, vel_profile_group(profile)->name) == 0);
            CHECK(kind->label, vel_handshake_hello_datagrams(pair.client.hs) ==
                                   vel_profile_hello_datagrams(profile));
            CHECK(kind->label, vel_handshake_hello_datagrams(pair.server.hs) == 0);
            CHECK(kind->label, !pair.server.hs->facts.peer_authenticated);
            CHECK(kind->label, strcmp(pair.server.hs->facts.server_name, "localhost") == 0);
            pair_done(&pair);
        }
    }
}

/* VEL-HS-20, VEL-HS-21, VEL-HS-24: what is chosen, and when a retry or a refusal follows. */
static void negotiation(void **state)
{
    (void)state;
    const struct {
        const char *what;
        const char *kind;   /* of the server's certificate */
        const char *client; /* profiles in order */
        const char *permit;
        bool prefer_chacha;
        const char *suite; /* NULL: refused */
        bool retry;
    } rows[] = {
        {"first share wins over a stronger offer", "VEL1-MLDSA87-P384", "balanced,secure",
         "light,balanced,secure", false, "VEL_BALANCED_AES_256_GCM_SHA384", false},
        {"secure first", "VEL1-MLDSA87-P384", "secure,balanced", "light,balanced,secure", false,
         "VEL_SECURE_AES_256_GCM_SHA512", false},
        {"retry to what is permitted", "VEL1-MLDSA87-P384", "secure,light", "light,balanced", false,
         "VEL_LIGHT_CHACHA20_POLY1305_SHA256", true},
        {"retry to the strongest", "VEL1-MLDSA87-P384", "light,balanced,secure", "balanced,secure",
         false, "VEL_SECURE_AES_256_GCM_SHA512", true},
        {"retry for the certificate's level", "VEL1-MLDSA65-P256", "secure,balanced",
         "light,balanced,secure", false, "VEL_BALANCED_AES_256_GCM_SHA384", true},
        {"client's order of AEADs", "VEL1-MLDSA65-P256", "balanced", "balanced", true,
         "VEL_BALANCED_CHACHA20_POLY1305_SHA384", false},
        {"chacha in light", "VEL1-MLDSA44-P256", "light", "light", true,
         "VEL_LIGHT_CHACHA20_POLY1305_SHA256", false},
        {"secure knows no chacha", "VEL1-MLDSA87-P384", "secure", "secure", true,
         "VEL_SECURE_AES_256_GCM_SHA512", false},
        {"not permitted", "VEL1-MLDSA87-P384", "light", "balanced,secure", false, NULL, false},
        {"certificate too weak", "VEL1-MLDSA44-P256", "balanced", "light,balanced,secure", false,
         NULL, false},
        {"nothing in common", "VEL1-MLDSA65-P256", "secure", "balanced", false, NULL, false},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        pair_init(&pair, rows[i].kind, i);
        pair.client.config.profiles = profiles(rows[i].client);
        pair.client.config.prefer_chacha = rows[i].prefer_chacha;
        pair.server.config.profiles = profiles(rows[i].permit);
        pair_run(&pair);
        if (rows[i].suite == NULL) {
            pair_assert_failed(rows[i].what, &pair.server, VEL_ALERT_PROFILE_POLICY_VIOLATION);
            CHECK(rows[i].what, pair.client.hs->state == VEL_HS_RUNNING);
        } else {
            pair_assert_complete(rows[i].what, &pair);
            if (strcmp(pair.client.hs->facts.suite, rows[i].suite) != 0)
                fail_msg("%s: suite %s", rows[i].what, pair.client.hs->facts.suite);
            CHECK(rows[i].what, pair.client.hs->facts.hello_retry == rows[i].retry);
        }
        pair_done(&pair);
    }
}

/* VEL-HS-27 */
static void application_protocols(void **state)
{
    (void)state;
    const struct vel_slice ab[] = {vel_slice_text("a"), vel_slice_text("b")};
    const struct vel_slice bc[] = {vel_slice_text("c"), vel_slice_text("b")};
    const struct vel_slice d[] = {vel_slice_text("d")};

    pair_init(&pair, "VEL1-MLDSA44-Ed25519", 5);
    pair.client.config.alpn = ab;
    pair.client.config.alpn_count = 2;
    pair.server.config.alpn = bc;
    pair.server.config.alpn_count = 2;
    pair_run(&pair);
    pair_assert_complete("common protocol", &pair);
    assert_int_equal(pair.client.hs->facts.alpn[0], 'b');
    pair_done(&pair);

    const struct vel_slice of_others[] = {vel_slice_text("h3"), vel_slice_text("http/1.1"),
                                          vel_slice_text("velocity/1")};
    pair_init(&pair, "VEL1-MLDSA44-Ed25519", 5);
    pair.client.config.alpn = pair.server.config.alpn = of_others;
    pair.client.config.alpn_count = pair.server.config.alpn_count = 3;
    pair_run(&pair);
    pair_assert_complete("names of other versions are passed over", &pair);
    assert_int_equal(pair.client.hs->facts.alpn[0], 'v');
    pair_done(&pair);

    pair_init(&pair, "VEL1-MLDSA44-Ed25519", 5);
    pair.client.config.alpn = ab;
    pair.client.config.alpn_count = 2;
    pair.server.config.alpn = d;
    pair_run(&pair);
    pair_assert_failed("no protocol", &pair.server, VEL_ALERT_NO_APPLICATION_PROTOCOL);
    pair_done(&pair);
}

/* VEL-HS-01: any split of the streams, down to single bytes. */
static void split_bytes(void **state)
{
    (void)state;
    const size_t pieces[] = {1, 2, 3, 5, 1000};
    for (size_t i = 0; i < VEL_COUNT(pieces); i++) {
        pair_init(&pair, "VEL1-MLDSA44-Ed25519", 6);
        pair.piece = pieces[i];
        pair_run(&pair);
        pair_assert_complete("split", &pair);
        pair_done(&pair);
    }
}

/* VEL-HS-28: an address is checked against the certificate but not sent. */
static void addresses_are_not_sent(void **state)
{
    (void)state;
    const char *const names[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < VEL_COUNT(names); i++) {
        pair_init(&pair, "VEL1-MLDSA44-Ed25519", 7);
        pair.client.config.server_name = names[i];
        pair_run(&pair);
        CHECK(names[i], pair.server.hs->facts.server_name[0] == '\0');
        pair_assert_failed(names[i], &pair.client, VEL_ALERT_BAD_CERTIFICATE);
        CHECK(names[i], pair.client.hs->failure.verdict.check == VEL_CERT_NAME);
        pair_done(&pair);
    }
}

/* VEL-HS-29 */
static void refused_parameters(void **state)
{
    (void)state;
    pair_init(&pair, "VEL1-MLDSA44-Ed25519", 8);
    pair.server.params_answer = VEL_ERR_MALFORMED;
    pair_run(&pair);
    pair_assert_failed("client's", &pair.server, VEL_ALERT_TRANSPORT_PARAMETER_ERROR);
    pair_done(&pair);

    pair_init(&pair, "VEL1-MLDSA44-Ed25519", 8);
    pair.client.params_answer = VEL_ERR_MALFORMED;
    pair_run(&pair);
    pair_assert_failed("server's", &pair.client, VEL_ALERT_TRANSPORT_PARAMETER_ERROR);
    pair_done(&pair);
}

static void parameters_once_with_retry(void **state)
{
    (void)state;
    pair_init(&pair, "VEL1-MLDSA65-P256", 9);
    pair.client.config.profiles = profiles("secure,balanced");
    pair_run(&pair);
    pair_assert_complete("retry", &pair);
    assert_int_equal(pair.server.params_calls, 1);
    assert_int_equal(pair.client.params_calls, 1);
    pair_done(&pair);
}

/* VEL-HS-15: a suite, a group with a share, and an extension that mean nothing. */
static void check_grease(struct pair *p, bool by_client, enum vel_level *level,
                         struct vel_buf *message)
{
    (void)by_client;
    (void)level;
    if (p->delivered != 0)
        return;
    struct vel_handshake_failure why = {0};
    struct vel_client_hello hello;
    ASSERT_OK(vel_client_hello_decode(
        vel_slice(message->ptr + VEL_MSG_HEADER, message->len - VEL_MSG_HEADER), &hello, &why));
    struct vel_slice firsts[] = {hello.suites, hello.groups, hello.shares, hello.fixed[1]};
    for (size_t i = 0; i < VEL_COUNT(firsts); i++) {
        assert_int_equal(firsts[i].ptr[0] & 0x0f, 0x0a);
        assert_int_equal(firsts[i].ptr[0], firsts[i].ptr[1]);
    }
    assert_int_equal(vel_client_hello_share(&hello, (uint16_t)(hello.groups.ptr[0] * 0x101)).len,
                     1);
}

static void grease(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        pair_init(&pair, "VEL1-MLDSA44-Ed25519", seed);
        pair.tamper = check_grease;
        pair_run(&pair);
        pair_assert_complete("greased", &pair);
        pair_done(&pair);
    }
}

/* VEL-HS-34: what the handshake needed to be secret is gone when it is over, well or badly. */
static bool is_wiped(const struct vel_handshake *hs)
{
    const struct vel_velocity *v = (const struct vel_velocity *)(const void *)hs;
    const struct vel_schedule *s = &v->schedule;
    return v->kem == NULL && s->main.len == 0 && s->client_handshake.len == 0 &&
           s->server_handshake.len == 0 && s->client_app.len == 0 && s->server_app.len == 0;
}

static void nothing_secret_stays(void **state)
{
    (void)state;
    pair_init(&pair, "VEL1-MLDSA44-Ed25519", 12);
    pair_run(&pair);
    assert_true(is_wiped(pair.client.hs) && is_wiped(pair.server.hs));
    pair_done(&pair);

    pair_init(&pair, "VEL1-MLDSA44-Ed25519", 12);
    pair.client.config.server_name = "example.org";
    pair_run(&pair);
    pair_assert_failed("wrong name", &pair.client, VEL_ALERT_BAD_CERTIFICATE);
    assert_true(is_wiped(pair.client.hs));
    assert_false(is_wiped(pair.server.hs)); /* still waits */
    pair_done(&pair);
}

/* ---- what a configuration must have ---- */

struct key_lines {
    char lines[4][256]; /* sorted by label */
    unsigned count;
};

static void keep_line(void *self, const char *line)
{
    static const char *const labels[] = {
        "VELOCITY_CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "VELOCITY_CLIENT_TRAFFIC_SECRET_0 ",
        "VELOCITY_SERVER_HANDSHAKE_TRAFFIC_SECRET ", "VELOCITY_SERVER_TRAFFIC_SECRET_0 "};
    struct key_lines *kept = self;
    for (size_t i = 0; i < VEL_COUNT(labels); i++)
        if (strncmp(line, labels[i], strlen(labels[i])) == 0) {
            size_t secret = strlen(line) - strlen(labels[i]) - 64 - 1; /* of SHA-384 or SHA-512 */
            assert_true(secret == 96 || secret == 128);
            snprintf(kept->lines[i], sizeof kept->lines[i], "%s", line);
            kept->count++;
        }
}

/* Every secret once, named by the client's random; after a retry as well. */
static void both_ends_log_the_same_secrets(void **state)
{
    (void)state;
    for (int retry = 0; retry <= 1; retry++) {
        struct key_lines client = {0}, server = {0};
        pair_init(&pair, "VEL1-MLDSA87-P384", 1);
        pair.client.config.profiles = profiles(retry ? "balanced,secure" : "balanced");
        pair.server.config.profiles = profiles(retry ? "secure" : "balanced");
        pair.client.config.key_log = pair.server.config.key_log = keep_line;
        pair.client.config.key_log_self = &client;
        pair.server.config.key_log_self = &server;
        pair_run(&pair);
        pair_assert_complete("key log", &pair);
        assert_true(pair.client.hs->facts.hello_retry == (retry != 0));
        assert_int_equal(client.count, 4);
        assert_int_equal(server.count, 4);
        assert_memory_equal(client.lines, server.lines, sizeof client.lines);
        pair_done(&pair);
    }
}

static void unusable_configurations(void **state)
{
    (void)state;
    static const struct vel_slice others[] = {{(const uint8_t *)"h3", 2},
                                              {(const uint8_t *)"h2", 2}};
    static const struct vel_slice empty[] = {{NULL, 0}};
#define ROW(name, statement)                                                                       \
    do {                                                                                           \
        pair_init(&pair, "VEL1-MLDSA44-Ed25519", 1);                                               \
        struct vel_config *client = &pair.client.config;                                           \
        struct vel_config *server = &pair.server.config;                                           \
        (void)client;                                                                              \
        (void)server;                                                                              \
        statement;                                                                                 \
        ASSERT_ERR(name, pair_start(&pair), VEL_ERR_ARGUMENT);                                     \
        pair_done(&pair);                                                                          \
    } while (0)
    ROW("no identity", server->identity = NULL);
    ROW("client auth without trust", server->client_auth = VEL_CLIENT_AUTH_REQUEST);
    ROW("no trust", client->trust = NULL);
    ROW("no name", client->server_name = NULL);
    ROW("no protocol", client->alpn_count = 0);
    ROW("other versions' protocols alone", client->alpn = others;
        client->alpn_count = 2); /* VEL-HS-27 */
    ROW("empty protocol", server->alpn = empty);
    ROW("no profile", client->profiles.count = 0);
#undef ROW
}

static void insecure_needs_no_trust(void **state)
{
    (void)state;
    pair_init(&pair, "VEL1-MLDSA44-Ed25519", 10);
    pair.client.config.trust = NULL;
    pair.client.config.server_name = NULL;
    pair.client.config.insecure = true;
    pair_run(&pair);
    pair_assert_complete("insecure", &pair);
    pair_done(&pair);
}

/* ---- memory ---- */

/* The nth allocation fails, on one side: that side fails with an error, nothing leaks. */
static void failing_allocations(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        bool complete = false;
        for (long n = 0; !complete; n++) {
            pair_init(&pair, "VEL1-MLDSA44-Ed25519", 11);
            pair_authenticate_client(&pair, VEL_CLIENT_AUTH_REQUIRE);
            struct pair_side *weak = side == 0 ? &pair.client : &pair.server;
            weak->test.fail_after = n;
            if (pair_start(&pair) == VEL_OK)
                pair_deliver(&pair);
            complete = pair.server.hs != NULL && pair.server.hs->state == VEL_HS_COMPLETE;
            weak->test.fail_after = -1;
            if (!complete)
                ASSERT_ERR("weak side", weak->err, VEL_ERR_NOMEM);
            pair_done(&pair);
            assert_true(n < 1000);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_and_profile),
        cmocka_unit_test(negotiation),
        cmocka_unit_test(application_protocols),
        cmocka_unit_test(split_bytes),
        cmocka_unit_test(addresses_are_not_sent),
        cmocka_unit_test(refused_parameters),
        cmocka_unit_test(parameters_once_with_retry),
        cmocka_unit_test(grease),
        cmocka_unit_test(nothing_secret_stays),
        cmocka_unit_test(both_ends_log_the_same_secrets),
        cmocka_unit_test(unusable_configurations),
        cmocka_unit_test(insecure_needs_no_trust),
        cmocka_unit_test(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
