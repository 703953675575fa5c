/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_AUTH_H
#define HANDSHAKE_AUTH_H

#include "handshake/velocity_internal.h"

/*
 * Authentication, the same for both sides (spec/velocity-1.md, "Authentication"): Certificate,
 * CertificateVerify and Finished, sent and checked.
 */

/* Our chain; an empty one when `identity` is NULL. */
vel_result vel_auth_send_certificate(struct vel_velocity *v, const struct vel_identity *identity);

/* VEL_ERR_AGAIN: the signer has not finished, or the signature is deferred and not there; nothing was
 * sent, call again. */
vel_result vel_auth_send_verify(struct vel_velocity *v);
/* What it signs. */
vel_result vel_auth_to_sign(const struct vel_velocity *v, struct vel_to_sign *out);
vel_result vel_auth_send_finished(struct vel_velocity *v);

/* Verify the chain and keep the leaf's keys in v->peer. The caller has dealt with an empty one. */
vel_result vel_auth_check_certificate(struct vel_velocity *v,
                                      const struct vel_certificate *certificate);
vel_result vel_auth_check_verify(struct vel_velocity *v, const struct vel_message *message);
/* Compares only; the caller adds the message to the transcript. */
vel_result vel_auth_check_finished(struct vel_velocity *v, const struct vel_message *message);

#endif
