/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "http/qpack.h"

/* RFC 9204 appendix A, by index. */
static const struct vel_field table[VEL_QPACK_STATIC] = {
#define LINE(name, value)                                                                          \
    {{(const uint8_t *)(name), sizeof(name) - 1}, {(const uint8_t *)(value), sizeof(value) - 1}}
    LINE(":authority", ""),
    LINE(":path", "/"),
    LINE("age", "0"),
    LINE("content-disposition", ""),
    LINE("content-length", "0"),
    LINE("cookie", ""),
    LINE("date", ""),
    LINE("etag", ""),
    LINE("if-modified-since", ""),
    LINE("if-none-match", ""),
    LINE("last-modified", ""),
    LINE("link", ""),
    LINE("location", ""),
    LINE("referer", ""),
    LINE("set-cookie", ""),
    LINE(":method", "CONNECT"),
    LINE(":method", "DELETE"),
    LINE(":method", "GET"),
    LINE(":method", "HEAD"),
    LINE(":method", "OPTIONS"),
    LINE(":method", "POST"),
    LINE(":method", "PUT"),
    LINE(":scheme", "http"),
    LINE(":scheme", "https"),
    LINE(":status", "103"),
    LINE(":status", "200"),
    LINE(":status", "304"),
    LINE(":status", "404"),
    LINE(":status", "503"),
    LINE("accept", "*/*"),
    LINE("accept", "application/dns-message"),
    LINE("accept-encoding", "gzip, deflate, br"),
    LINE("accept-ranges", "bytes"),
    LINE("access-control-allow-headers", "cache-control"),
    LINE("access-control-allow-headers", "content-type"),
    LINE("access-control-allow-origin", "*"),
    LINE("cache-control", "max-age=0"),
    LINE("cache-control", "max-age=2592000"),
    LINE("cache-control", "max-age=604800"),
    LINE("cache-control", "no-cache"),
    LINE("cache-control", "no-store"),
    LINE("cache-control", "public, max-age=31536000"),
    LINE("content-encoding", "br"),
    LINE("content-encoding", "gzip"),
    LINE("content-type", "application/dns-message"),
    LINE("content-type", "application/javascript"),
    LINE("content-type", "application/json"),
    LINE("content-type", "application/x-www-form-urlencoded"),
    LINE("content-type", "image/gif"),
    LINE("content-type", "image/jpeg"),
    LINE("content-type", "image/png"),
    LINE("content-type", "text/css"),
    LINE("content-type", "text/html; charset=utf-8"),
    LINE("content-type", "text/plain"),
    LINE("content-type", "text/plain;charset=utf-8"),
    LINE("range", "bytes=0-"),
    LINE("strict-transport-security", "max-age=31536000"),
    LINE("strict-transport-security", "max-age=31536000; includesubdomains"),
    LINE("strict-transport-security", "max-age=31536000; includesubdomains; preload"),
    LINE("vary", "accept-encoding"),
    LINE("vary", "origin"),
    LINE("x-content-type-options", "nosniff"),
    LINE("x-xss-protection", "1; mode=block"),
    LINE(":status", "100"),
    LINE(":status", "204"),
    LINE(":status", "206"),
    LINE(":status", "302"),
    LINE(":status", "400"),
    LINE(":status", "403"),
    LINE(":status", "421"),
    LINE(":status", "425"),
    LINE(":status", "500"),
    LINE("accept-language", ""),
    LINE("access-control-allow-credentials", "FALSE"),
    LINE("access-control-allow-credentials", "TRUE"),
    LINE("access-control-allow-headers", "*"),
    LINE("access-control-allow-methods", "get"),
    LINE("access-control-allow-methods", "get, post, options"),
    LINE("access-control-allow-methods", "options"),
    LINE("access-control-expose-headers", "content-length"),
    LINE("access-control-request-headers", "content-type"),
    LINE("access-control-request-method", "get"),
    LINE("access-control-request-method", "post"),
    LINE("alt-svc", "clear"),
    LINE("authorization", ""),
    LINE("content-security-policy", "script-src 'none'; object-src 'none'; base-uri 'none'"),
    LINE("early-data", "1"),
    LINE("expect-ct", ""),
    LINE("forwarded", ""),
    LINE("if-range", ""),
    LINE("origin", ""),
    LINE("purpose", "prefetch"),
    LINE("server", ""),
    LINE("timing-allow-origin", "*"),
    LINE("upgrade-insecure-requests", "1"),
    LINE("user-agent", ""),
    LINE("x-forwarded-for", ""),
    LINE("x-frame-options", "deny"),
    LINE("x-frame-options", "sameorigin"),
#undef LINE
};

const struct vel_field *vel_qpack_static(uint64_t index)
{
    return index < VEL_COUNT(table) ? &table[index] : NULL;
}

size_t vel_qpack_find(struct vel_slice name, struct vel_slice value, bool *whole)
{
    size_t found = VEL_QPACK_STATIC;
    *whole = false;
    for (size_t i = 0; i < VEL_COUNT(table); i++) {
        if (!vel_slice_equal(table[i].name, name))
            continue;
        if (vel_slice_equal(table[i].value, value)) {
            *whole = true;
            return i;
        }
        found = VEL_MIN(found, i);
    }
    return found;
}
