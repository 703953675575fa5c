/* SPDX-License-Identifier: MIT */
#include "handshake/auth.h"

#include "base/units.h"
#include "handshake/pair.h"

static struct pair pair;

/* VEL-HS-44 */
static void client_authentication(void **state)
{
    (void)state;
    const struct {
        const char *what;
        enum vel_client_auth mode;
        const char *client; /* kind of its certificate; NULL: none */
        const char *trusted;
        uint64_t wire; /* 0: completes */
        bool authenticated;
    } rows[] = {
        {"none, has one", VEL_CLIENT_AUTH_NONE, "VEL1-MLDSA65-P256", "VEL1-MLDSA65-P256", 0, false},
        {"request, none", VEL_CLIENT_AUTH_REQUEST, NULL, "VEL1-MLDSA65-P256", 0, false},
        {"request, good", VEL_CLIENT_AUTH_REQUEST, "VEL1-MLDSA65-P256", "VEL1-MLDSA65-P256", 0,
         true},
        {"request, unknown issuer", VEL_CLIENT_AUTH_REQUEST, "VEL1-MLDSA65-P256",
         "VEL1-MLDSA65-Ed25519", VEL_ALERT_UNKNOWN_CA, false},
        {"require, good", VEL_CLIENT_AUTH_REQUIRE, "VEL1-MLDSA65-Ed25519", "VEL1-MLDSA65-Ed25519",
         0, true},
        {"require, stronger", VEL_CLIENT_AUTH_REQUIRE, "VEL1-MLDSA87-P384", "VEL1-MLDSA87-P384", 0,
         true},
        {"require, none", VEL_CLIENT_AUTH_REQUIRE, NULL, "VEL1-MLDSA65-P256",
         VEL_ALERT_CERTIFICATE_REQUIRED, false},
        /* VEL-HS-42: a key that is too weak is not even offered */
        {"require, weaker", VEL_CLIENT_AUTH_REQUIRE, "VEL1-MLDSA44-P256", "VEL1-MLDSA44-P256",
         VEL_ALERT_CERTIFICATE_REQUIRED, false},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        pair_init(&pair, "VEL1-MLDSA65-P256", i);
        pair.server.config.client_auth = rows[i].mode;
        pair.server.config.trust = pair_credentials(pair_kind(rows[i].trusted))->trust;
        if (rows[i].client != NULL)
            pair.client.config.identity = pair_credentials(pair_kind(rows[i].client))->identity;
        pair_run(&pair);
        if (rows[i].wire == 0)
            pair_assert_complete(rows[i].what, &pair);
        else
            pair_assert_failed(rows[i].what, &pair.server, rows[i].wire);
        CHECK(rows[i].what, pair.server.hs->facts.peer_authenticated == rows[i].authenticated);
        /* VEL-HS-36: the key to read the client's data comes only after its Finished. */
        CHECK(rows[i].what,
              (pair.server.secret[VEL_LEVEL_APP][VEL_READ].len > 0) == (rows[i].wire == 0));
        pair_done(&pair);
    }
}

/* The verdict of the chain reaches the failure, with its code (VEL-HS-45). */
static void refused_certificates(void **state)
{
    (void)state;
    static const char wrong[] = "example.org";
    const struct {
        const char *what;
        const char *name;
        const char *trusted;
        int64_t later; /* seconds after PAIR_DATE */
        enum vel_cert_check check;
        uint64_t wire;
    } rows[] = {
        {"wrong name", wrong, "VEL1-MLDSA65-P256", 0, VEL_CERT_NAME, VEL_ALERT_BAD_CERTIFICATE},
        {"unknown issuer", "localhost", "VEL1-MLDSA65-Ed25519", 0, VEL_CERT_UNKNOWN_ISSUER,
         VEL_ALERT_UNKNOWN_CA},
        {"expired", "localhost", "VEL1-MLDSA65-P256", 10 * 365 * 24 * 3600, VEL_CERT_EXPIRED,
         VEL_ALERT_CERTIFICATE_EXPIRED},
        {"not yet valid", "localhost", "VEL1-MLDSA65-P256", -10 * 365 * 24 * 3600,
         VEL_CERT_NOT_YET_VALID, VEL_ALERT_CERTIFICATE_EXPIRED},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        pair_init(&pair, "VEL1-MLDSA65-P256", i);
        pair.client.config.server_name = rows[i].name;
        pair.client.config.trust = pair_credentials(pair_kind(rows[i].trusted))->trust;
        pair.unix_time = PAIR_DATE + rows[i].later;
        pair_run(&pair);
        pair_assert_failed(rows[i].what, &pair.client, rows[i].wire);
        CHECK(rows[i].what, pair.client.hs->failure.verdict.check == rows[i].check);
        CHECK(rows[i].what, !pair.client.hs->facts.peer_authenticated);
        pair_done(&pair);
    }
}

/* ---- signers ---- */

struct signer {
    struct vel_dual_key key; /* what it signs with */
    const char *use;         /* NULL: as asked */
    unsigned pending;        /* answers "pending" this often */
    unsigned asked;
};

static enum vel_err sign(void *self, const struct vel_identity *identity, const char *use,
                         struct vel_slice message, struct vel_dual_sig *out)
{
    (void)identity;
    struct signer *signer = self;
    if (signer->asked++ < signer->pending)
        return VEL_ERR_AGAIN;
    return vel_dual_sign(pair_crypto(), &signer->key, VEL_SIGN_HEDGED,
                         signer->use == NULL ? use : signer->use, message, out);
}

/* VEL-HS-43: one wrong half is enough to fail, even when trust and name are not checked. */
static void wrong_halves(void **state)
{
    (void)state;
    const struct vel_sig_suite *kind = pair_kind("VEL1-MLDSA65-P256");
    const struct vel_dual_key *right = vel_identity_keys(pair_credentials(kind)->identity);
    struct vel_sign_key *classical;
    struct vel_sign_key *pq;
    struct test_env t;
    test_env_init(&t, 21);
    ASSERT_OK(vel_sign_key_generate(pair_crypto(), &t.env, VEL_P256, &classical));
    ASSERT_OK(vel_sign_key_generate(pair_crypto(), &t.env, VEL_MLDSA65, &pq));

    const struct {
        const char *what;
        struct signer signer;
        uint64_t wire;
    } rows[] = {
        {"right", {.key = *right}, 0},
        {"wrong classical key", {.key = {kind, classical, right->pq}}, VEL_ALERT_DECRYPT_ERROR},
        {"wrong post-quantum key", {.key = {kind, right->classical, pq}}, VEL_ALERT_DECRYPT_ERROR},
        {"signed as a client", {.key = *right, .use = "client"}, VEL_ALERT_DECRYPT_ERROR},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct signer signer = rows[i].signer;
        const struct vel_signer hook = {sign, &signer};
        pair_init(&pair, kind->label, i);
        pair.client.config.insecure = true;
        pair.server.config.signer = &hook;
        pair_run(&pair);
        if (rows[i].wire == 0)
            pair_assert_complete(rows[i].what, &pair);
        else
            pair_assert_failed(rows[i].what, &pair.client, rows[i].wire);
        pair_done(&pair);
    }
    vel_sign_key_free(classical);
    vel_sign_key_free(pq);
    test_env_done(&t);
}

/* VEL-HS-40: what is signed, byte for byte up to the transcript hash. */
struct seen {
    const char *context;
    const char *use;
    unsigned count;
};

static enum vel_err look_and_sign(void *self, const struct vel_identity *identity, const char *use,
                                  struct vel_slice message, struct vel_dual_sig *out)
{
    struct seen *seen = self;
    size_t context = strlen(seen->context);
    assert_string_equal(use, seen->use);
    assert_int_equal(message.len, 64 + context + 1 + vel_hash_size(VEL_SHA256));
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(message.ptr[i], ' ');
    assert_memory_equal(message.ptr + 64, seen->context, context + 1); /* with its NUL */
    seen->count++;
    return vel_dual_sign(pair_crypto(), vel_identity_keys(identity), VEL_SIGN_HEDGED, use, message,
                         out);
}

static void signed_content(void **state)
{
    (void)state;
    struct seen server = {"Velocity/1, server CertificateVerify", "server", 0};
    struct seen client = {"Velocity/1, client CertificateVerify", "client", 0};
    const struct vel_signer server_hook = {look_and_sign, &server};
    const struct vel_signer client_hook = {look_and_sign, &client};
    pair_init(&pair, "VEL1-MLDSA44-P256", 25);
    pair_authenticate_client(&pair, VEL_CLIENT_AUTH_REQUEST);
    pair.server.config.signer = &server_hook;
    pair.client.config.signer = &client_hook;
    pair_run(&pair);
    pair_assert_complete("signed content", &pair);
    assert_int_equal(server.count + client.count, 2);
    pair_done(&pair);
}

/* Both signatures are late: each end waits, and goes on when it is told to. */
static void pending_signatures(void **state)
{
    (void)state;
    const struct vel_sig_suite *kind = pair_kind("VEL1-MLDSA44-Ed25519");
    const struct vel_dual_key *key = vel_identity_keys(pair_credentials(kind)->identity);
    struct signer server_signer = {.key = *key, .pending = 2};
    struct signer client_signer = {.key = *key, .pending = 1};
    const struct vel_signer server_hook = {sign, &server_signer};
    const struct vel_signer client_hook = {sign, &client_signer};

    pair_init(&pair, kind->label, 22);
    pair_authenticate_client(&pair, VEL_CLIENT_AUTH_REQUIRE);
    pair.server.config.signer = &server_hook;
    pair.client.config.signer = &client_hook;
    pair_run(&pair);
    struct vel_handshake *server = pair.server.hs;
    struct vel_handshake *client = pair.client.hs;

    assert_int_equal(server->state, VEL_HS_SIGNING);
    assert_int_equal(client->state, VEL_HS_RUNNING);
    ASSERT_ERR("still pending", server->ops->resume(server), VEL_ERR_AGAIN);
    ASSERT_OK(server->ops->resume(server));
    assert_int_equal(server->state, VEL_HS_RUNNING);
    ASSERT_OK(server->ops->resume(server)); /* nothing pending: nothing happens */
    pair_deliver(&pair);

    assert_int_equal(client->state, VEL_HS_SIGNING);
    assert_int_equal(pair.client.secret[VEL_LEVEL_APP][VEL_WRITE].len, 0);
    ASSERT_OK(client->ops->resume(client));
    pair_deliver(&pair);
    pair_assert_complete("after resuming", &pair);
    assert_int_equal(server_signer.asked, 3);
    assert_int_equal(client_signer.asked, 2);
    pair_done(&pair);
}

/* While the server signs, the client has nothing to say (VEL-HS-03). */
static void bytes_while_signing(void **state)
{
    (void)state;
    const struct vel_sig_suite *kind = pair_kind("VEL1-MLDSA44-Ed25519");
    const struct vel_dual_key *key = vel_identity_keys(pair_credentials(kind)->identity);
    struct signer signer = {.key = *key, .pending = 1};
    const struct vel_signer hook = {sign, &signer};
    pair_init(&pair, kind->label, 23);
    pair.server.config.signer = &hook;
    pair_run(&pair);
    struct vel_handshake *server = pair.server.hs;
    pair.server.err = server->ops->receive(server, VEL_LEVEL_HANDSHAKE, BYTES(20));
    pair_assert_failed("bytes", &pair.server, VEL_ALERT_UNEXPECTED_MESSAGE);
    ASSERT_ERR("resume", server->ops->resume(server), VEL_ERR_CLOSED);
    pair_done(&pair);
}

static enum vel_err broken_sign(void *self, const struct vel_identity *identity, const char *use,
                                struct vel_slice message, struct vel_dual_sig *out)
{
    (void)self;
    (void)identity;
    (void)use;
    (void)message;
    (void)out;
    return VEL_ERR_IO;
}

static void broken_signer(void **state)
{
    (void)state;
    const struct vel_signer hook = {broken_sign, NULL};
    pair_init(&pair, "VEL1-MLDSA44-Ed25519", 24);
    pair.server.config.signer = &hook;
    pair_run(&pair);
    pair_assert_failed("broken", &pair.server, VEL_ALERT_INTERNAL_ERROR);
    pair_done(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_authentication), cmocka_unit_test(refused_certificates),
        cmocka_unit_test(wrong_halves),          cmocka_unit_test(pending_signatures),
        cmocka_unit_test(bytes_while_signing),   cmocka_unit_test(signed_content),
        cmocka_unit_test(broken_signer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
