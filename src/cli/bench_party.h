/* SPDX-License-Identifier: MIT */
#ifndef CLI_BENCH_PARTY_H
#define CLI_BENCH_PARTY_H

#include "velocity/config.h"
#include "velocity/env.h"

/*
 * Who talks in a benchmark: a fresh CA, a server certificate "bench.test" under it, and a client
 * that trusts that CA and nothing else. Both signatures are made and verified as always; nothing
 * is switched off for speed.
 */
struct vel_bench_party {
    struct vel_env env;
    struct vel_crypto *crypto;
    struct vel_identity *identity;
    struct vel_trust *trust;
    struct vel_slice alpn;
    struct vel_config server, client;
};

/* In place: the configs point into it. Ends the program when something fails. */
void vel_bench_party_init(struct vel_bench_party *party, enum vel_profile profile);
void vel_bench_party_clear(struct vel_bench_party *party);

#endif
