/* SPDX-License-Identifier: MIT */
/*
 * A fallback record from anybody. Properties: what parses lies inside of the bytes, keeps the rules
 * of the format, and encodes to the very same bytes again: it has no second encoding.
 */
#include "pki/fallback.h"
#include "pki/fallback_internal.h"
#include "testing/fuzz.h"

static bool lies_inside(struct vel_slice part, struct vel_slice whole)
{
    return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

static void check_says(const struct vel_fallback_says *says, struct vel_slice body)
{
    FUZZ_CHECK(lies_inside(says->authority, body) && lies_inside(says->selected_alpn, body));
    FUZZ_CHECK(says->chain_count >= 1 && says->chain_count <= VEL_CHAIN_MAX);
    for (size_t i = 0; i < says->chain_count; i++)
        FUZZ_CHECK(lies_inside(says->chain[i], body));
    FUZZ_CHECK(says->version_count <= VEL_FALLBACK_VERSIONS_MAX);
    FUZZ_CHECK(says->not_after >= says->issued_at);
    FUZZ_CHECK(says->not_after - says->issued_at <= VEL_FALLBACK_LIFETIME);
    FUZZ_CHECK(vel_fallback_is_signable(says->reason));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct vel_slice whole = vel_slice(bytes, size);
    struct vel_fallback_record record;
    if (vel_fallback_parse(whole, &record) != VEL_OK)
        return 0;
    FUZZ_CHECK(lies_inside(record.body, whole) && lies_inside(record.pq, whole));
    check_says(&record.says, record.body);

    struct vel_buf body = {.env = &fuzz_env, .limit = 2 * VEL_FALLBACK_MAX_BYTES};
    struct vel_buf again = {.env = &fuzz_env, .limit = 2 * VEL_FALLBACK_MAX_BYTES};
    FUZZ_CHECK(vel_fallback_encode_body(&record.says, &body) == VEL_OK);
    FUZZ_CHECK(vel_slice_equal(vel_buf_slice(&body), record.body));
    FUZZ_CHECK(vel_fallback_encode(&record, &again) == VEL_OK);
    FUZZ_CHECK(vel_slice_equal(vel_buf_slice(&again), whole));
    vel_buf_free(&again);
    vel_buf_free(&body);
    return 0;
}
