/* SPDX-License-Identifier: MIT */
/* Signatures that the owner of a handshake makes in its place, alone and for several at once. */
#include <string.h>

#include "base/units.h"
#include "handshake/alert.h"
#include "handshake/pair.h"
#include "pki/identity.h"

enum { PAIRS = 5 };

static const char kind[] = "VEL1-MLDSA44-Ed25519";
static struct pair pairs[PAIRS];

static const struct vel_dual_key *server_key(void)
{
    return vel_identity_keys(pair_credentials(pair_kind(kind))->identity);
}

/* Up to the server's pause. */
static void open_pairs(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        pair_init(&pairs[i], kind, i);
        pairs[i].server.defer_signature = true;
        pair_run(&pairs[i]);
        assert_int_equal(pairs[i].server.hs->state, VEL_HS_SIGNING);
        assert_int_equal(pairs[i].client.hs->state, VEL_HS_RUNNING);
    }
}

static void close_pairs(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        pair_done(&pairs[i]);
}

static struct vel_to_sign to_sign(const struct pair_side *side)
{
    struct vel_to_sign got;
    ASSERT_OK(side->hs->ops->to_sign(side->hs, &got));
    return got;
}

static enum vel_err take(struct pair_side *side, const struct vel_signature *signature)
{
    side->err = side->hs->ops->take_signature(side->hs, VEL_OK, signature);
    return side->err;
}

static struct vel_batch *sign_batch(unsigned count, struct vel_dual_sig *sig)
{
    struct vel_batch *batch;
    ASSERT_OK(
        vel_batch_new(&pairs[0].harness.env, pair_crypto(), server_key(), "server", count, &batch));
    for (unsigned i = 0; i < count; i++) {
        struct vel_to_sign one = to_sign(&pairs[i].server);
        ASSERT_OK(vel_batch_add(batch, vel_slice(one.content, one.size)));
    }
    ASSERT_OK(vel_batch_sign(batch, VEL_SIGN_HEDGED, sig));
    return batch;
}

/* VEL-HS-40: what the owner signs is what the provider would have signed itself. */
static void alone_it_is_the_same_signature(void **state)
{
    (void)state;
    struct vel_buf flights[2];
    for (unsigned deferred = 0; deferred < 2; deferred++) {
        struct pair *pair = &pairs[deferred];
        pair_init(pair, kind, 3);
        pair->server.config.deterministic = true;
        pair->server.defer_signature = deferred;
        ASSERT_OK(pair_start(pair));
        struct vel_buf *hello = &pair->client.out[VEL_LEVEL_INITIAL];
        enum vel_err err =
            pair->server.hs->ops->receive(pair->server.hs, VEL_LEVEL_INITIAL, vel_buf_slice(hello));
        ASSERT_ERR("hello", err, deferred ? VEL_ERR_AGAIN : VEL_OK);
        vel_buf_consume(hello, hello->len);
        flights[deferred] = pair->server.out[VEL_LEVEL_HANDSHAKE];
    }
    struct vel_dual_sig sig;
    struct vel_to_sign one = to_sign(&pairs[1].server);
    assert_string_equal(one.use, "server");
    assert_ptr_equal(one.key, vel_identity_keys(pairs[1].server.config.identity));
    ASSERT_OK(vel_dual_sign(pair_crypto(), server_key(), VEL_SIGN_DETERMINISTIC, one.use,
                            vel_slice(one.content, one.size), &sig));
    ASSERT_OK(take(&pairs[1].server, &(const struct vel_signature){.sig = &sig}));
    flights[1] = pairs[1].server.out[VEL_LEVEL_HANDSHAKE];
    assert_true(vel_slice_equal(vel_buf_slice(&flights[0]), vel_buf_slice(&flights[1])));
    for (unsigned i = 0; i < 2; i++) {
        pair_deliver(&pairs[i]);
        pair_assert_complete("alone", &pairs[i]);
        assert_int_equal(pairs[i].client.hs->facts.signed_together, 1);
    }
    close_pairs(2);
}

/* VEL-HS-41, VEL-HS-46: one signature, five handshakes. */
static void a_batch_completes_all(void **state)
{
    (void)state;
    struct vel_dual_sig sig;
    open_pairs(PAIRS);
    struct vel_batch *batch = sign_batch(PAIRS, &sig);
    for (unsigned i = 0; i < PAIRS; i++) {
        const struct vel_signature signature = {.sig = &sig, .batch = vel_batch_prove(batch, i)};
        ASSERT_OK(take(&pairs[i].server, &signature));
        pair_deliver(&pairs[i]);
        pair_assert_complete("batch", &pairs[i]);
        assert_int_equal(pairs[i].client.hs->facts.signed_together, PAIRS);
    }
    vel_batch_free(batch);
    close_pairs(PAIRS);
}

/* VEL-HS-43, VEL-HS-47: the place of another handshake is none of ours. */
static void another_place_is_refused(void **state)
{
    (void)state;
    struct vel_dual_sig sig;
    open_pairs(PAIRS);
    struct vel_batch *batch = sign_batch(PAIRS, &sig);
    for (unsigned i = 0; i < PAIRS; i++) {
        struct vel_signature signature = {.sig = &sig,
                                          .batch = vel_batch_prove(batch, (i + 1) % PAIRS)};
        if (i == 3) /* a path that its place does not have */
            signature.batch.path.len -= VEL_BATCH_NODE / 2;
        if (i == 4) /* the batch's signature in the single form */
            signature.batch = (struct vel_batch_proof){0};
        ASSERT_OK(take(&pairs[i].server, &signature));
        pair_deliver(&pairs[i]);
        pair_assert_failed("another place", &pairs[i].client,
                           i == 3 ? VEL_ALERT_ILLEGAL_PARAMETER : VEL_ALERT_DECRYPT_ERROR);
    }
    vel_batch_free(batch);
    close_pairs(PAIRS);
}

/* VEL-HS-41 */
static void a_clients_batch_is_refused(void **state)
{
    (void)state;
    struct pair *pair = &pairs[0];
    struct vel_dual_sig sig;
    struct vel_batch *batch;
    pair_init(pair, kind, 9);
    pair_authenticate_client(pair, VEL_CLIENT_AUTH_REQUIRE);
    pair->client.defer_signature = true;
    pair_run(pair);
    assert_int_equal(pair->client.hs->state, VEL_HS_SIGNING);
    struct vel_to_sign one = to_sign(&pair->client);
    assert_string_equal(one.use, "client");
    ASSERT_OK(vel_batch_new(&pair->harness.env, pair_crypto(), server_key(), "client", 2, &batch));
    ASSERT_OK(vel_batch_add(batch, vel_slice(one.content, one.size)));
    ASSERT_OK(vel_batch_add(batch, BYTES(1)));
    ASSERT_OK(vel_batch_sign(batch, VEL_SIGN_HEDGED, &sig));
    const struct vel_signature signature = {.sig = &sig, .batch = vel_batch_prove(batch, 0)};
    ASSERT_OK(take(&pair->client, &signature));
    vel_batch_free(batch);
    pair_deliver(pair);
    pair_assert_failed("batch of a client", &pair->server, VEL_ALERT_ILLEGAL_PARAMETER);
    pair_done(pair);
}

static void without_a_signature_it_fails(void **state)
{
    (void)state;
    open_pairs(1);
    struct vel_handshake *hs = pairs[0].server.hs;
    pairs[0].server.err = hs->ops->take_signature(hs, VEL_ERR_IO, NULL);
    ASSERT_ERR("signer", pairs[0].server.err, VEL_ERR_IO);
    pair_assert_failed("signer", &pairs[0].server, VEL_ALERT_INTERNAL_ERROR);
    assert_string_equal(hs->failure.reason, "the signature was not made");
    close_pairs(1);
}

/* Nothing is asked for or taken but in the pause. */
static void only_while_it_waits(void **state)
{
    (void)state;
    struct vel_to_sign unused;
    struct vel_dual_sig sig = {.pq_size = 1};
    const struct vel_signature signature = {.sig = &sig};
    open_pairs(2);
    struct vel_handshake *client = pairs[0].client.hs, *server = pairs[0].server.hs;
    ASSERT_ERR("client", client->ops->to_sign(client, &unused), VEL_ERR_UNEXPECTED);
    ASSERT_ERR("client", client->ops->take_signature(client, VEL_OK, &signature),
               VEL_ERR_UNEXPECTED);
    ASSERT_ERR("the identity's keys are not used", server->ops->resume(server), VEL_ERR_AGAIN);
    struct vel_batch *batch = sign_batch(2, &sig);
    const struct vel_signature good = {.sig = &sig, .batch = vel_batch_prove(batch, 0)};
    ASSERT_OK(take(&pairs[0].server, &good));
    ASSERT_ERR("twice", server->ops->take_signature(server, VEL_OK, &good), VEL_ERR_UNEXPECTED);
    ASSERT_ERR("after it", server->ops->to_sign(server, &unused), VEL_ERR_UNEXPECTED);
    pair_deliver(&pairs[0]);
    pair_assert_complete("after all that", &pairs[0]);
    vel_batch_free(batch);
    close_pairs(2); /* one of them while it waits */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_it_is_the_same_signature),
        cmocka_unit_test(a_batch_completes_all),
        cmocka_unit_test(another_place_is_refused),
        cmocka_unit_test(a_clients_batch_is_refused),
        cmocka_unit_test(without_a_signature_it_fails),
        cmocka_unit_test(only_while_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
