/* SPDX-License-Identifier: MIT */
/* What TLS connections are made with, tried over memory BIOs as TLS over TCP does it. */
#include "handshake/tls_context.h"

#include <openssl/ssl.h>

#include "base/units.h"
#include "handshake/classical.h"
#include "handshake/pair.h"

enum { YEAR = 365 * 24 * 3600, PEM_MAX = 1 << 16 };

static const struct vel_slice offered[] = {
    {(const uint8_t *)"velocity/1", 10}, {(const uint8_t *)"h3", 2}, {(const uint8_t *)"h2", 2}};
static const struct vel_slice served[] = {
    {(const uint8_t *)"velocity/1", 10}, {(const uint8_t *)"h2", 2}, {(const uint8_t *)"h3", 2}};

/* One end: its identity, whom it trusts, what it asks. */
struct end {
    struct vel_tls_setup setup;
    struct vel_tls *tls;
    struct vel_tls_ask ask;
    struct vel_tls_conn conn;
    int result; /* of the last SSL_do_handshake */
};

struct world {
    struct test_env t;
    struct vel_buf pem;
    struct vel_identity *made[4];
    size_t made_count;
    const struct vel_identity *identities[4];
    struct end client, server;
};

static struct world w;

static const struct vel_identity *hybrid(void)
{
    return pair_credentials(pair_kind("VEL1-MLDSA65-P256"))->identity;
}

/* An identity with one key; its certificate is trusted by both ends. */
static const struct vel_identity *classical(const struct classical *order)
{
    struct vel_buf chain = {.env = &w.t.env, .limit = PEM_MAX};
    struct vel_buf key = {.env = &w.t.env, .limit = PEM_MAX};
    classical_issue(order, &chain, &key);
    ASSERT_OK(vel_buf_append(&w.pem, vel_buf_slice(&chain)));
    struct vel_identity **slot = &w.made[w.made_count++];
    ASSERT_OK(vel_identity_parse(&w.t.env, pair_crypto(), vel_buf_slice(&chain),
                                 vel_buf_slice(&key), slot));
    vel_buf_free(&chain);
    vel_buf_free(&key);
    return *slot;
}

static struct classical order_of(const char *type, const char *curve)
{
    return (struct classical){.type = type,
                              .curve = curve,
                              .bits = 2048,
                              .name = "localhost",
                              .not_before = PAIR_DATE - YEAR,
                              .not_after = PAIR_DATE + YEAR};
}

static void init_end(struct end *end, bool is_client)
{
    *end = (struct end){
        .setup = {.env = &w.t.env, .crypto = pair_crypto(), .is_client = is_client},
        .ask = {.carrier = VEL_ALPN_TCP,
                .alpn = is_client ? offered : served,
                .alpn_count = 3,
                .unix_time = PAIR_DATE},
    };
}

static void begin(void)
{
    test_env_init(&w.t, 1);
    w.pem = (struct vel_buf){.env = &w.t.env, .limit = PEM_MAX};
    w.made_count = 0;
    classical_chain_pem(hybrid(), &w.pem);
    init_end(&w.client, true);
    init_end(&w.server, false);
    w.client.ask.server_name = "localhost";
    w.identities[0] = hybrid();
    w.server.setup.identities = w.identities;
    w.server.setup.identity_count = 1;
}

static void open_end(struct end *end)
{
    ASSERT_OK(vel_tls_new(&end->setup, &end->tls));
    ASSERT_OK(vel_tls_conn_open(end->tls, &end->ask, &end->conn));
}

static bool over(const struct end *end)
{
    return end->result == 1 ||
           (end->result < 0 && SSL_get_error(end->conn.ssl, end->result) == SSL_ERROR_SSL);
}

/* Handshake until both ends are done or one failed. */
static void talk(void)
{
    BIO *one = NULL, *other = NULL;
    assert_int_equal(BIO_new_bio_pair(&one, 1 << 17, &other, 1 << 17), 1);
    SSL_set_bio(w.client.conn.ssl, one, one);
    SSL_set_bio(w.server.conn.ssl, other, other);
    struct end *turn = &w.client;
    for (int i = 0; i < 10; i++) {
        if (!over(turn))
            turn->result = SSL_do_handshake(turn->conn.ssl);
        if (over(turn) && turn->result < 0)
            break;
        turn = turn == &w.client ? &w.server : &w.client;
    }
}

static void open_both(void)
{
    w.client.setup.trust_pem = vel_buf_slice(&w.pem);
    open_end(&w.client);
    open_end(&w.server);
}

static void run(void)
{
    open_both();
    talk();
}

static void end(void)
{
    struct end *ends[] = {&w.client, &w.server};
    for (size_t i = 0; i < VEL_COUNT(ends); i++) {
        vel_tls_conn_close(&ends[i]->conn);
        vel_tls_free(ends[i]->tls);
    }
    for (size_t i = 0; i < w.made_count; i++)
        vel_identity_free(w.made[i]);
    vel_buf_free(&w.pem);
    test_env_done(&w.t);
}

static void assert_done(const char *what)
{
    struct vel_handshake_failure failure;
    struct end *ends[] = {&w.client, &w.server};
    for (size_t i = 0; i < VEL_COUNT(ends); i++) {
        if (ends[i]->result == 1)
            continue;
        vel_tls_conn_failure(&ends[i]->conn, &failure);
        fail_msg("%s: %s: %s", what, i == 0 ? "client" : "server", failure.reason);
    }
}

/* ---- what is negotiated ---- */

static void hybrid_certificate_serves_tls(void **state)
{
    (void)state;
    begin();
    run();
    assert_done("hybrid");
    struct vel_handshake_facts facts = {0};
    vel_tls_conn_facts(&w.client.conn, &facts);
    assert_string_equal(facts.suite, "TLS_AES_256_GCM_SHA384");
    assert_string_equal(facts.group, "X25519MLKEM768");
    assert_string_equal(facts.signature, "ecdsa_secp256r1_sha256");
    assert_string_equal(facts.classical, "ECDSA P-256");
    assert_null(facts.post_quantum);
    assert_int_equal(facts.peer_chain_count, 1);
    assert_true(facts.peer_chain_bytes > 5000 && facts.peer_authenticated);
    assert_memory_equal(facts.alpn, "h2", 2); /* first of the client's that exists over TCP */
    assert_int_equal(facts.alpn_len, 2);

    struct vel_handshake_facts server = {0};
    vel_tls_conn_facts(&w.server.conn, &server);
    assert_string_equal(server.server_name, "localhost");
    assert_false(server.peer_authenticated);
    assert_int_equal(vel_tls_conn_suite(&w.server.conn)->hash, VEL_SHA384);

    uint8_t ours[32], theirs[32];
    ASSERT_OK(vel_tls_conn_export(&w.client.conn, "EXPORTER-x", BYTES(1), ours, sizeof ours));
    ASSERT_OK(vel_tls_conn_export(&w.server.conn, "EXPORTER-x", BYTES(1), theirs, sizeof theirs));
    assert_memory_equal(ours, theirs, sizeof ours);
    end();
}

/* ---- key logs ---- */

struct key_lines {
    char traffic[256]; /* the last line of CLIENT_TRAFFIC_SECRET_0 */
    unsigned count;
};

static void keep_line(void *self, const char *line)
{
    struct key_lines *lines = self;
    lines->count++;
    if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0)
        snprintf(lines->traffic, sizeof lines->traffic, "%s", line);
}

static void both_ends_log_the_same_secrets(void **state)
{
    (void)state;
    struct key_lines client = {0}, server = {0};
    begin();
    w.client.setup.key_log = w.server.setup.key_log = keep_line;
    w.client.setup.key_log_self = &client;
    w.server.setup.key_log_self = &server;
    run();
    assert_done("key log");
    assert_int_equal(client.count, 5); /* two of the handshake, two of the traffic, the exporter */
    assert_int_equal(strlen(client.traffic), 24 + 64 + 1 + 96);
    assert_string_equal(client.traffic, server.traffic);
    end();
}

static void the_application_chooses_suites(void **state)
{
    (void)state;
    struct vel_handshake_facts facts = {0};
    begin();
    w.client.setup.suites = "TLS_CHACHA20_POLY1305_SHA256";
    run();
    assert_done("suites");
    vel_tls_conn_facts(&w.server.conn, &facts);
    assert_string_equal(facts.suite, "TLS_CHACHA20_POLY1305_SHA256");
    struct vel_tls *none = NULL;
    w.client.setup.suites = "TLS_NOTHING";
    ASSERT_ERR("unknown", vel_tls_new(&w.client.setup, &none), VEL_ERR_ARGUMENT);
    assert_null(none);
    end();
}

/* A list of identities: the first that the client can verify. */
static void first_admitted_identity(void **state)
{
    (void)state;
    const struct {
        const char *what, *type, *curve, *client_takes, *want;
    } rows[] = {
        {"RSA first", "RSA", NULL, "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256", "RSA"},
        {"RSA not taken", "RSA", NULL, "ecdsa_secp256r1_sha256", "ECDSA P-256"},
        {"P-256 first", "EC", "P-256", "ecdsa_secp256r1_sha256", "ECDSA P-256"},
        {"P-384 first", "EC", "P-384", "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384",
         "ECDSA P-384"},
        {"Ed25519 first", "ED25519", NULL, "ed25519:ecdsa_secp256r1_sha256", "Ed25519"},
        {"Ed25519 not taken", "ED25519", NULL, "ecdsa_secp256r1_sha256", "ECDSA P-256"},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct classical order = order_of(rows[i].type, rows[i].curve);
        begin();
        w.identities[0] = classical(&order);
        w.identities[1] = hybrid();
        w.server.setup.identity_count = 2;
        open_both();
        char takes[64]; /* libssl's macro drops const */
        snprintf(takes, sizeof takes, "%s", rows[i].client_takes);
        assert_int_equal(SSL_set1_sigalgs_list(w.client.conn.ssl, takes), 1);
        talk();
        assert_done(rows[i].what);
        struct vel_handshake_facts facts = {0};
        vel_tls_conn_facts(&w.client.conn, &facts);
        if (strcmp(facts.classical, rows[i].want) != 0)
            fail_msg("%s: got %s", rows[i].what, facts.classical);
        CHECK(rows[i].what, facts.peer_chain_bytes < 3000 || strcmp(rows[i].type, "EC") != 0);
        end();
    }
}

/* ---- whom an end refuses ---- */

static void refused_certificates(void **state)
{
    (void)state;
    const struct {
        const char *what, *name;
        int64_t at;
        bool stranger;
        enum vel_cert_check check;
        uint64_t code;
    } rows[] = {
        {"other name", "example.org", PAIR_DATE, false, VEL_CERT_NAME, 0x012a},
        {"address", "127.0.0.1", PAIR_DATE, false, VEL_CERT_NAME, 0x012a},
        {"too late", "localhost", PAIR_DATE + 2 * YEAR, false, VEL_CERT_EXPIRED, 0x012d},
        {"too early", "localhost", PAIR_DATE - 2 * YEAR, false, VEL_CERT_NOT_YET_VALID, 0x012a},
        {"not trusted", "localhost", PAIR_DATE, true, VEL_CERT_UNKNOWN_ISSUER, 0x0130},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct classical order = order_of("EC", "P-256");
        begin();
        if (rows[i].stranger) {
            w.pem.len = 0;
            (void)classical(&order);
        }
        w.client.ask.server_name = rows[i].name;
        w.client.ask.unix_time = rows[i].at;
        run();
        CHECK(rows[i].what, w.client.result < 0);
        struct vel_handshake_failure failure;
        vel_tls_conn_failure(&w.client.conn, &failure);
        if (failure.verdict.check != rows[i].check || failure.wire_code != rows[i].code)
            fail_msg("%s: %s, 0x%llx", rows[i].what, failure.reason,
                     (unsigned long long)failure.wire_code);
        CHECK(rows[i].what, failure.verdict.subject[0] != '\0');
        end();
    }
}

static void insecure_takes_anything(void **state)
{
    (void)state;
    begin();
    w.pem.len = 0;
    w.client.setup.insecure = true;
    w.client.ask.server_name = NULL;
    run();
    assert_done("insecure");
    end();
}

static void client_certificates(void **state)
{
    (void)state;
    const struct {
        const char *what;
        enum vel_tls_client_auth mode;
        bool has, works;
    } rows[] = {
        {"required and there", VEL_TLS_CLIENT_AUTH_REQUIRE, true, true},
        {"required and missing", VEL_TLS_CLIENT_AUTH_REQUIRE, false, false},
        {"requested and missing", VEL_TLS_CLIENT_AUTH_REQUEST, false, true},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct classical order = order_of("ED25519", NULL);
        begin();
        const struct vel_identity *own = classical(&order);
        w.client.setup.identities = &own;
        w.client.setup.identity_count = rows[i].has;
        w.server.setup.client_auth = rows[i].mode;
        w.server.setup.trust_pem = vel_buf_slice(&w.pem);
        run();
        CHECK(rows[i].what, (w.server.result == 1) == rows[i].works);
        if (rows[i].works) {
            struct vel_handshake_facts facts = {0};
            vel_tls_conn_facts(&w.server.conn, &facts);
            CHECK(rows[i].what, facts.peer_authenticated == rows[i].has);
            CHECK(rows[i].what, facts.peer_chain_count == rows[i].has);
        } else {
            struct vel_handshake_failure failure;
            vel_tls_conn_failure(&w.server.conn, &failure);
            assert_int_equal(failure.wire_code, 0x0174);
        }
        end();
    }
}

/* ---- what a setup must have ---- */

static void unusable_setups(void **state)
{
    (void)state;
    struct vel_tls *tls = NULL;
#define ROW(name, statement, want)                                                                 \
    do {                                                                                           \
        begin();                                                                                   \
        struct vel_tls_setup *client = &w.client.setup;                                            \
        struct vel_tls_setup *server = &w.server.setup;                                            \
        client->trust_pem = vel_buf_slice(&w.pem);                                                 \
        statement;                                                                                 \
        enum vel_err err = vel_tls_new(client, &tls);                                              \
        vel_tls_free(tls);                                                                         \
        tls = NULL;                                                                                \
        if (err == VEL_OK)                                                                         \
            err = vel_tls_new(server, &tls);                                                       \
        ASSERT_ERR(name, err, want);                                                               \
        vel_tls_free(tls);                                                                         \
        tls = NULL;                                                                                \
        end();                                                                                     \
    } while (0)
    ROW("usable", (void)0, VEL_OK);
    ROW("server without identity", server->identity_count = 0, VEL_ERR_ARGUMENT);
    ROW("nine identities", server->identity_count = 9, VEL_ERR_ARGUMENT);
    ROW("client auth without trust", server->client_auth = VEL_TLS_CLIENT_AUTH_REQUEST,
        VEL_ERR_ARGUMENT);
    ROW("client without trust", client->trust_pem.len = 0, VEL_ERR_ARGUMENT);
    ROW("trust is no PEM", client->trust_pem = vel_slice_text("hello"), VEL_ERR_MALFORMED);
    ROW("cut PEM", client->trust_pem.len -= 100, VEL_ERR_MALFORMED);
    ROW("no memory", w.t.fail_after = 0, VEL_ERR_NOMEM);
#undef ROW
}

static void needs_a_name_and_a_protocol(void **state)
{
    (void)state;
    begin();
    w.client.setup.trust_pem = vel_buf_slice(&w.pem);
    ASSERT_OK(vel_tls_new(&w.client.setup, &w.client.tls));
    struct vel_tls_conn *conn = &w.client.conn;
    w.client.ask.server_name = NULL;
    ASSERT_ERR("no name", vel_tls_conn_open(w.client.tls, &w.client.ask, conn), VEL_ERR_ARGUMENT);
    w.client.ask.server_name = "not a name";
    ASSERT_ERR("bad name", vel_tls_conn_open(w.client.tls, &w.client.ask, conn), VEL_ERR_ARGUMENT);
    w.client.ask.server_name = "localhost";
    w.client.ask.alpn_count = 2;
    ASSERT_ERR("nothing for TCP", vel_tls_conn_open(w.client.tls, &w.client.ask, conn),
               VEL_ERR_ARGUMENT);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hybrid_certificate_serves_tls),
        cmocka_unit_test(both_ends_log_the_same_secrets),
        cmocka_unit_test(the_application_chooses_suites),
        cmocka_unit_test(first_admitted_identity),
        cmocka_unit_test(refused_certificates),
        cmocka_unit_test(insecure_takes_anything),
        cmocka_unit_test(client_certificates),
        cmocka_unit_test(unusable_setups),
        cmocka_unit_test(needs_a_name_and_a_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
