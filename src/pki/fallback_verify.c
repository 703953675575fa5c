/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/secret.h"
#include "base/try.h"
#include "base/units.h"
#include "pki/fallback.h"
#include "pki/fallback_internal.h"

static const struct {
    const char *name;
    const char *text;
} checks[] = {
#define CHECK_ROW(code, name, text) [code] = {name, text},
    VEL_FALLBACK_CHECK_MAP(CHECK_ROW)
#undef CHECK_ROW
};

const char *vel_fallback_check_name(enum vel_fallback_check check)
{
    return (size_t)check < VEL_COUNT(checks) ? checks[check].name : "unknown";
}

const char *vel_fallback_check_text(enum vel_fallback_check check)
{
    return (size_t)check < VEL_COUNT(checks) ? checks[check].text : "unknown check";
}

/* What it says against what the client knows, cheap and before any signature: VEL-FB-10, VEL-FB-11,
 * VEL-FB-12, VEL-FB-13, VEL-FB-14. */
static enum vel_fallback_check check_claims(const struct vel_fallback_says *says,
                                            const struct vel_fallback_expected *expected)
{
    struct vel_slice exporter = vel_slice(says->exporter, sizeof says->exporter);
    if (!vel_slice_equal(says->authority, vel_slice_text(expected->host)))
        return VEL_FALLBACK_AUTHORITY;
    if (says->port != expected->port)
        return VEL_FALLBACK_PORT;
    if (!vel_equal_secret(exporter, vel_slice(expected->exporter, sizeof expected->exporter)))
        return VEL_FALLBACK_BINDING;
    if (!vel_slice_equal(says->selected_alpn, expected->alpn))
        return VEL_FALLBACK_ALPN;
    if (says->issued_at - VEL_FALLBACK_SKEW > expected->unix_time)
        return VEL_FALLBACK_EARLY;
    return says->not_after < expected->unix_time ? VEL_FALLBACK_EXPIRED : VEL_FALLBACK_OK;
}

/* VEL-FB-15 */
static vel_result check_chain(const struct vel_env *env, const struct vel_crypto *crypto,
                              const struct vel_trust *trust,
                              const struct vel_fallback_expected *expected,
                              const struct vel_fallback_says *says,
                              struct vel_fallback_verdict *verdict, struct vel_dual_key *leaf)
{
    const struct vel_cert_request request = {
        .chain = says->chain,
        .count = says->chain_count,
        .name = expected->host,
        .use = VEL_USE_SERVER,
        .level = expected->level,
        .unix_time = expected->unix_time,
    };
    enum vel_err err = vel_cert_verify(env, crypto, trust, &request, &verdict->certificate, leaf);
    if (err == VEL_ERR_AUTH || err == VEL_ERR_MALFORMED) {
        verdict->check = VEL_FALLBACK_CERTIFICATE;
        return VEL_ERR_AUTH;
    }
    return err;
}

/* VEL-FB-16: the suite is the one that the leaf's keys form, and both halves verify. */
static vel_result check_signature(const struct vel_crypto *crypto, const struct vel_dual_key *leaf,
                                  const struct vel_fallback_record *record,
                                  struct vel_fallback_verdict *verdict)
{
    struct vel_fallback_message message;
    TRY(vel_fallback_message(crypto, record->body, &message));
    enum vel_err err = VEL_ERR_AUTH;
    if (leaf->suite != NULL && leaf->suite->code == record->suite)
        err = vel_dual_verify(crypto, leaf, VEL_FALLBACK_USE, vel_slice(message.bytes, message.len),
                              record->classical, record->pq);
    if (err == VEL_ERR_AUTH)
        verdict->check = VEL_FALLBACK_SIGNATURE;
    return err;
}

vel_result vel_fallback_verify(const struct vel_env *env, const struct vel_crypto *crypto,
                               const struct vel_trust *trust,
                               const struct vel_fallback_expected *expected, struct vel_slice bytes,
                               struct vel_fallback_verdict *verdict, struct vel_fallback_says *says)
{
    struct vel_fallback_record record;
    *verdict = (struct vel_fallback_verdict){.check = VEL_FALLBACK_PARSE};
    REQUIRE(vel_fallback_parse(bytes, &record) == VEL_OK, VEL_ERR_AUTH);
    verdict->check = check_claims(&record.says, expected);
    REQUIRE(verdict->check == VEL_FALLBACK_OK, VEL_ERR_AUTH);

    OWNED(vel_dual_key_clear) struct vel_dual_key leaf = {0};
    TRY(check_chain(env, crypto, trust, expected, &record.says, verdict, &leaf));
    TRY(check_signature(crypto, &leaf, &record, verdict));
    *says = record.says;
    return VEL_OK;
}
