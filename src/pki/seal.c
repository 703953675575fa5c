/* SPDX-License-Identifier: MIT */
#include "pki/seal.h"

#include "base/own.h"
#include "base/try.h"
#include "pki/algorithm.h"
#include "pki/cert.h"
#include "pki/der.h"
#include "pki/verify.h"

struct vel_ext_mark vel_ext_begin(struct vel_writer *w, unsigned n, bool critical)
{
    const uint8_t oid[] = {0x55, 0x1d, (uint8_t)n};
    struct vel_ext_mark mark = {.extension = vel_der_begin(w, VEL_DER_SEQUENCE)};
    vel_der_write(w, VEL_DER_OID, vel_slice(oid, sizeof oid));
    if (critical)
        vel_der_write(w, VEL_DER_BOOLEAN, vel_slice("\xff", 1));
    mark.value = vel_der_begin(w, VEL_DER_OCTET_STRING);
    return mark;
}

void vel_ext_end(struct vel_writer *w, struct vel_ext_mark mark)
{
    vel_der_end(w, mark.value);
    vel_der_end(w, mark.extension);
}

static struct vel_writer writer_on(struct vel_buf *buf)
{
    return vel_writer(buf->ptr, buf->capacity);
}

/* The extensions given, and 73 and 74 when there is an ML-DSA key. */
static vel_result add_alternative(const struct vel_env *env, const struct vel_crypto *crypto,
                                  const struct vel_alt_parts *parts,
                                  const struct vel_dual_key *signer, enum vel_sign_mode mode,
                                  struct vel_buf *extensions)
{
    TRY(vel_buf_append(extensions, parts->extensions));
    if (signer->pq == NULL)
        return VEL_OK;
    TRY(vel_buf_reserve(extensions, VEL_MLDSA_SIG_MAX + 128));
    struct vel_writer w = writer_on(extensions);
    vel_write_space(&w, extensions->len);
    struct vel_ext_mark mark = vel_ext_begin(&w, VEL_EXT_ALT_ALGORITHM, false);
    vel_write_bytes(&w, vel_algorithm_id(vel_sign_key_alg(signer->pq)));
    vel_ext_end(&w, mark);

    OWNED(vel_buf_free) struct vel_buf message = {.env = env, .limit = VEL_CERT_MAX_BYTES};
    uint8_t signature[VEL_MLDSA_SIG_MAX];
    size_t size = 0;
    const struct vel_alt_parts covered = {parts->head, parts->middle, vel_writer_slice(&w)};
    TRY(vel_alt_message(&covered, &message));
    TRY(vel_sign(crypto, signer->pq, mode, vel_slice(NULL, 0), vel_buf_slice(&message), signature,
                 &size));
    mark = vel_ext_begin(&w, VEL_EXT_ALT_VALUE, false);
    vel_der_write_bytes(&w, vel_slice(signature, size));
    vel_ext_end(&w, mark);
    VEL_ASSERT(vel_write_ok(&w));
    extensions->len = vel_written(&w);
    return VEL_OK;
}

static void write_tbs(struct vel_writer *w, const struct vel_alt_parts *parts,
                      struct vel_slice extensions, struct vel_slice algorithm)
{
    uint8_t *tbs = vel_der_begin(w, VEL_DER_SEQUENCE);
    vel_write_bytes(w, parts->head);
    vel_write_bytes(w, algorithm);
    vel_write_bytes(w, parts->middle);
    if (extensions.len > 0) {
        uint8_t *outer = vel_der_begin(w, VEL_DER_EXPLICIT + 3);
        vel_der_write(w, VEL_DER_SEQUENCE, extensions);
        vel_der_end(w, outer);
    }
    vel_der_end(w, tbs);
}

vel_result vel_cert_seal(const struct vel_env *env, const struct vel_crypto *crypto,
                         const struct vel_alt_parts *parts, const struct vel_dual_key *signer,
                         enum vel_sign_mode mode, struct vel_buf *cert)
{
    OWNED(vel_buf_free) struct vel_buf extensions = {.env = env, .limit = VEL_CERT_MAX_BYTES};
    OWNED(vel_buf_free) struct vel_buf tbs = {.env = env, .limit = VEL_CERT_MAX_BYTES};
    OWNED(vel_buf_free) struct vel_buf made = {.env = env, .limit = VEL_CERT_MAX_BYTES};
    struct vel_slice algorithm = vel_algorithm_id(vel_sign_key_alg(signer->classical));
    uint8_t signature[VEL_ECDSA_SIG_MAX];
    size_t size = 0;

    TRY(add_alternative(env, crypto, parts, signer, mode, &extensions));
    TRY(vel_buf_reserve(&tbs, VEL_CERT_MAX_BYTES));
    struct vel_writer w = writer_on(&tbs);
    write_tbs(&w, parts, vel_buf_slice(&extensions), algorithm);
    REQUIRE(vel_write_ok(&w), VEL_ERR_LIMIT);
    TRY(vel_sign(crypto, signer->classical, mode, vel_slice(NULL, 0), vel_writer_slice(&w),
                 signature, &size));

    struct vel_slice signed_part = vel_writer_slice(&w);
    TRY(vel_buf_reserve(&made, VEL_CERT_MAX_BYTES));
    w = writer_on(&made);
    uint8_t *outer = vel_der_begin(&w, VEL_DER_SEQUENCE);
    vel_write_bytes(&w, signed_part);
    vel_write_bytes(&w, algorithm);
    vel_der_write_bytes(&w, vel_slice(signature, size));
    vel_der_end(&w, outer);
    REQUIRE(vel_write_ok(&w), VEL_ERR_LIMIT);
    return vel_buf_append(cert, vel_writer_slice(&w));
}
