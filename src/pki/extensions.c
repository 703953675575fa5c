/* SPDX-License-Identifier: MIT */
#include "pki/extensions.h"

#include "base/try.h"
#include "base/units.h"
#include "crypto/hash.h"
#include "pki/cert.h"
#include "pki/der.h"
#include "pki/host.h"
#include "pki/seal.h"

enum { KEY_ID_SIZE = 20 };

static void basic_constraints(struct vel_writer *w, const struct vel_cert_order *order)
{
    struct vel_ext_mark mark = vel_ext_begin(w, VEL_EXT_BASIC, true);
    uint8_t *value = vel_der_begin(w, VEL_DER_SEQUENCE);
    if (order->ca)
        vel_der_write(w, VEL_DER_BOOLEAN, vel_slice("\xff", 1));
    if (order->ca && order->path_length >= 0) {
        uint8_t length = (uint8_t)VEL_MIN(order->path_length, 0x7f);
        vel_der_write(w, VEL_DER_INTEGER, vel_slice(&length, 1));
    }
    vel_der_end(w, value);
    vel_ext_end(w, mark);
}

static void key_usage(struct vel_writer *w, bool ca)
{
    /* Unused bits, then the bits from the left: keyCertSign and cRLSign, or digitalSignature. */
    static const uint8_t of_ca[] = {1, 0x06};
    static const uint8_t of_leaf[] = {7, 0x80};
    struct vel_ext_mark mark = vel_ext_begin(w, VEL_EXT_KEY_USAGE, true);
    vel_der_write(w, VEL_DER_BIT_STRING, vel_slice(ca ? of_ca : of_leaf, 2));
    vel_ext_end(w, mark);
}

static void purposes(struct vel_writer *w)
{
    struct vel_ext_mark mark = vel_ext_begin(w, VEL_EXT_PURPOSES, false);
    uint8_t *value = vel_der_begin(w, VEL_DER_SEQUENCE);
    for (uint8_t n = 1; n <= 2; n++) { /* serverAuth, clientAuth */
        const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, n};
        vel_der_write(w, VEL_DER_OID, vel_slice(oid, sizeof oid));
    }
    vel_der_end(w, value);
    vel_ext_end(w, mark);
}

static void names(struct vel_writer *w, const struct vel_cert_order *order)
{
    struct vel_ext_mark mark = vel_ext_begin(w, VEL_EXT_NAMES, false);
    uint8_t *value = vel_der_begin(w, VEL_DER_SEQUENCE);
    for (size_t i = 0; i < order->name_count; i++) {
        struct vel_host host = {0};
        w->failed |= vel_host_parse_pattern(order->names[i], &host) != VEL_OK;
        if (host.ip_size > 0)
            vel_der_write(w, VEL_NAME_IP, vel_slice(host.ip, host.ip_size));
        else
            vel_der_write(w, VEL_NAME_DNS, host.dns);
    }
    vel_der_end(w, value);
    vel_ext_end(w, mark);
}

/* Permitted DNS subtrees; and no address at all, which 0.0.0.0/0 and ::/0 excluded say. */
static void name_constraints(struct vel_writer *w, const struct vel_cert_order *order)
{
    static const uint8_t every_address[32] = {0};
    struct vel_ext_mark mark = vel_ext_begin(w, VEL_EXT_NAME_CONSTRAINTS, true);
    uint8_t *value = vel_der_begin(w, VEL_DER_SEQUENCE);
    uint8_t *permitted = vel_der_begin(w, VEL_DER_EXPLICIT);
    for (size_t i = 0; i < order->permitted_count; i++) {
        struct vel_host host = {0};
        w->failed |= vel_host_parse(order->permitted[i], &host) != VEL_OK;
        uint8_t *subtree = vel_der_begin(w, VEL_DER_SEQUENCE);
        vel_der_write(w, VEL_NAME_DNS, host.dns);
        vel_der_end(w, subtree);
    }
    vel_der_end(w, permitted);
    uint8_t *excluded = vel_der_begin(w, VEL_DER_EXPLICIT + 1);
    for (size_t size = 8; size <= 32; size += 24) {
        uint8_t *subtree = vel_der_begin(w, VEL_DER_SEQUENCE);
        vel_der_write(w, VEL_NAME_IP, vel_slice(every_address, size));
        vel_der_end(w, subtree);
    }
    vel_der_end(w, excluded);
    vel_der_end(w, value);
    vel_ext_end(w, mark);
}

/* RFC 7093, method 1: the left 160 bits of SHA-256 over the key. */
static vel_result key_id(const struct vel_crypto *crypto, struct vel_slice spki,
                         uint8_t digest[VEL_HASH_MAX])
{
    struct vel_reader whole = vel_reader(spki);
    struct vel_reader r = vel_der_enter(&whole, VEL_DER_SEQUENCE);
    vel_der_read(&r, VEL_DER_SEQUENCE);
    struct vel_slice key = vel_der_bytes(&r);
    REQUIRE(vel_read_done(&r), VEL_ERR_MALFORMED);
    return vel_digest(crypto, VEL_SHA256, &key, 1, digest);
}

static void key_ids(struct vel_writer *w, struct vel_slice own, struct vel_slice issuer)
{
    struct vel_ext_mark mark = vel_ext_begin(w, VEL_EXT_KEY_ID, false);
    vel_der_write(w, VEL_DER_OCTET_STRING, own);
    vel_ext_end(w, mark);
    if (issuer.len == 0)
        return;
    mark = vel_ext_begin(w, VEL_EXT_ISSUER_KEY_ID, false);
    uint8_t *value = vel_der_begin(w, VEL_DER_SEQUENCE);
    vel_der_write(w, VEL_DER_IMPLICIT, issuer);
    vel_der_end(w, value);
    vel_ext_end(w, mark);
}

vel_result vel_extensions_write(const struct vel_crypto *crypto,
                                const struct vel_extension_list *list, struct vel_buf *out)
{
    const struct vel_cert_order *order = list->order;
    uint8_t digest[VEL_HASH_MAX];
    TRY(key_id(crypto, list->spki, digest));
    TRY(vel_buf_reserve(out, out->limit));
    struct vel_writer w = vel_writer(out->ptr, out->capacity);

    basic_constraints(&w, order);
    key_usage(&w, order->ca);
    if (!order->ca) {
        purposes(&w);
        names(&w, order);
    }
    if (order->permitted_count > 0)
        name_constraints(&w, order);
    key_ids(&w, vel_slice(digest, KEY_ID_SIZE), list->issuer_key_id);
    struct vel_ext_mark mark = vel_ext_begin(&w, VEL_EXT_ALT_KEY, false);
    vel_write_bytes(&w, list->alt_spki);
    vel_ext_end(&w, mark);

    REQUIRE(vel_write_ok(&w), VEL_ERR_LIMIT);
    out->len = vel_written(&w);
    return VEL_OK;
}
