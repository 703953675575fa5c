/* SPDX-License-Identifier: MIT */
#include "cli/bench_party.h"

#include "base/buf.h"
#include "base/own.h"
#include "cli/bench_measure.h"
#include "pki/issue.h"
#include "velocity/system.h"

enum { DAY = 86400 };

static const char *const names[] = {"bench.test"};

/* Issues one and appends its chain to `chain`. */
static struct vel_identity *issue(struct vel_bench_party *party, enum vel_profile profile,
                                  const struct vel_identity *issuer, struct vel_buf *chain)
{
    OWNED(vel_buf_free) struct vel_buf key = {.env = &party->env, .limit = VEL_KEY_PEM_MAX};
    struct vel_identity *identity = NULL;
    struct vel_cert_order order = {
        .common_name = issuer == NULL ? "Benchmark CA" : NULL,
        .names = names,
        .name_count = issuer == NULL ? 0 : 1,
        .classical = vel_order_classical(profile),
        .profile = profile,
        .not_before = vel_clock_unix() - DAY,
        .validity = 7 * DAY,
        .ca = issuer == NULL,
        .mode = VEL_SIGN_HEDGED,
    };
    BENCH_OK(vel_cert_issue(&party->env, party->crypto, &order, issuer, chain, &key));
    BENCH_OK(vel_identity_parse(&party->env, party->crypto, vel_buf_slice(chain),
                                vel_buf_slice(&key), &identity));
    return identity;
}

void vel_bench_party_init(struct vel_bench_party *party, enum vel_profile profile)
{
    *party =
        (struct vel_bench_party){.env = vel_env_system(), .alpn = vel_slice_text("velocity/1")};
    BENCH_OK(vel_crypto_new(&party->env, &party->crypto));
    OWNED(vel_buf_free) struct vel_buf ca = {.env = &party->env, .limit = VEL_CHAIN_PEM_MAX};
    OWNED(vel_buf_free) struct vel_buf leaf = {.env = &party->env, .limit = VEL_CHAIN_PEM_MAX};
    struct vel_identity *issuer = issue(party, profile, NULL, &ca);
    party->identity = issue(party, profile, issuer, &leaf);
    vel_identity_free(issuer);
    BENCH_OK(vel_trust_new(&party->env, party->crypto, &party->trust));
    BENCH_OK(vel_trust_add_pem(party->trust, vel_buf_slice(&ca)));

    struct vel_config config = vel_config_default(party->crypto);
    config.alpn = &party->alpn;
    config.alpn_count = 1;
    config.profiles = (struct vel_profile_list){.items = {profile}, .count = 1};
    config.unix_offset = vel_clock_unix_offset();
    party->server = config;
    party->server.identity = party->identity;
    party->client = config;
    party->client.trust = party->trust;
    party->client.server_name = names[0];
}

void vel_bench_party_clear(struct vel_bench_party *party)
{
    vel_trust_free(party->trust);
    vel_identity_free(party->identity);
    vel_crypto_free(party->crypto);
    *party = (struct vel_bench_party){0};
}
