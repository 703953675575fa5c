/* SPDX-License-Identifier: MIT */
#include "pki/show.h"

#include <stdio.h>

#include "base/own.h"
#include "base/try.h"
#include "crypto/hash.h"
#include "pki/algorithm.h"
#include "pki/der.h"
#include "pki/dn.h"
#include "pki/signature.h"
#include "pki/verify.h"

#define AS_NAME(code, name) [code] = name,
static const char *const state_names[] = {VEL_SIGNED_MAP(AS_NAME)};

OWNED_POINTER(key_release, struct vel_sign_key, vel_sign_key_free)

const char *vel_signed_name(enum vel_signed state)
{
    return (unsigned)state < VEL_SIGNED_COUNT ? state_names[state] : "unknown";
}

/* The key of a half; an algorithm that we do not use leaves it NULL. */
static vel_result half_key(const struct vel_crypto *crypto, struct vel_slice spki,
                           struct vel_sign_key **key)
{
    if (spki.len == 0)
        return VEL_OK;
    enum vel_err err = vel_sign_key_from_spki(crypto, spki, key);
    return err == VEL_ERR_UNSUPPORTED || err == VEL_ERR_MALFORMED ? VEL_OK : err;
}

static vel_result half_of(const struct vel_crypto *crypto, struct vel_slice spki,
                          struct vel_slice algorithm, struct vel_slice signature,
                          struct vel_half_info *half)
{
    OWNED(key_release) struct vel_sign_key *key = NULL;
    TRY(half_key(crypto, spki, &key));
    *half = (struct vel_half_info){
        .present = spki.len > 0,
        .key = key != NULL ? vel_sign_key_alg(key) : VEL_SIGN_ALG_COUNT,
        .signature = vel_algorithm_of(algorithm),
        .key_size = spki.len,
        .signature_size = signature.len,
        .state = signature.len > 0 ? VEL_SIGNED_UNCHECKED : VEL_SIGNED_MISSING,
    };
    return VEL_OK;
}

/* Record what a verification said; several issuers may be of one name, and one is enough. */
static vel_result judge(enum vel_err err, struct vel_half_info *half)
{
    if (err == VEL_OK)
        half->state = VEL_SIGNED_VALID;
    else if (err == VEL_ERR_AUTH && half->state == VEL_SIGNED_UNCHECKED)
        half->state = VEL_SIGNED_BROKEN;
    return err == VEL_ERR_AUTH ? VEL_OK : err;
}

static vel_result check_under(const struct vel_env *env, const struct vel_crypto *crypto,
                              const struct vel_cert *issuer, struct vel_cert_info *info)
{
    OWNED(key_release) struct vel_sign_key *classical = NULL;
    OWNED(key_release) struct vel_sign_key *pq = NULL;
    TRY(half_key(crypto, issuer->spki, &classical));
    TRY(half_key(crypto, issuer->alt_spki, &pq));
    if (classical != NULL)
        TRY(judge(vel_cert_classical_by(crypto, &info->cert, classical), &info->classical));
    if (pq != NULL && info->alternative.state != VEL_SIGNED_MISSING)
        TRY(judge(vel_cert_alternative_by(env, crypto, &info->cert, pq), &info->alternative));
    return VEL_OK;
}

static vel_result check_signatures(const struct vel_env *env, const struct vel_crypto *crypto,
                                   const struct vel_slice *chain, size_t count,
                                   struct vel_cert_info *info)
{
    if (info->self_issued)
        return check_under(env, crypto, &info->cert, info);
    for (size_t i = 0; i < count; i++) {
        struct vel_cert issuer;
        if (vel_cert_parse(chain[i], &issuer) == VEL_OK &&
            vel_slice_equal(issuer.subject, info->cert.issuer))
            TRY(check_under(env, crypto, &issuer, info));
    }
    return VEL_OK;
}

vel_result vel_cert_describe(const struct vel_env *env, const struct vel_crypto *crypto,
                             struct vel_slice der, const struct vel_slice *chain, size_t count,
                             struct vel_cert_info *info)
{
    struct vel_cert_info made = {0};
    struct vel_cert *cert = &made.cert;
    REQUIRE(der.len <= VEL_CERT_MAX_BYTES, VEL_ERR_MALFORMED);
    TRY(vel_cert_parse(der, cert));
    vel_dn_text(cert->subject, made.subject, sizeof made.subject);
    vel_dn_text(cert->issuer, made.issuer, sizeof made.issuer);
    made.self_issued = vel_cert_is_self_issued(cert);
    TRY(vel_digest(crypto, VEL_SHA256, &der, 1, made.fingerprint));
    TRY(half_of(crypto, cert->spki, cert->algorithm, cert->signature, &made.classical));
    TRY(half_of(crypto, cert->alt_spki, cert->alt_algorithm, cert->alt_signature,
                &made.alternative));
    made.suite = vel_sig_suite_of(made.classical.key, made.alternative.key);
    TRY(check_signatures(env, crypto, chain, count, &made));
    *info = made;
    return VEL_OK;
}

/* RFC 5952: the longest run of two or more zero groups becomes "::". */
static void ip6_text(const uint8_t ip[16], char *text, size_t size)
{
    size_t best = 8;
    size_t best_len = 1;
    for (size_t i = 0; i < 8; i++) {
        size_t len = 0;
        while (i + len < 8 && ip[2 * (i + len)] == 0 && ip[2 * (i + len) + 1] == 0)
            len++;
        if (len > best_len) {
            best = i;
            best_len = len;
        }
    }
    size_t used = 0;
    for (size_t i = 0; i < 8 && used < size; i++) {
        int wrote = 0;
        unsigned group = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
        if (i == best) {
            wrote = snprintf(text + used, size - used, "::");
            i += best_len - 1;
        } else {
            bool first = i == 0 || i == best + best_len;
            wrote = snprintf(text + used, size - used, first ? "%x" : ":%x", group);
        }
        used += (size_t)wrote;
    }
}

bool vel_cert_next_name(struct vel_reader *names, char text[VEL_NAME_TEXT])
{
    while (vel_read_ok(names) && vel_left(names) > 0) {
        uint8_t tag = 0;
        struct vel_slice name = vel_der_any(names, &tag);
        if (tag == VEL_NAME_IP && name.len == 16) {
            ip6_text(name.ptr, text, VEL_NAME_TEXT);
            return true;
        }
        if (tag == VEL_NAME_IP && name.len == 4) {
            snprintf(text, VEL_NAME_TEXT, "%u.%u.%u.%u", name.ptr[0], name.ptr[1], name.ptr[2],
                     name.ptr[3]);
            return true;
        }
        if (tag != VEL_NAME_DNS)
            continue;
        size_t len = name.len < VEL_NAME_TEXT ? name.len : VEL_NAME_TEXT - 1;
        for (size_t i = 0; i < len; i++)
            text[i] = name.ptr[i] > ' ' && name.ptr[i] <= '~' ? (char)name.ptr[i] : '?';
        text[len] = '\0';
        return true;
    }
    return false;
}
