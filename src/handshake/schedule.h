/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_SCHEDULE_H
#define HANDSHAKE_SCHEDULE_H

#include "base/secret.h"
#include "crypto/hash.h"

/*
 * The key schedule: RFC 8446 7.1 with label prefix "vel1 ", the profile's hash and no PSK
 * (VEL-HS-32). Secrets become available stage by stage and are wiped by vel_schedule_clear.
 * Every call may return VEL_ERR_CRYPTO and then leaves its outputs untouched.
 */
struct vel_schedule {
    const struct vel_crypto *crypto;
    enum vel_hash_id hash;
    struct vel_secret main; /* early, handshake, then master secret */
    struct vel_secret client_handshake, server_handshake;
    struct vel_secret client_app, server_app;
    struct vel_secret exporter;
};

/* Early secret, from a PSK of zeroes. */
vel_result vel_schedule_start(struct vel_schedule *s, const struct vel_crypto *crypto,
                              enum vel_hash_id hash);

/* shared: secret of the hybrid exchange; transcript: hash of ClientHello..ServerHello. */
vel_result vel_schedule_handshake(struct vel_schedule *s, struct vel_slice shared,
                                  struct vel_slice transcript);

/* transcript: hash of ClientHello..server Finished. Wipes the main secret. */
vel_result vel_schedule_master(struct vel_schedule *s, struct vel_slice transcript);

/* Verify data of Finished (RFC 8446 4.4.4): traffic is the sender's handshake secret. */
vel_result vel_schedule_finished(const struct vel_schedule *s, const struct vel_secret *traffic,
                                 struct vel_slice transcript, struct vel_secret *out);

/* RFC 8446 7.5 (VEL-HS-33). VEL_ERR_ARGUMENT: label over 200 bytes or size over 255 hashes. */
vel_result vel_schedule_export(const struct vel_schedule *s, const char *label,
                               struct vel_slice context, uint8_t *out, size_t size);

void vel_schedule_clear(struct vel_schedule *s);

#endif
