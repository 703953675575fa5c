/* SPDX-License-Identifier: MIT */
#include "pki/fallback.h"

#include "base/cbor.h"
#include "base/try.h"
#include "base/units.h"
#include "crypto/hash.h"
#include "pki/fallback_internal.h"
#include "pki/host.h"

enum {
    RECORD_PARTS = 4,
    BODY_KEYS = 10,
    PADDING = 64,
    BODY_FIXED = 1024,  /* bytes of a body beside its chain, at most */
    RECORD_FIXED = 128, /* of a record beside body and signatures */
};

static const char context[] = "Velocity/1, fallback record";

vel_result vel_fallback_message(const struct vel_crypto *crypto, struct vel_slice body,
                                struct vel_fallback_message *out)
{
    uint8_t digest[VEL_HASH_MAX];
    TRY(vel_digest(crypto, VEL_SHA512, &body, 1, digest));
    struct vel_writer w = vel_writer(out->bytes, sizeof out->bytes);
    vel_write_fill(&w, ' ', PADDING);
    vel_write_bytes(&w, vel_slice_text(context));
    vel_write_uint(&w, 0, 1);
    vel_write_bytes(&w, vel_slice(digest, vel_hash_size(VEL_SHA512)));
    VEL_ASSERT(vel_write_ok(&w));
    out->len = vel_written(&w);
    return VEL_OK;
}

/* ---- rules that hold for both ends ---- */

/* A host as certificates name it, in lower case (VEL-FB-04). */
static bool authority_is_sane(struct vel_slice authority)
{
    char text[VEL_DNS_NAME_MAX + 1] = "";
    struct vel_host host;
    if (authority.len == 0 || authority.len >= sizeof text)
        return false;
    for (size_t i = 0; i < authority.len; i++)
        if (authority.ptr[i] == 0 || (authority.ptr[i] >= 'A' && authority.ptr[i] <= 'Z'))
            return false;
    memcpy(text, authority.ptr, authority.len);
    return vel_host_parse(text, &host) == VEL_OK;
}

/* VEL-FB-05 */
static bool times_are_sane(const struct vel_fallback_says *says)
{
    return says->issued_at >= 0 && says->not_after >= says->issued_at &&
           says->not_after - says->issued_at <= VEL_FALLBACK_LIFETIME;
}

/* VEL-FB-06, and who says that Velocity/1 is off does not list it (VEL-FB-07). */
static bool versions_are_sane(const struct vel_fallback_says *says)
{
    bool is_off = says->reason == VEL_FALLBACK_POLICY_DISABLED ||
                  says->reason == VEL_FALLBACK_MAINTENANCE_WINDOW;
    if (says->version_count > VEL_FALLBACK_VERSIONS_MAX)
        return false;
    for (size_t i = 0; i < says->version_count; i++) {
        if (says->versions[i] == 0 || (is_off && vel_version_is_velocity(says->versions[i])))
            return false;
        for (size_t j = 0; j < i; j++)
            if (says->versions[j] == says->versions[i])
                return false;
    }
    return true;
}

static bool alpn_is_sane(struct vel_slice alpn)
{
    for (size_t i = 0; i < alpn.len; i++)
        if (alpn.ptr[i] <= ' ' || alpn.ptr[i] > '~')
            return false;
    return alpn.len <= VEL_FALLBACK_ALPN_MAX;
}

static bool chain_is_sane(const struct vel_fallback_says *says)
{
    for (size_t i = 0; i < says->chain_count; i++)
        if (says->chain[i].len == 0 || says->chain[i].len > VEL_CERT_MAX_BYTES)
            return false;
    return says->chain_count >= 1 && says->chain_count <= VEL_CHAIN_MAX;
}

static bool is_sane(const struct vel_fallback_says *says)
{
    return authority_is_sane(says->authority) && says->port != 0 && times_are_sane(says) &&
           versions_are_sane(says) && alpn_is_sane(says->selected_alpn) &&
           vel_fallback_is_signable(says->reason) &&
           says->retry_velocity <= VEL_FALLBACK_RETRY_MAX && chain_is_sane(says);
}

bool vel_fallback_lists(const struct vel_fallback_says *says, uint32_t version)
{
    for (size_t i = 0; i < says->version_count; i++)
        if (says->versions[i] == version)
            return true;
    return false;
}

/* ---- writing (VEL-FB-01, VEL-FB-02) ---- */

static void write_text(struct vel_writer *w, const char *text)
{
    vel_cbor_write_string(w, VEL_CBOR_TEXT, vel_slice_text(text));
}

static void write_uint(struct vel_writer *w, const char *key, uint64_t value)
{
    write_text(w, key);
    vel_cbor_write_head(w, VEL_CBOR_UINT, value);
}

/* Keys in their order: shorter ones first, then alphabetical. */
static void write_body(struct vel_writer *w, const struct vel_fallback_says *says)
{
    vel_cbor_write_head(w, VEL_CBOR_MAP, BODY_KEYS);
    write_uint(w, "port", says->port);
    write_text(w, "chain");
    vel_cbor_write_head(w, VEL_CBOR_ARRAY, says->chain_count);
    for (size_t i = 0; i < says->chain_count; i++)
        vel_cbor_write_string(w, VEL_CBOR_BYTES, says->chain[i]);
    write_text(w, "reason");
    write_text(w, vel_fallback_name(says->reason));
    write_text(w, "exporter");
    vel_cbor_write_string(w, VEL_CBOR_BYTES, vel_slice(says->exporter, sizeof says->exporter));
    write_text(w, "versions");
    vel_cbor_write_head(w, VEL_CBOR_ARRAY, says->version_count);
    for (size_t i = 0; i < says->version_count; i++)
        vel_cbor_write_head(w, VEL_CBOR_UINT, says->versions[i]);
    write_text(w, "authority");
    vel_cbor_write_string(w, VEL_CBOR_TEXT, says->authority);
    write_uint(w, "issued_at", (uint64_t)says->issued_at);
    write_uint(w, "not_after", (uint64_t)says->not_after);
    write_text(w, "selected_alpn");
    vel_cbor_write_string(w, VEL_CBOR_TEXT, says->selected_alpn);
    write_uint(w, "retry_velocity", says->retry_velocity);
}

vel_result vel_fallback_encode_body(const struct vel_fallback_says *says, struct vel_buf *out)
{
    REQUIRE(is_sane(says), VEL_ERR_ARGUMENT);
    size_t size = BODY_FIXED;
    for (size_t i = 0; i < says->chain_count; i++)
        size += says->chain[i].len;
    TRY(vel_buf_reserve(out, size));
    struct vel_writer w = vel_writer(out->ptr + out->len, size);
    write_body(&w, says);
    VEL_ASSERT(vel_write_ok(&w));
    out->len += vel_written(&w);
    return VEL_OK;
}

vel_result vel_fallback_encode(const struct vel_fallback_record *record, struct vel_buf *out)
{
    size_t size = RECORD_FIXED + record->body.len + record->classical.len + record->pq.len;
    TRY(vel_buf_reserve(out, size));
    struct vel_writer w = vel_writer(out->ptr + out->len, size);
    vel_cbor_write_head(&w, VEL_CBOR_ARRAY, RECORD_PARTS);
    vel_cbor_write_string(&w, VEL_CBOR_BYTES, record->body);
    vel_cbor_write_head(&w, VEL_CBOR_UINT, record->suite);
    vel_cbor_write_string(&w, VEL_CBOR_BYTES, record->classical);
    vel_cbor_write_string(&w, VEL_CBOR_BYTES, record->pq);
    VEL_ASSERT(vel_write_ok(&w));
    out->len += vel_written(&w);
    return VEL_OK;
}

/* ---- reading ---- */

/* An integer of at most `max`. */
static uint64_t read_uint(struct vel_reader *r, uint64_t max)
{
    uint64_t value = vel_cbor_read_head(r, VEL_CBOR_UINT);
    if (value > max)
        r->failed = true;
    return value;
}

/* The count of an array, 0 when it exceeds `max`. */
static size_t read_count(struct vel_reader *r, size_t max)
{
    uint64_t count = vel_cbor_read_head(r, VEL_CBOR_ARRAY);
    if (count > max)
        r->failed = true;
    return r->failed ? 0 : (size_t)count;
}

static enum vel_fallback read_reason(struct vel_reader *r)
{
    enum vel_fallback reason = vel_fallback_of_name(vel_cbor_read_string(r, VEL_CBOR_TEXT));
    if (reason == VEL_FALLBACK_COUNT)
        r->failed = true;
    return reason;
}

static void read_exporter(struct vel_reader *r, uint8_t exporter[VEL_FALLBACK_EXPORTER])
{
    struct vel_slice bytes = vel_cbor_read_string(r, VEL_CBOR_BYTES);
    if (bytes.len != VEL_FALLBACK_EXPORTER)
        r->failed = true;
    else
        memcpy(exporter, bytes.ptr, bytes.len);
}

static void read_body(struct vel_reader *r, struct vel_fallback_says *says)
{
    if (vel_cbor_read_head(r, VEL_CBOR_MAP) != BODY_KEYS)
        r->failed = true;
    vel_cbor_read_key(r, "port");
    says->port = (uint16_t)read_uint(r, UINT16_MAX);
    vel_cbor_read_key(r, "chain");
    says->chain_count = read_count(r, VEL_CHAIN_MAX);
    for (size_t i = 0; i < says->chain_count; i++)
        says->chain[i] = vel_cbor_read_string(r, VEL_CBOR_BYTES);
    vel_cbor_read_key(r, "reason");
    says->reason = read_reason(r);
    vel_cbor_read_key(r, "exporter");
    read_exporter(r, says->exporter);
    vel_cbor_read_key(r, "versions");
    says->version_count = read_count(r, VEL_FALLBACK_VERSIONS_MAX);
    for (size_t i = 0; i < says->version_count; i++)
        says->versions[i] = (uint32_t)read_uint(r, UINT32_MAX);
    vel_cbor_read_key(r, "authority");
    says->authority = vel_cbor_read_string(r, VEL_CBOR_TEXT);
    vel_cbor_read_key(r, "issued_at");
    says->issued_at = (int64_t)read_uint(r, INT64_MAX);
    vel_cbor_read_key(r, "not_after");
    says->not_after = (int64_t)read_uint(r, INT64_MAX);
    vel_cbor_read_key(r, "selected_alpn");
    says->selected_alpn = vel_cbor_read_string(r, VEL_CBOR_TEXT);
    vel_cbor_read_key(r, "retry_velocity");
    says->retry_velocity = (uint32_t)read_uint(r, VEL_FALLBACK_RETRY_MAX);
}

vel_result vel_fallback_parse(struct vel_slice bytes, struct vel_fallback_record *record)
{
    REQUIRE(bytes.len <= VEL_FALLBACK_MAX_BYTES, VEL_ERR_MALFORMED);
    struct vel_fallback_record made = {0};
    struct vel_reader r = vel_reader(bytes);
    REQUIRE(vel_cbor_read_head(&r, VEL_CBOR_ARRAY) == RECORD_PARTS, VEL_ERR_MALFORMED);
    made.body = vel_cbor_read_string(&r, VEL_CBOR_BYTES);
    made.suite = (uint16_t)read_uint(&r, UINT16_MAX);
    made.classical = vel_cbor_read_string(&r, VEL_CBOR_BYTES);
    made.pq = vel_cbor_read_string(&r, VEL_CBOR_BYTES);
    REQUIRE(vel_read_done(&r), VEL_ERR_MALFORMED);

    struct vel_reader body = vel_reader(made.body);
    read_body(&body, &made.says);
    REQUIRE(vel_read_done(&body) && is_sane(&made.says), VEL_ERR_MALFORMED);
    *record = made;
    return VEL_OK;
}
