/* SPDX-License-Identifier: MIT */
#ifndef CLI_CERT_ORDER_H
#define CLI_CERT_ORDER_H

#include "cli/cert_folder.h"
#include "pki/issue.h"

/* What `cert issue` and `ca init` share: from options to files. */

/*
 * The algorithm that --classical names ("p256", "p384", "ed25519"), or the profile's own when it
 * was not given. Tells the user and returns VEL_STATUS_USAGE when the profile does not go with it.
 */
int vel_order_pick_classical(const struct vel_call *call, const char *name,
                             enum vel_profile profile, enum vel_sign_alg *alg);

/*
 * Issue, write the files and say what was written. order->not_before is set here: a little in the
 * past, for clocks that are behind, but not before the issuer's.
 */
int vel_order_fill(const struct vel_call *call, const struct vel_crypto *crypto,
                   struct vel_cert_order *order, const struct vel_identity *issuer,
                   const struct vel_cert_folder *folder, bool force);

#endif
