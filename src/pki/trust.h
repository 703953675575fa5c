/* SPDX-License-Identifier: MIT */
#ifndef PKI_TRUST_H
#define PKI_TRUST_H

#include "base/buf.h"
#include "crypto/sign.h"
#include "pki/cert.h"

/*
 * The inside of a trust store, for path building (VEL-CERT-20). An anchor is taken apart once, when
 * it is added: its keys are decoded and, when it is self-issued, both of its signatures verified.
 * One that is no good for Velocity stays in the store with the check it failed, so that a verdict
 * can say why.
 */
enum { VEL_ANCHORS_MAX = 1024 };

struct vel_anchor {
    struct vel_buf der;
    struct vel_cert cert; /* slices into der */
    struct vel_dual_key keys;
    enum vel_cert_check state; /* VEL_CERT_OK, or why it anchors nothing */
};

/* The nth anchor; NULL past the end. Lives until the store is changed or freed. */
const struct vel_anchor *vel_trust_anchor(const struct vel_trust *trust, size_t n);

#endif
