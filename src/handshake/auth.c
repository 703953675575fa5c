/* SPDX-License-Identifier: MIT */
#include "handshake/auth.h"

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "base/writer.h"

/* What CertificateVerify signs: 64 spaces, a context string, a zero byte, the transcript hash
 * (VEL-HS-40). */
enum { PADDING = 64 };

static const struct {
    const char *context; /* in M */
    const char *use;     /* in M' */
} roles[] = {
    [false] = {"Velocity/1, server CertificateVerify", "server"},
    [true] = {"Velocity/1, client CertificateVerify", "client"},
};

static vel_result signed_content(const struct vel_velocity *v, bool by_client,
                                 struct vel_to_sign *out)
{
    struct vel_secret hash;
    TRY(vel_transcript_hash(&v->transcript, &hash));
    struct vel_writer w = vel_writer(out->content, sizeof out->content);
    vel_write_fill(&w, ' ', PADDING);
    vel_write_bytes(&w, vel_slice_text(roles[by_client].context));
    vel_write_uint(&w, 0, 1);
    vel_write_bytes(&w, vel_secret_slice(&hash));
    VEL_ASSERT(vel_write_ok(&w));
    out->size = vel_written(&w);
    out->use = roles[by_client].use;
    out->key = NULL;
    return VEL_OK;
}

/* Names for people, VEL_SIGN_ALG_COUNT rows. */
static const char *const algorithm_names[] = {
    [VEL_P256] = "ECDSA P-256",  [VEL_P384] = "ECDSA P-384",  [VEL_ED25519] = "Ed25519",
    [VEL_MLDSA44] = "ML-DSA-44", [VEL_MLDSA65] = "ML-DSA-65", [VEL_MLDSA87] = "ML-DSA-87",
};

/* What to tell the peer for a failed check of a certificate (VEL-HS-45). */
static enum vel_alert verdict_alert(enum vel_cert_check check)
{
    static const struct {
        enum vel_cert_check check;
        enum vel_alert alert;
    } rows[] = {
        {VEL_CERT_NOT_YET_VALID, VEL_ALERT_CERTIFICATE_EXPIRED},
        {VEL_CERT_EXPIRED, VEL_ALERT_CERTIFICATE_EXPIRED},
        {VEL_CERT_UNKNOWN_ISSUER, VEL_ALERT_UNKNOWN_CA},
        {VEL_CERT_USAGE, VEL_ALERT_UNSUPPORTED_CERTIFICATE},
        {VEL_CERT_CRITICAL, VEL_ALERT_UNSUPPORTED_CERTIFICATE},
        {VEL_CERT_ALGORITHM, VEL_ALERT_UNSUPPORTED_CERTIFICATE},
        {VEL_CERT_ALT_MISSING, VEL_ALERT_CERT_PQ_VALIDATION_FAILED},
        {VEL_CERT_ALT_SIGNATURE, VEL_ALERT_CERT_PQ_VALIDATION_FAILED},
        {VEL_CERT_LEVEL, VEL_ALERT_CERT_PQ_VALIDATION_FAILED},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++)
        if (rows[i].check == check)
            return rows[i].alert;
    return VEL_ALERT_BAD_CERTIFICATE;
}

/* ---- sending ---- */

vel_result vel_auth_send_certificate(struct vel_velocity *v, const struct vel_identity *identity)
{
    struct vel_certificate certificate = {0};
    if (identity != NULL) {
        const struct vel_slice *chain = vel_identity_chain(identity, &certificate.count);
        REQUIRE(certificate.count <= VEL_CHAIN_MAX, VEL_ERR_LIMIT);
        for (size_t i = 0; i < certificate.count; i++)
            certificate.chain[i] = chain[i];
    }
    OWNED(vel_buf_free) struct vel_buf out = {.env = v->env, .limit = VEL_FRAMER_MAX};
    TRY(vel_certificate_encode(&certificate, &out));
    return vel_velocity_send(v, VEL_LEVEL_HANDSHAKE, vel_buf_slice(&out));
}

vel_result vel_auth_to_sign(const struct vel_velocity *v, struct vel_to_sign *out)
{
    TRY(signed_content(v, v->is_client, out));
    out->key = vel_identity_keys(v->config->identity);
    return VEL_OK;
}

/* Deterministic for transcripts only (VEL-HS-50). */
static vel_result sign(const struct vel_velocity *v, struct vel_dual_sig *out)
{
    struct vel_to_sign to_sign;
    const struct vel_signer *signer = v->config->signer;
    TRY(vel_auth_to_sign(v, &to_sign));
    struct vel_slice content = vel_slice(to_sign.content, to_sign.size);
    if (signer != NULL)
        return signer->sign(signer->self, v->config->identity, to_sign.use, content, out);
    return vel_dual_sign(v->crypto, to_sign.key,
                         v->config->deterministic ? VEL_SIGN_DETERMINISTIC : VEL_SIGN_HEDGED,
                         to_sign.use, content, out);
}

static vel_result send_signature(struct vel_velocity *v, const struct vel_signature *signature)
{
    const struct vel_dual_sig *sig = signature->sig;
    REQUIRE(sig->classical_size <= sizeof sig->classical && sig->pq_size <= sizeof sig->pq,
            VEL_ERR_CRYPTO);
    struct vel_certificate_verify verify = {
        .suite = vel_identity_keys(v->config->identity)->suite->code,
        .batch = signature->batch,
        .classical = vel_slice(sig->classical, sig->classical_size),
        .pq = vel_slice(sig->pq, sig->pq_size),
    };
    OWNED(vel_buf_free) struct vel_buf out = {.env = v->env, .limit = VEL_FRAMER_MAX};
    TRY(vel_certificate_verify_encode(&verify, &out));
    return vel_velocity_send(v, VEL_LEVEL_HANDSHAKE, vel_buf_slice(&out));
}

vel_result vel_auth_send_verify(struct vel_velocity *v)
{
    struct vel_dual_sig sig;
    if (v->defer_signature) {
        REQUIRE(v->signature != NULL, VEL_ERR_AGAIN);
        return send_signature(v, v->signature);
    }
    TRY(sign(v, &sig));
    return send_signature(v, &(const struct vel_signature){.sig = &sig});
}

/* Verify data of one side's Finished over the transcript so far (VEL-HS-35). */
static vel_result finished_data(const struct vel_velocity *v, bool of_client,
                                struct vel_secret *out)
{
    struct vel_secret hash;
    TRY(vel_transcript_hash(&v->transcript, &hash));
    return vel_schedule_finished(
        &v->schedule, of_client ? &v->schedule.client_handshake : &v->schedule.server_handshake,
        vel_secret_slice(&hash), out);
}

vel_result vel_auth_send_finished(struct vel_velocity *v)
{
    OWNED(vel_secret_clear) struct vel_secret data = {0};
    TRY(finished_data(v, v->is_client, &data));
    OWNED(vel_buf_free) struct vel_buf out = {.env = v->env, .limit = VEL_FRAMER_MAX};
    TRY(vel_finished_encode(vel_secret_slice(&data), &out));
    return vel_velocity_send(v, VEL_LEVEL_HANDSHAKE, vel_buf_slice(&out));
}

/* ---- checking ---- */

vel_result vel_auth_check_certificate(struct vel_velocity *v,
                                      const struct vel_certificate *certificate)
{
    struct vel_handshake_facts *facts = &v->base.facts;
    struct vel_handshake_failure *why = &v->base.failure;
    const struct vel_cert_request request = {
        .chain = certificate->chain,
        .count = certificate->count,
        .name = v->is_client ? v->config->server_name : NULL,
        .use = v->is_client ? VEL_USE_SERVER : VEL_USE_CLIENT,
        .level = v->suite->profile,
        .unix_time = v->unix_time,
        .insecure = v->is_client && v->config->insecure,
    };
    enum vel_err err =
        vel_cert_verify(v->env, v->crypto, v->config->trust, &request, &why->verdict, &v->peer);
    if (err == VEL_ERR_AUTH || err == VEL_ERR_MALFORMED)
        return vel_refuse(why, verdict_alert(why->verdict.check),
                          vel_cert_check_text(why->verdict.check));
    TRY(err);

    facts->peer_chain_count = (unsigned)certificate->count;
    for (size_t i = 0; i < certificate->count; i++)
        facts->peer_chain_bytes += certificate->chain[i].len;
    return VEL_OK;
}

/* Both halves must verify, insecure or not, in either form (VEL-HS-43). */
static vel_result check_signature(const struct vel_velocity *v,
                                  const struct vel_certificate_verify *verify)
{
    struct vel_to_sign content;
    TRY(signed_content(v, !v->is_client, &content));
    struct vel_slice message = vel_slice(content.content, content.size);
    if (verify->batch.count > 0)
        return vel_batch_verify(v->crypto, &v->peer, content.use, message, &verify->batch,
                                verify->classical, verify->pq);
    return vel_dual_verify(v->crypto, &v->peer, content.use, message, verify->classical,
                           verify->pq);
}

/* The suite must be the leaf's own, and of the level of the profile (VEL-HS-42). All suites of
 * that level were offered, so this also says that it was offered. */
vel_result vel_auth_check_verify(struct vel_velocity *v, const struct vel_message *message)
{
    struct vel_handshake_facts *facts = &v->base.facts;
    struct vel_handshake_failure *why = &v->base.failure;
    struct vel_certificate_verify verify;
    TRY(vel_certificate_verify_decode(message->body, &verify, why));
    const struct vel_sig_suite *suite = v->peer.suite;
    DEMAND(suite != NULL && verify.suite == suite->code, why, ILLEGAL_PARAMETER,
           "signature suite is not the certificate's");
    DEMAND(suite->profile >= v->suite->profile, why, CERT_PQ_VALIDATION_FAILED,
           "signature suite is weaker than the profile demands");
    DEMAND(verify.batch.count == 0 || v->is_client, why, ILLEGAL_PARAMETER,
           "a client's signature is for itself alone"); /* VEL-HS-41 */

    enum vel_err err = check_signature(v, &verify);
    DEMAND(err != VEL_ERR_AUTH, why, DECRYPT_ERROR, "handshake signature does not verify");
    TRY(err);
    vel_dual_key_clear(&v->peer);
    facts->signature = suite->label;
    facts->signed_together = VEL_MAX(verify.batch.count, 1U);
    facts->classical = algorithm_names[suite->classical];
    facts->post_quantum = algorithm_names[suite->pq];
    return vel_transcript_add(&v->transcript, message->whole);
}

vel_result vel_auth_check_finished(struct vel_velocity *v, const struct vel_message *message)
{
    OWNED(vel_secret_clear) struct vel_secret want = {0};
    TRY(finished_data(v, !v->is_client, &want));
    DEMAND(message->body.len == want.len, &v->base.failure, DECODE_ERROR,
           "Finished has the wrong length");
    DEMAND(vel_equal_secret(message->body, vel_secret_slice(&want)), &v->base.failure,
           DECRYPT_ERROR, "Finished does not verify");
    return VEL_OK;
}
