/* SPDX-License-Identifier: MIT */
#include "cli/cert_order.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/units.h"
#include "pki/algorithm.h"
#include "pki/identity.h"
#include "pki/show.h"
#include "pki/time.h"
#include "velocity/system.h"

enum { BACKDATE = 300 /* seconds */ };

OWNED_POINTER(identity_release, struct vel_identity, vel_identity_free)

static const struct {
    const char *name;
    enum vel_sign_alg alg;
} classicals[] = {{"p256", VEL_P256}, {"p384", VEL_P384}, {"ed25519", VEL_ED25519}};

static bool is_in_profile(enum vel_sign_alg alg, enum vel_profile profile)
{
    for (size_t i = 0; i < VEL_SIG_SUITE_COUNT; i++) {
        if (vel_sig_suites[i].profile == profile && vel_sig_suites[i].classical == alg)
            return true;
    }
    return false;
}

int vel_order_pick_classical(const struct vel_call *call, const char *name,
                             enum vel_profile profile, enum vel_sign_alg *alg)
{
    if (name == NULL) {
        *alg = vel_order_classical(profile);
        return VEL_STATUS_OK;
    }
    for (size_t i = 0; i < VEL_COUNT(classicals); i++) {
        if (strcmp(classicals[i].name, name) != 0)
            continue;
        if (!is_in_profile(classicals[i].alg, profile)) {
            vel_fail(call, "profile %s does not admit --classical %s", vel_profile_name(profile),
                     name);
            return VEL_STATUS_USAGE;
        }
        *alg = classicals[i].alg;
        return VEL_STATUS_OK;
    }
    vel_fail(call, "--classical is p256, p384 or ed25519, not '%s'", name);
    return VEL_STATUS_USAGE;
}

static void set_start(struct vel_cert_order *order, const struct vel_identity *issuer)
{
    size_t count = 0;
    struct vel_cert cert;
    order->not_before = vel_clock_unix() - BACKDATE;
    if (issuer != NULL && vel_cert_parse(vel_identity_chain(issuer, &count)[0], &cert) == VEL_OK &&
        order->not_before < cert.not_before && vel_clock_unix() >= cert.not_before)
        order->not_before = cert.not_before;
}

static const char *why_not(enum vel_err err, const struct vel_identity *issuer)
{
    if (err == VEL_ERR_ARGUMENT && issuer != NULL)
        return "the CA's certificate is not valid at this time";
    switch ((int)err) {
    case VEL_ERR_ARGUMENT:
        return "not possible for these names and days";
    case VEL_ERR_UNSUPPORTED:
        return "what --ca holds is no hybrid CA, or is weaker than the profile";
    case VEL_ERR_AUTH:
        return "the CA may not certify one of the names (its name constraints)";
    default:
        return vel_err_text(err);
    }
}

/* Which files, and what the certificate in them says. */
static void tell(const struct vel_call *call, const struct vel_crypto *crypto,
                 const struct vel_cert_folder *folder, struct vel_slice chain,
                 struct vel_slice keys)
{
    OWNED(identity_release) struct vel_identity *made = NULL;
    struct vel_cert_info info;
    size_t count = 0;
    printf("certificate  %s\nprivate keys %s (mode 0600: keep them so)\n", folder->chain,
           folder->key);
    if (vel_identity_parse(call->env, crypto, chain, keys, &made) != VEL_OK)
        return;
    const struct vel_slice *ders = vel_identity_chain(made, &count);
    if (vel_cert_describe(call->env, crypto, ders[0], ders, count, &info) != VEL_OK)
        return;
    char until[VEL_TIME_TEXT];
    vel_time_text(info.cert.not_after, until);
    printf("subject      %s\nissuer       %s\nvalid until  %s\nalgorithms   %s and %s\n",
           info.subject, info.self_issued ? "itself" : info.issuer, until,
           vel_algorithm_name(info.classical.key), vel_algorithm_name(info.alternative.key));
}

int vel_order_fill(const struct vel_call *call, const struct vel_crypto *crypto,
                   struct vel_cert_order *order, const struct vel_identity *issuer,
                   const struct vel_cert_folder *folder, bool force)
{
    OWNED(vel_buf_free) struct vel_buf chain = {.env = call->env, .limit = VEL_CHAIN_PEM_MAX};
    OWNED(vel_buf_free) struct vel_buf keys = {.env = call->env, .limit = VEL_KEY_PEM_MAX};
    set_start(order, issuer);
    enum vel_err err = vel_cert_issue(call->env, crypto, order, issuer, &chain, &keys);
    if (err != VEL_OK)
        return vel_fail(call, "no certificate made: %s", why_not(err, issuer));
    int status =
        vel_cert_folder_write(call, folder, vel_buf_slice(&chain), vel_buf_slice(&keys), force);
    if (status == VEL_STATUS_OK)
        tell(call, crypto, folder, vel_buf_slice(&chain), vel_buf_slice(&keys));
    return status;
}
