/* SPDX-License-Identifier: MIT */
#include "pki/verify.h"

#include "base/own.h"
#include "base/try.h"
#include "pki/algorithm.h"
#include "pki/host.h"
#include "pki/path.h"
#include "pki/signature.h"
#include "pki/usage.h"

#define AS_NAME(code, name, text) [code] = name,
#define AS_TEXT(code, name, text) [code] = text,
static const char *const names[] = {VEL_CERT_CHECK_MAP(AS_NAME)};
static const char *const texts[] = {VEL_CERT_CHECK_MAP(AS_TEXT)};

const char *vel_cert_check_name(enum vel_cert_check check)
{
    return (unsigned)check < VEL_CERT_CHECK_COUNT ? names[check] : "unknown";
}

const char *vel_cert_check_text(enum vel_cert_check check)
{
    return (unsigned)check < VEL_CERT_CHECK_COUNT ? texts[check] : "unknown certificate check";
}

/* VEL-CERT-10: limits and form come before anything that costs. */
static vel_result parse_chain(struct vel_path *path, struct vel_cert_verdict *verdict)
{
    const struct vel_cert_request *request = path->request;
    REQUIRE(request->count >= 1 && request->count <= VEL_CHAIN_MAX, VEL_ERR_MALFORMED);
    for (size_t i = 0; i < request->count; i++) {
        verdict->depth = (unsigned)i;
        REQUIRE(request->chain[i].len <= VEL_CERT_MAX_BYTES, VEL_ERR_MALFORMED);
        TRY(vel_cert_parse(request->chain[i], &path->certs[i]));
    }
    path->count = request->count;
    return VEL_OK;
}

/* Checks on the leaf that need neither its keys nor its issuer. */
static enum vel_cert_check check_leaf(const struct vel_cert *leaf,
                                      const struct vel_cert_request *request)
{
    if (leaf->unknown_critical)
        return VEL_CERT_CRITICAL;
    if (!vel_cert_is_hybrid(leaf))
        return VEL_CERT_ALT_MISSING;
    if (!vel_usage_leaf(leaf, request->use))
        return VEL_CERT_USAGE;
    if (request->insecure)
        return VEL_CERT_OK;
    enum vel_cert_check time = vel_cert_check_time(leaf, request->unix_time);
    if (time != VEL_CERT_OK || request->name == NULL)
        return time;
    struct vel_host host;
    bool matches =
        vel_host_parse(request->name, &host) == VEL_OK && vel_names_match(leaf->names, &host);
    return matches ? VEL_CERT_OK : VEL_CERT_NAME;
}

/* The leaf's keys, which must be in a suite of the level asked for (VEL-CERT-04). */
static vel_result leaf_keys(const struct vel_path *path, struct vel_cert_verdict *verdict,
                            struct vel_dual_key *keys)
{
    enum vel_cert_check check = VEL_CERT_OK;
    const struct vel_cert *leaf = &path->certs[0];
    OWNED(vel_dual_key_clear) struct vel_dual_key made = {0};
    enum vel_err err = vel_cert_keys(path->crypto, leaf, &check, &made);
    if (err == VEL_OK && !vel_algorithm_meets(vel_sign_key_alg(made.pq), path->request->level))
        check = VEL_CERT_LEVEL;
    else if (err == VEL_OK && made.suite == NULL)
        check = VEL_CERT_ALGORITHM;
    if (check != VEL_CERT_OK) {
        vel_verdict_set(verdict, check, 0, leaf);
        return VEL_ERR_AUTH;
    }
    TRY(err);
    *keys = made;
    made = (struct vel_dual_key){0};
    return VEL_OK;
}

vel_result vel_cert_verify(const struct vel_env *env, const struct vel_crypto *crypto,
                           const struct vel_trust *trust, const struct vel_cert_request *request,
                           struct vel_cert_verdict *verdict, struct vel_dual_key *leaf)
{
    OWNED(vel_path_clear)
    struct vel_path path = {.env = env, .crypto = crypto, .trust = trust, .request = request};
    OWNED(vel_dual_key_clear) struct vel_dual_key keys = {0};

    vel_verdict_set(verdict, VEL_CERT_PARSE, 0, NULL);
    TRY(parse_chain(&path, verdict));
    enum vel_cert_check check = check_leaf(&path.certs[0], request);
    vel_verdict_set(verdict, check, 0, &path.certs[0]);
    REQUIRE(check == VEL_CERT_OK, VEL_ERR_AUTH);
    TRY(leaf_keys(&path, verdict, &keys));
    if (!request->insecure) {
        enum vel_err err = vel_path_find(&path);
        if (err == VEL_ERR_AUTH)
            *verdict = path.verdict;
        TRY(err);
    }
    *leaf = keys;
    keys = (struct vel_dual_key){0};
    return VEL_OK;
}
