/* SPDX-License-Identifier: MIT */
/* TLS 1.3 as a handshake provider: two of them joined in memory, and bytes that no honest peer
 * sends. */
#include <malloc.h>
#include <openssl/ssl.h>

#include "base/units.h"
#include "base/writer.h"
#include "handshake/alert.h"
#include "handshake/classical.h"
#include "handshake/pair.h"
#include "handshake/tls_context.h"

enum { YEAR = 365 * 24 * 3600, PEM_MAX = 1 << 16 };
enum { EXTENSION_ALPN = 16, EXTENSION_PARAMS = 57, EXTENSION_NONE = 0xfafa };

/* The pair with what TLS is made with on both sides; change the setups before `start`. */
static struct world {
    struct pair pair;
    struct test_env t;
    struct vel_buf pem;
    const struct vel_identity *identity;
    struct vel_tls_setup client, server;
    struct vel_tls *client_tls, *server_tls;
} w;

static const struct vel_slice names[] = {{(const uint8_t *)"velocity/1", 10},
                                         {(const uint8_t *)"h3", 2}};

static void begin(const char *kind)
{
    pair_init(&w.pair, kind, 1);
    test_env_init(&w.t, 2);
    w.pair.version = VEL_VERSION_QUIC_V1;
    w.pem = (struct vel_buf){.env = &w.t.env, .limit = PEM_MAX};
    w.identity = w.pair.server.config.identity;
    classical_chain_pem(w.identity, &w.pem);
    w.client = (struct vel_tls_setup){.env = &w.t.env,
                                      .crypto = pair_crypto(),
                                      .is_client = true,
                                      .trust_pem = vel_buf_slice(&w.pem)};
    w.server = (struct vel_tls_setup){
        .env = &w.t.env, .crypto = pair_crypto(), .identities = &w.identity, .identity_count = 1};
    struct vel_config *configs[] = {&w.pair.client.config, &w.pair.server.config};
    for (size_t i = 0; i < VEL_COUNT(configs); i++) {
        configs[i]->alpn = names;
        configs[i]->alpn_count = VEL_COUNT(names);
    }
}

static void make_tls(void)
{
    ASSERT_OK(vel_tls_new(&w.client, &w.client_tls));
    ASSERT_OK(vel_tls_new(&w.server, &w.server_tls));
    w.pair.client.config.tls = w.client_tls;
    w.pair.server.config.tls = w.server_tls;
}

static void run(void)
{
    make_tls();
    pair_run(&w.pair);
}

static void end(void)
{
    pair_done(&w.pair);
    vel_tls_free(w.client_tls);
    vel_tls_free(w.server_tls);
    vel_buf_free(&w.pem);
    test_env_done(&w.t);
}

/* ---- good handshakes ---- */

static void hybrid_certificates(void **state)
{
    (void)state;
    const struct {
        const char *kind, *signature;
    } rows[] = {
        {"VEL1-MLDSA65-P256", "ecdsa_secp256r1_sha256"},
        {"VEL1-MLDSA44-Ed25519", "ed25519"},
        {"VEL1-MLDSA87-P384", "ecdsa_secp384r1_sha384"},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        begin(rows[i].kind);
        run();
        pair_assert_complete(rows[i].kind, &w.pair);
        const struct vel_handshake_facts *facts = &w.pair.client.hs->facts;
        assert_string_equal(facts->signature, rows[i].signature);
        assert_string_equal(facts->group, "X25519MLKEM768");
        assert_false(facts->hello_retry);
        assert_int_equal(facts->alpn_len, 2);
        assert_memory_equal(facts->alpn, "h3", 2);
        assert_string_equal(w.pair.server.hs->facts.server_name, "localhost");
        assert_int_equal(w.pair.client.params_calls, 1);
        end();
    }
}

static void every_suite(void **state)
{
    (void)state;
    const char *const suites[] = {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"};
    for (size_t i = 0; i < VEL_COUNT(suites); i++) {
        begin("VEL1-MLDSA44-Ed25519");
        w.pair.client.config.prefer_chacha = i == 1;
        run();
        pair_assert_complete(suites[i], &w.pair);
        assert_string_equal(w.pair.client.hs->facts.suite, suites[i]);
        end();
    }
}

/* A client whose share is classical is asked for the hybrid one, if it can make it. */
static void hello_retry(void **state)
{
    (void)state;
    begin("VEL1-MLDSA65-P256");
    make_tls();
    char groups[] = "*X25519:X25519MLKEM768";
    assert_int_equal(SSL_CTX_set1_groups_list(vel_tls_ctx(w.client_tls), groups), 1);
    pair_run(&w.pair);
    pair_assert_complete("hello retry", &w.pair);
    assert_true(w.pair.client.hs->facts.hello_retry);
    assert_string_equal(w.pair.client.hs->facts.group, "X25519MLKEM768");
    assert_int_equal(w.pair.server.params_calls, 1);
    end();
}

static void classical_groups_for_old_clients(void **state)
{
    (void)state;
    const char *const groups[] = {"X25519", "P-256"};
    for (size_t i = 0; i < VEL_COUNT(groups); i++) {
        begin("VEL1-MLDSA65-P256");
        make_tls();
        char list[16];
        snprintf(list, sizeof list, "%s", groups[i]);
        assert_int_equal(SSL_CTX_set1_groups_list(vel_tls_ctx(w.client_tls), list), 1);
        pair_run(&w.pair);
        pair_assert_complete(groups[i], &w.pair);
        assert_string_equal(w.pair.server.hs->facts.group, groups[i]);
        end();
    }
}

static void split_bytes(void **state)
{
    (void)state;
    const size_t pieces[] = {1, 3, 100, 1000};
    for (size_t i = 0; i < VEL_COUNT(pieces); i++) {
        begin("VEL1-MLDSA65-P256");
        w.pair.piece = pieces[i];
        run();
        pair_assert_complete("split", &w.pair);
        end();
    }
}

static void mutual_authentication(void **state)
{
    (void)state;
    begin("VEL1-MLDSA65-P256");
    w.client.identities = &w.identity;
    w.client.identity_count = 1;
    w.server.trust_pem = vel_buf_slice(&w.pem);
    w.server.client_auth = VEL_TLS_CLIENT_AUTH_REQUIRE;
    run();
    pair_assert_complete("mutual", &w.pair);
    assert_true(w.pair.server.hs->facts.peer_authenticated);
    assert_int_equal(w.pair.server.hs->facts.peer_chain_count, 1);
    end();
}

/* ---- refusals ---- */

static void refused_certificates(void **state)
{
    (void)state;
    const struct {
        const char *what, *name;
        int64_t at;
        enum vel_cert_check check;
        uint64_t code;
    } rows[] = {
        {"another name", "example.org", PAIR_DATE, VEL_CERT_NAME, VEL_ALERT_BAD_CERTIFICATE},
        {"expired", "localhost", PAIR_DATE + YEAR, VEL_CERT_EXPIRED, VEL_ALERT_CERTIFICATE_EXPIRED},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        begin("VEL1-MLDSA65-P256");
        w.pair.client.config.server_name = rows[i].name;
        w.pair.unix_time = rows[i].at;
        run();
        pair_assert_failed(rows[i].what, &w.pair.client, rows[i].code);
        CHECK(rows[i].what, w.pair.client.hs->failure.verdict.check == rows[i].check);
        CHECK(rows[i].what, w.pair.server.hs->state == VEL_HS_RUNNING);
        end();
    }
}

static void unknown_issuer(void **state)
{
    (void)state;
    begin("VEL1-MLDSA65-P256");
    w.pem.len = 0;
    classical_chain_pem(pair_credentials(pair_kind("VEL1-MLDSA44-Ed25519"))->identity, &w.pem);
    w.client.trust_pem = vel_buf_slice(&w.pem);
    run();
    pair_assert_failed("stranger", &w.pair.client, VEL_ALERT_UNKNOWN_CA);
    assert_int_equal(w.pair.client.hs->failure.verdict.check, VEL_CERT_UNKNOWN_ISSUER);
    end();
}

static void client_without_certificate(void **state)
{
    (void)state;
    begin("VEL1-MLDSA65-P256");
    w.server.trust_pem = vel_buf_slice(&w.pem);
    w.server.client_auth = VEL_TLS_CLIENT_AUTH_REQUIRE;
    run();
    pair_assert_failed("no certificate", &w.pair.server, VEL_ALERT_CERTIFICATE_REQUIRED);
    end();
}

static void no_common_protocol(void **state)
{
    (void)state;
    const struct vel_slice other[] = {vel_slice_text("other")};
    begin("VEL1-MLDSA65-P256");
    w.pair.client.config.alpn = other;
    w.pair.client.config.alpn_count = 1;
    run();
    pair_assert_failed("no protocol", &w.pair.server, VEL_ALERT_NO_APPLICATION_PROTOCOL);
    end();
}

static void refused_parameters(void **state)
{
    (void)state;
    const struct {
        enum vel_err answer;
        uint64_t code;
    } rows[] = {
        {VEL_ERR_MALFORMED, VEL_ALERT_TRANSPORT_PARAMETER_ERROR},
        {VEL_ERR_UNSUPPORTED, VEL_ALERT_VERSION_NEGOTIATION_ERROR},
        {VEL_ERR_NOMEM, VEL_ALERT_INTERNAL_ERROR},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        for (int side = 0; side < 2; side++) {
            begin("VEL1-MLDSA65-P256");
            struct pair_side *strict = side == 0 ? &w.pair.client : &w.pair.server;
            strict->params_answer = rows[i].answer;
            run();
            pair_assert_failed("parameters", strict, rows[i].code);
            end();
        }
    }
}

/* ---- messages that were changed on the way ---- */

static size_t two_bytes(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

/* Give the extension another type, in a ClientHello. */
static void rename_extension(struct pair *pair, bool by_client, enum vel_level *level,
                             struct vel_buf *message)
{
    const uint16_t *type = pair->context;
    (void)level;
    if (!by_client || message->ptr[0] != 1)
        return;
    size_t at = VEL_MSG_HEADER + 2 + VEL_RANDOM_SIZE;
    at += 1u + message->ptr[at];             /* legacy_session_id */
    at += 2u + two_bytes(message->ptr + at); /* cipher_suites */
    at += 1u + message->ptr[at] + 2u;        /* compression, length */
    while (at + 4 <= message->len) {
        uint8_t *extension = message->ptr + at;
        if (two_bytes(extension) == *type)
            vel_store_uint(extension, EXTENSION_NONE, 2);
        at += 4u + two_bytes(extension + 2);
    }
}

/* RFC 9001 8.1 and 8.2: what TLS alone would do without. */
static void hello_without_what_quic_needs(void **state)
{
    (void)state;
    uint16_t alpn = EXTENSION_ALPN, params = EXTENSION_PARAMS;
    const struct {
        const char *what;
        uint16_t *type;
        uint64_t code;
    } rows[] = {
        {"no ALPN", &alpn, VEL_ALERT_NO_APPLICATION_PROTOCOL},
        {"no parameters", &params, VEL_ALERT_MISSING_EXTENSION},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        begin("VEL1-MLDSA65-P256");
        w.pair.tamper = rename_extension;
        w.pair.context = rows[i].type;
        run();
        pair_assert_failed(rows[i].what, &w.pair.server, rows[i].code);
        CHECK(rows[i].what, w.pair.server.secret[VEL_LEVEL_HANDSHAKE][VEL_WRITE].len == 0);
        end();
    }
}

struct flip {
    unsigned message;
    size_t at; /* per mille of its length */
};

static void flip_bit(struct pair *pair, bool by_client, enum vel_level *level,
                     struct vel_buf *message)
{
    const struct flip *flip = pair->context;
    (void)by_client, (void)level;
    if (pair->delivered == flip->message)
        message->ptr[flip->at * (message->len - 1) / 1000] ^= 0x10;
}

/* Whatever was changed: it is never a handshake on which both agree. */
static void any_change_is_noticed(void **state)
{
    (void)state;
    unsigned messages = 1;
    for (struct flip flip = {0}; flip.message < messages; flip.message++) {
        for (flip.at = 0; flip.at <= 1000; flip.at += 50) {
            begin("VEL1-MLDSA44-Ed25519");
            w.pair.tamper = flip_bit;
            w.pair.context = &flip;
            run();
            const struct vel_handshake *client = w.pair.client.hs, *server = w.pair.server.hs;
            assert_false(client->state == VEL_HS_COMPLETE && server->state == VEL_HS_COMPLETE);
            messages = VEL_MAX(messages, w.pair.delivered);
            end();
        }
    }
    assert_true(messages >= 6); /* two hellos, the flight, and the client's Finished */
}

/* A message at the level before or behind its own. */
static void move_level(struct pair *pair, bool by_client, enum vel_level *level,
                       struct vel_buf *message)
{
    const struct flip *flip = pair->context;
    (void)by_client, (void)message;
    if (pair->delivered == flip->message)
        *level = *level == VEL_LEVEL_INITIAL ? VEL_LEVEL_HANDSHAKE : VEL_LEVEL_INITIAL;
}

static void levels_are_kept(void **state)
{
    (void)state;
    for (struct flip flip = {0}; flip.message < 6; flip.message++) {
        begin("VEL1-MLDSA44-Ed25519");
        w.pair.tamper = move_level;
        w.pair.context = &flip;
        run();
        bool client_failed = w.pair.client.hs->state == VEL_HS_FAILED;
        struct pair_side *side = client_failed ? &w.pair.client : &w.pair.server;
        pair_assert_failed("wrong level", side, VEL_ALERT_UNEXPECTED_MESSAGE);
        end();
    }
}

/* ---- bytes out of nowhere ---- */

static void garbage(void **state)
{
    (void)state;
    static const uint8_t
        zeros[3000]; /* to a client HelloRequests of old, which libssl would skip */
    const struct {
        const char *what;
        bool to_server;
        enum vel_level level;
        struct vel_slice bytes;
    } rows[] = {
        {"zeros for a server", true, VEL_LEVEL_INITIAL, {zeros, sizeof zeros}},
        {"zeros for a client", false, VEL_LEVEL_INITIAL, {zeros, sizeof zeros}},
        {"a server's hello for a server", true, VEL_LEVEL_INITIAL, BYTES(2, 0, 0, 1, 0)},
        {"a hello of 16 MB", true, VEL_LEVEL_INITIAL, BYTES(1, 255, 255, 255)},
        {"an alert", true, VEL_LEVEL_INITIAL, BYTES(21, 3, 3, 0, 2, 2, 40)},
        {"before its keys", true, VEL_LEVEL_HANDSHAKE, BYTES(20, 0, 0, 0)},
        {"early data's level", true, VEL_LEVEL_EARLY, BYTES(5, 0, 0, 0)},
        {"long before its keys", false, VEL_LEVEL_APP, BYTES(4, 0, 0, 0)},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        begin("VEL1-MLDSA44-Ed25519");
        make_tls();
        ASSERT_OK(pair_start(&w.pair));
        struct vel_handshake *hs = rows[i].to_server ? w.pair.server.hs : w.pair.client.hs;
        enum vel_err err = hs->ops->receive(hs, rows[i].level, rows[i].bytes);
        CHECK(rows[i].what, err != VEL_OK && hs->state == VEL_HS_FAILED);
        CHECK(rows[i].what, hs->failure.wire_code >= 0x0100 && hs->failure.wire_code < 0x0200);
        CHECK(rows[i].what, hs->failure.reason != NULL);
        ASSERT_ERR(rows[i].what, hs->ops->receive(hs, rows[i].level, rows[i].bytes),
                   VEL_ERR_CLOSED);
        ASSERT_ERR(rows[i].what, hs->ops->resume(hs), VEL_ERR_CLOSED);
        end();
    }
}

static void trailing_bytes(struct pair *pair, bool by_client, enum vel_level *level,
                           struct vel_buf *message)
{
    (void)pair, (void)level;
    if (by_client && message->ptr[0] == 1)
        ASSERT_OK(vel_buf_append(message, BYTES(20, 0, 0, 0)));
}

static void nothing_may_follow_a_hello(void **state)
{
    (void)state;
    begin("VEL1-MLDSA44-Ed25519");
    w.pair.tamper = trailing_bytes;
    run();
    pair_assert_failed("trailing bytes", &w.pair.server, VEL_ALERT_UNEXPECTED_MESSAGE);
    end();
}

/* After the handshake: a ticket is taken and forgotten; nothing else may come (RFC 9001 6). */
static void messages_behind_the_handshake(void **state)
{
    (void)state;
    const struct vel_slice ticket = BYTES(4, 0, 0, 20,            /* NewSessionTicket */
                                          0, 0, 1, 0,             /* lifetime */
                                          1, 2, 3, 4,             /* age add */
                                          1, 9,                   /* nonce */
                                          0, 6, 1, 2, 3, 4, 5, 6, /* ticket */
                                          0, 0);                  /* extensions */
    const struct vel_slice key_update = BYTES(24, 0, 0, 1, 0);
    const struct vel_slice request = BYTES(13, 0, 0, 3, 0, 0, 0);
    const struct {
        const char *what;
        bool to_server;
        struct vel_slice bytes;
        uint64_t code; /* 0: fine */
    } rows[] = {
        {"ticket", false, ticket, 0},
        {"KeyUpdate for a client", false, key_update, VEL_ALERT_UNEXPECTED_MESSAGE},
        {"KeyUpdate for a server", true, key_update, VEL_ALERT_UNEXPECTED_MESSAGE},
        {"ticket for a server", true, ticket, VEL_ALERT_UNEXPECTED_MESSAGE},
        {"CertificateRequest", false, request, VEL_ALERT_UNEXPECTED_MESSAGE},
        {"Finished again", false, BYTES(20, 0, 0, 0), VEL_ALERT_UNEXPECTED_MESSAGE},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        begin("VEL1-MLDSA44-Ed25519");
        run();
        pair_assert_complete(rows[i].what, &w.pair);
        struct pair_side *side = rows[i].to_server ? &w.pair.server : &w.pair.client;
        for (size_t k = 0; k < rows[i].bytes.len && side->err == VEL_OK; k++)
            side->err = side->hs->ops->receive(side->hs, VEL_LEVEL_APP,
                                               vel_slice(rows[i].bytes.ptr + k, 1));
        if (rows[i].code != 0)
            pair_assert_failed(rows[i].what, side, rows[i].code);
        else
            pair_assert_complete(rows[i].what, &w.pair);
        end();
    }
}

/* libssl's object takes 18 kB, for each connection that a server keeps (0 under a sanitizer, whose
 * heap is not counted so). */
static void a_server_lets_go_of_libssl(void **state)
{
    (void)state;
    begin("VEL1-MLDSA44-Ed25519");
    run();
    pair_assert_complete("before", &w.pair);
    size_t before = mallinfo2().uordblks;
    vel_handshake_free(w.pair.server.hs);
    w.pair.server.hs = NULL;
    size_t server = before - mallinfo2().uordblks;
    before = mallinfo2().uordblks;
    vel_handshake_free(w.pair.client.hs);
    w.pair.client.hs = NULL;
    size_t client = before - mallinfo2().uordblks;
    print_message("# held after a TLS handshake: server %zu, client %zu bytes\n", server, client);
    assert_true(server < 4 * KIB);
    end();
}

/* ---- making one ---- */

static void unusable_configurations(void **state)
{
    (void)state;
    static const struct vel_slice others[] = {{(const uint8_t *)"h2", 2}};
    const struct vel_tls *kept;
#define ROW(name, statement)                                                                       \
    do {                                                                                           \
        begin("VEL1-MLDSA44-Ed25519");                                                             \
        make_tls();                                                                                \
        struct vel_config *client = &w.pair.client.config;                                         \
        struct vel_config *server = &w.pair.server.config;                                         \
        kept = server->tls;                                                                        \
        statement;                                                                                 \
        (void)kept;                                                                                \
        ASSERT_ERR(name, pair_start(&w.pair), VEL_ERR_ARGUMENT);                                   \
        end();                                                                                     \
    } while (0)
    ROW("no tls", (client->tls = NULL, (void)server));
    ROW("the server's", (client->tls = kept, (void)server));
    ROW("the client's", (server->tls = client->tls, (void)client));
    ROW("no protocol for QUIC", (client->alpn = others, client->alpn_count = 1, (void)server));
    ROW("no name", (client->server_name = NULL, (void)server));
#undef ROW
}

static void failing_allocations(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        for (long n = 0; n < 3; n++) {
            begin("VEL1-MLDSA44-Ed25519");
            make_tls();
            struct pair_side *weak = side == 0 ? &w.pair.client : &w.pair.server;
            weak->test.fail_after = n;
            enum vel_err err = pair_start(&w.pair);
            if (err != VEL_OK)
                ASSERT_ERR("start", err, VEL_ERR_NOMEM);
            weak->test.fail_after = -1;
            end();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hybrid_certificates),
        cmocka_unit_test(every_suite),
        cmocka_unit_test(hello_retry),
        cmocka_unit_test(classical_groups_for_old_clients),
        cmocka_unit_test(split_bytes),
        cmocka_unit_test(mutual_authentication),
        cmocka_unit_test(refused_certificates),
        cmocka_unit_test(unknown_issuer),
        cmocka_unit_test(client_without_certificate),
        cmocka_unit_test(no_common_protocol),
        cmocka_unit_test(refused_parameters),
        cmocka_unit_test(hello_without_what_quic_needs),
        cmocka_unit_test(any_change_is_noticed),
        cmocka_unit_test(levels_are_kept),
        cmocka_unit_test(garbage),
        cmocka_unit_test(nothing_may_follow_a_hello),
        cmocka_unit_test(messages_behind_the_handshake),
        cmocka_unit_test(a_server_lets_go_of_libssl),
        cmocka_unit_test(unusable_configurations),
        cmocka_unit_test(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
