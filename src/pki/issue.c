/* SPDX-License-Identifier: MIT */
#include "pki/issue.h"

#include "base/own.h"
#include "base/try.h"
#include "pki/algorithm.h"
#include "pki/cert.h"
#include "pki/constraints.h"
#include "pki/der.h"
#include "pki/dn.h"
#include "pki/encode.h"
#include "pki/ext.h"
#include "pki/extensions.h"
#include "pki/host.h"
#include "pki/identity.h"
#include "pki/pem.h"
#include "pki/seal.h"
#include "pki/time.h"
#include "pki/verify.h"

enum { SERIAL_SIZE = 16, COMMON_NAME_MAX = 64, HEAD_MAX = 64, SPKI_MAX = 4096 };

enum vel_sign_alg vel_order_classical(enum vel_profile profile)
{
    return profile == VEL_PROFILE_SECURE ? VEL_P384 : VEL_P256;
}

/* One certificate in the making. */
struct work {
    const struct vel_env *env;
    const struct vel_crypto *crypto;
    const struct vel_cert_order *order;
    const struct vel_identity *issuer; /* NULL: self-signed */
    struct vel_cert issuer_cert;       /* when there is an issuer */
    struct vel_dual_key keys;          /* of the new certificate */
    struct vel_buf spki;
    struct vel_buf alt_spki;
    struct vel_buf middle;
    struct vel_buf extensions;
};

static void work_clear(struct work *work)
{
    vel_dual_key_clear(&work->keys);
    vel_buf_free(&work->spki);
    vel_buf_free(&work->alt_spki);
    vel_buf_free(&work->middle);
    vel_buf_free(&work->extensions);
}

static const char *common_name(const struct vel_cert_order *order)
{
    if (order->common_name != NULL)
        return order->common_name;
    bool fits = order->name_count > 0 && strlen(order->names[0]) <= COMMON_NAME_MAX;
    return fits ? order->names[0] : "Velocity";
}

static vel_result check_order(const struct vel_cert_order *order)
{
    struct vel_host host;
    size_t name_size = strlen(common_name(order));
    REQUIRE(name_size > 0 && name_size <= COMMON_NAME_MAX, VEL_ERR_ARGUMENT);
    REQUIRE(order->name_count <= VEL_ISSUE_NAMES_MAX &&
                order->permitted_count <= VEL_ISSUE_NAMES_MAX,
            VEL_ERR_ARGUMENT);
    REQUIRE(order->ca ? order->name_count == 0 : order->name_count > 0, VEL_ERR_ARGUMENT);
    REQUIRE(order->ca || order->permitted_count == 0, VEL_ERR_ARGUMENT);
    for (size_t i = 0; i < order->name_count; i++)
        REQUIRE(vel_host_parse_pattern(order->names[i], &host) == VEL_OK, VEL_ERR_ARGUMENT);
    for (size_t i = 0; i < order->permitted_count; i++)
        REQUIRE(vel_host_parse(order->permitted[i], &host) == VEL_OK && host.ip_size == 0,
                VEL_ERR_ARGUMENT);
    REQUIRE(order->validity > 0 && order->not_before >= 0 &&
                order->not_before <= VEL_CERT_TIME_MAX - order->validity,
            VEL_ERR_ARGUMENT);
    return VEL_OK;
}

/* The issuer must be able to certify this; its rules are the verifier's. */
static vel_result check_issuer(struct work *work)
{
    if (work->issuer == NULL)
        return VEL_OK;
    size_t count = 0;
    const struct vel_slice *chain = vel_identity_chain(work->issuer, &count);
    const struct vel_cert *cert = &work->issuer_cert;
    TRY(vel_cert_parse(chain[0], &work->issuer_cert));
    REQUIRE(vel_identity_keys(work->issuer)->pq != NULL && cert->ca &&
                (cert->key_usage & VEL_USAGE_CERT_SIGN) != 0,
            VEL_ERR_UNSUPPORTED);
    REQUIRE(!work->order->ca || cert->path_length != 0, VEL_ERR_UNSUPPORTED);
    REQUIRE(vel_algorithm_meets(vel_sign_key_alg(vel_identity_keys(work->issuer)->pq),
                                work->order->profile),
            VEL_ERR_UNSUPPORTED);
    REQUIRE(work->order->not_before >= cert->not_before &&
                work->order->not_before < cert->not_after,
            VEL_ERR_ARGUMENT);
    return VEL_OK;
}

static vel_result draw_keys(struct work *work)
{
    const struct vel_sig_suite *suite = NULL;
    for (size_t i = 0; i < VEL_SIG_SUITE_COUNT; i++) {
        if (vel_sig_suites[i].profile == work->order->profile &&
            vel_sig_suites[i].classical == work->order->classical)
            suite = &vel_sig_suites[i];
    }
    REQUIRE(suite != NULL, VEL_ERR_ARGUMENT);
    work->keys.suite = suite;
    TRY(vel_sign_key_generate(work->crypto, work->env, suite->classical, &work->keys.classical));
    TRY(vel_sign_key_generate(work->crypto, work->env, suite->pq, &work->keys.pq));
    TRY(vel_encode_spki(work->keys.classical, &work->spki));
    return vel_encode_spki(work->keys.pq, &work->alt_spki);
}

/* VEL-CERT-09: no certificate outlives its issuer. */
static vel_result write_middle(struct work *work)
{
    const struct vel_cert_order *order = work->order;
    int64_t not_after = order->not_before + order->validity;
    if (work->issuer != NULL && not_after > work->issuer_cert.not_after)
        not_after = work->issuer_cert.not_after;
    struct vel_slice name = vel_slice_text(common_name(order));

    TRY(vel_buf_reserve(&work->middle, work->middle.limit));
    struct vel_writer w = vel_writer(work->middle.ptr, work->middle.capacity);
    if (work->issuer != NULL)
        vel_write_bytes(&w, work->issuer_cert.subject);
    else
        vel_dn_write(&w, name);
    uint8_t *validity = vel_der_begin(&w, VEL_DER_SEQUENCE);
    vel_write_time(&w, order->not_before);
    vel_write_time(&w, not_after);
    vel_der_end(&w, validity);
    vel_dn_write(&w, name);
    vel_write_bytes(&w, vel_buf_slice(&work->spki));
    REQUIRE(vel_write_ok(&w), VEL_ERR_LIMIT);
    work->middle.len = vel_written(&w);
    return VEL_OK;
}

static vel_result write_extensions(struct work *work)
{
    const struct vel_extension_list list = {
        .order = work->order,
        .spki = vel_buf_slice(&work->spki),
        .alt_spki = vel_buf_slice(&work->alt_spki),
        .issuer_key_id = work->issuer != NULL ? work->issuer_cert.key_id : vel_slice(NULL, 0),
    };
    TRY(vel_extensions_write(work->crypto, &list, &work->extensions));

    struct vel_cert named = {.extensions = vel_buf_slice(&work->extensions)};
    TRY(vel_ext_parse(&named));
    bool constrained = work->issuer != NULL && work->issuer_cert.constraints.len > 0;
    size_t budget = VEL_CONSTRAINTS_BUDGET;
    REQUIRE(!constrained ||
                vel_constraints_allow(work->issuer_cert.constraints, named.names, &budget),
            VEL_ERR_AUTH);
    return VEL_OK;
}

/* Version 3, and a random serial number of 16 bytes: positive and of fixed size. */
static struct vel_slice write_head(const struct vel_env *env, uint8_t head[HEAD_MAX])
{
    uint8_t serial[SERIAL_SIZE];
    vel_random(env, serial, sizeof serial);
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
    struct vel_writer w = vel_writer(head, HEAD_MAX);
    uint8_t *version = vel_der_begin(&w, VEL_DER_EXPLICIT);
    vel_der_write(&w, VEL_DER_INTEGER, vel_slice("\x02", 1));
    vel_der_end(&w, version);
    vel_der_write(&w, VEL_DER_INTEGER, vel_slice(serial, sizeof serial));
    return vel_writer_slice(&w);
}

static vel_result seal(struct work *work, struct vel_buf *der)
{
    uint8_t head[HEAD_MAX];
    TRY(check_issuer(work));
    TRY(draw_keys(work));
    TRY(write_middle(work));
    TRY(write_extensions(work));
    const struct vel_alt_parts parts = {write_head(work->env, head), vel_buf_slice(&work->middle),
                                        vel_buf_slice(&work->extensions)};
    const struct vel_dual_key *signer =
        work->issuer != NULL ? vel_identity_keys(work->issuer) : &work->keys;
    return vel_cert_seal(work->env, work->crypto, &parts, signer, work->order->mode, der);
}

/* The certificate and those between it and the root, which the peer has. */
static vel_result write_chain(const struct work *work, struct vel_slice der, struct vel_buf *pem)
{
    TRY(vel_pem_append(pem, VEL_PEM_CERTIFICATE, der));
    if (work->issuer == NULL)
        return VEL_OK;
    size_t count = 0;
    const struct vel_slice *chain = vel_identity_chain(work->issuer, &count);
    for (size_t i = 0; i < count; i++) {
        struct vel_cert cert;
        TRY(vel_cert_parse(chain[i], &cert));
        if (!vel_cert_is_self_issued(&cert))
            TRY(vel_pem_append(pem, VEL_PEM_CERTIFICATE, chain[i]));
    }
    return VEL_OK;
}

static vel_result write_keys(const struct work *work, struct vel_buf *pem)
{
    OWNED(vel_buf_free) struct vel_buf first = {.env = work->env, .limit = VEL_KEY_PEM_MAX};
    OWNED(vel_buf_free) struct vel_buf second = {.env = work->env, .limit = VEL_KEY_PEM_MAX};
    TRY(vel_encode_pkcs8(work->keys.classical, &first));
    TRY(vel_encode_pkcs8(work->keys.pq, &second));
    TRY(vel_pem_append(pem, VEL_PEM_PRIVATE_KEY, vel_buf_slice(&first)));
    return vel_pem_append(pem, VEL_PEM_PRIVATE_KEY, vel_buf_slice(&second));
}

vel_result vel_cert_issue(const struct vel_env *env, const struct vel_crypto *crypto,
                          const struct vel_cert_order *order, const struct vel_identity *issuer,
                          struct vel_buf *chain_pem, struct vel_buf *key_pem)
{
    OWNED(work_clear)
    struct work work = {.env = env,
                        .crypto = crypto,
                        .order = order,
                        .issuer = issuer,
                        .spki = {.env = env, .limit = SPKI_MAX},
                        .alt_spki = {.env = env, .limit = SPKI_MAX},
                        .middle = {.env = env, .limit = SPKI_MAX},
                        .extensions = {.env = env, .limit = VEL_CERT_MAX_BYTES}};
    OWNED(vel_buf_free) struct vel_buf der = {.env = env, .limit = VEL_CERT_MAX_BYTES};
    OWNED(vel_buf_free) struct vel_buf chain = {.env = env, .limit = VEL_CHAIN_PEM_MAX};
    OWNED(vel_buf_free) struct vel_buf keys = {.env = env, .limit = VEL_KEY_PEM_MAX};

    TRY(check_order(order));
    TRY(seal(&work, &der));
    TRY(write_chain(&work, vel_buf_slice(&der), &chain));
    TRY(write_keys(&work, &keys));
    TRY(vel_buf_reserve(chain_pem, chain.len));
    TRY(vel_buf_append(key_pem, vel_buf_slice(&keys)));
    return vel_buf_append(chain_pem, vel_buf_slice(&chain));
}
