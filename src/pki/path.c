/* SPDX-License-Identifier: MIT */
#include "pki/path.h"

#include "base/try.h"
#include "pki/algorithm.h"
#include "pki/constraints.h"
#include "pki/dn.h"
#include "pki/signature.h"
#include "pki/trust.h"
#include "pki/usage.h"

void vel_verdict_set(struct vel_cert_verdict *verdict, enum vel_cert_check check, unsigned depth,
                     const struct vel_cert *cert)
{
    verdict->check = check;
    verdict->depth = depth;
    if (cert != NULL)
        vel_dn_text(cert->subject, verdict->subject, sizeof verdict->subject);
    else
        verdict->subject[0] = '\0';
}

enum vel_cert_check vel_cert_check_time(const struct vel_cert *cert, int64_t unix_time)
{
    if (unix_time < cert->not_before)
        return VEL_CERT_NOT_YET_VALID;
    return unix_time > cert->not_after ? VEL_CERT_EXPIRED : VEL_CERT_OK;
}

/*
 * VEL-CERT-23: keep the failure that came furthest; with several candidates it is the one the user
 * meant. At the same depth the first, except that anything says more than "unknown issuer".
 */
static enum vel_err fail(struct vel_path *path, enum vel_cert_check check, size_t depth,
                         const struct vel_cert *cert)
{
    const struct vel_cert_verdict *old = &path->verdict;
    bool further = old->check == VEL_CERT_OK || depth > old->depth ||
                   (depth == old->depth && old->check == VEL_CERT_UNKNOWN_ISSUER);
    if (further)
        vel_verdict_set(&path->verdict, check, (unsigned)depth, cert);
    return VEL_ERR_AUTH;
}

/* Checks on an issuer that cost no signature. `depth` is its place in the path. */
static enum vel_cert_check check_issuer(struct vel_path *path, const struct vel_cert *issuer,
                                        size_t depth)
{
    if (issuer->unknown_critical)
        return VEL_CERT_CRITICAL;
    if (!vel_usage_issuer(issuer, path->request->use))
        return VEL_CERT_USAGE;
    /* VEL-CERT-16: every certificate between the issuer and the leaf counts. */
    if (issuer->path_length >= 0 && depth - 1 > (size_t)issuer->path_length)
        return VEL_CERT_CONSTRAINTS;
    for (size_t i = 0; i < path->length && issuer->constraints.len > 0; i++) {
        if (!vel_constraints_allow(issuer->constraints, path->certs[path->steps[i]].names,
                                   &path->constraints))
            return VEL_CERT_CONSTRAINTS;
    }
    return vel_cert_check_time(issuer, path->request->unix_time);
}

/* Whether `issuer`, with these keys, stands above the last certificate of the path: its level
 * (VEL-CERT-12), its own checks, both signatures (VEL-CERT-11). */
static vel_result try_issuer(struct vel_path *path, const struct vel_cert *issuer,
                             const struct vel_dual_key *keys)
{
    size_t depth = path->length;
    const struct vel_cert *child = &path->certs[path->steps[depth - 1]];
    if (!vel_algorithm_meets(vel_sign_key_alg(keys->pq), path->request->level))
        return fail(path, VEL_CERT_LEVEL, depth, issuer);
    enum vel_cert_check check = check_issuer(path, issuer, depth);
    if (check != VEL_CERT_OK)
        return fail(path, check, depth, issuer);

    if (path->candidates == VEL_PATH_CANDIDATES_MAX)
        return fail(path, VEL_CERT_UNKNOWN_ISSUER, depth - 1, child);
    path->candidates++;
    enum vel_err err = vel_cert_signed_by(path->env, path->crypto, child, keys, &check);
    return err == VEL_ERR_AUTH ? fail(path, check, depth - 1, child) : err;
}

static vel_result try_anchors(struct vel_path *path)
{
    const struct vel_cert *child = &path->certs[path->steps[path->length - 1]];
    const struct vel_anchor *anchor;
    for (size_t n = 0; (anchor = vel_trust_anchor(path->trust, n)) != NULL; n++) {
        if (!vel_slice_equal(anchor->cert.subject, child->issuer))
            continue;
        enum vel_err err = anchor->state == VEL_CERT_OK
                               ? try_issuer(path, &anchor->cert, &anchor->keys)
                               : fail(path, anchor->state, path->length, &anchor->cert);
        if (err != VEL_ERR_AUTH)
            return err;
    }
    return VEL_ERR_AUTH;
}

static bool is_used(const struct vel_path *path, size_t index)
{
    for (size_t i = 0; i < path->length; i++) {
        if (path->steps[i] == index)
            return true;
    }
    return false;
}

/* The keys of a certificate of the chain, decoded once. */
static vel_result keys_of(struct vel_path *path, size_t index)
{
    if (path->keys[index].classical != NULL)
        return VEL_OK;
    enum vel_cert_check check = VEL_CERT_OK;
    const struct vel_cert *cert = &path->certs[index];
    enum vel_err err = vel_cert_keys(path->crypto, cert, &check, &path->keys[index]);
    return err == VEL_ERR_AUTH ? fail(path, check, path->length, cert) : err;
}

/* Depth-first; each step takes one more of at most VEL_CHAIN_MAX certificates. */
static vel_result extend(struct vel_path *path)
{
    const struct vel_cert *child = &path->certs[path->steps[path->length - 1]];
    enum vel_err err = try_anchors(path);
    for (size_t i = 1; err == VEL_ERR_AUTH && i < path->count; i++) {
        if (is_used(path, i) || !vel_slice_equal(path->certs[i].subject, child->issuer))
            continue;
        err = keys_of(path, i);
        if (err == VEL_OK)
            err = try_issuer(path, &path->certs[i], &path->keys[i]);
        if (err != VEL_OK)
            continue;
        path->steps[path->length++] = i;
        err = extend(path);
        path->length--;
    }
    return err == VEL_ERR_AUTH ? fail(path, VEL_CERT_UNKNOWN_ISSUER, path->length - 1, child) : err;
}

/* A leaf that is itself in the store is its own anchor (VEL-CERT-19). */
static const struct vel_anchor *own_anchor(const struct vel_path *path)
{
    const struct vel_anchor *anchor;
    for (size_t n = 0; (anchor = vel_trust_anchor(path->trust, n)) != NULL; n++) {
        if (vel_slice_equal(anchor->cert.der, path->certs[0].der))
            return anchor;
    }
    return NULL;
}

vel_result vel_path_find(struct vel_path *path)
{
    const struct vel_anchor *own = own_anchor(path);
    if (own != NULL && own->state == VEL_CERT_OK)
        return VEL_OK;
    if (own != NULL)
        return fail(path, own->state, 0, &own->cert);
    path->steps[0] = 0;
    path->length = 1;
    path->constraints = VEL_CONSTRAINTS_BUDGET;
    return extend(path);
}

void vel_path_clear(struct vel_path *path)
{
    for (size_t i = 0; i < VEL_CHAIN_MAX; i++)
        vel_dual_key_clear(&path->keys[i]);
}
