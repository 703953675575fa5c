/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_CREDENTIALS_H
#define TESTS_SIM_CREDENTIALS_H

#include "velocity/pki.h"
#include "velocity/profile.h"
#include "velocity/tls.h"

/* A CA and a leaf for "server.example" of one profile, made once per process because ML-DSA keys
 * take time. Valid for the simulation's clock (CREDENTIALS_TIME at vel_time 0). */
#define CREDENTIALS_TIME INT64_C(1767225600) /* 2026-01-01 */
#define CREDENTIALS_NAME "server.example"

struct credentials {
    struct vel_identity *leaf;
    struct vel_trust *trust;                 /* anchors the CA */
    struct vel_tls *client_tls, *server_tls; /* the same for TLS */
};

const struct vel_crypto *credentials_crypto(void);
const struct credentials *credentials_of(enum vel_profile profile);

#endif
