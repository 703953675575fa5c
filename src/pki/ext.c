/* SPDX-License-Identifier: MIT */
#include "pki/ext.h"

#include "base/try.h"
#include "base/units.h"
#include "pki/der.h"

static void basic_constraints(struct vel_cert *cert, struct vel_reader *value)
{
    struct vel_reader r = vel_der_enter(value, VEL_DER_SEQUENCE);
    if (vel_der_next(&r, VEL_DER_BOOLEAN))
        cert->ca = vel_der_bool(&r);
    if (vel_der_next(&r, VEL_DER_INTEGER)) {
        cert->path_length = vel_der_uint(&r);
        r.failed |= !cert->ca; /* RFC 5280, 4.2.1.9 */
    }
    value->failed |= !vel_read_done(&r);
}

static void key_usage(struct vel_cert *cert, struct vel_reader *value)
{
    unsigned unused = 0;
    struct vel_slice bits = vel_der_bits(value, &unused);
    value->failed |= bits.len == 0 || bits.len > 2;
    for (unsigned n = 0; n < 8 * bits.len; n++) {
        if ((bits.ptr[n / 8] & 0x80U >> n % 8) != 0)
            cert->key_usage |= 1U << n;
    }
    cert->has_key_usage = true;
}

static void purposes(struct vel_cert *cert, struct vel_reader *value)
{
    /* 1.3.6.1.5.5.7.3.n: serverAuth 1, clientAuth 2 */
    static const uint8_t kp[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03};
    struct vel_reader r = vel_der_enter(value, VEL_DER_SEQUENCE);
    value->failed |= vel_left(&r) == 0;
    while (vel_read_ok(&r) && vel_left(&r) > 0) {
        struct vel_slice oid = vel_der_read(&r, VEL_DER_OID);
        bool known = oid.len == sizeof kp + 1 && memcmp(oid.ptr, kp, sizeof kp) == 0;
        if (known && oid.ptr[sizeof kp] == 1)
            cert->purposes |= VEL_PURPOSE_SERVER;
        if (known && oid.ptr[sizeof kp] == 2)
            cert->purposes |= VEL_PURPOSE_CLIENT;
    }
    value->failed |= !vel_read_ok(&r);
    cert->has_purposes = true;
}

static void names(struct vel_cert *cert, struct vel_reader *value)
{
    cert->names = vel_der_read(value, VEL_DER_SEQUENCE);
    struct vel_reader r = vel_reader(cert->names);
    value->failed |= vel_left(&r) == 0;
    while (vel_read_ok(&r) && vel_left(&r) > 0) {
        uint8_t tag = 0;
        struct vel_slice name = vel_der_any(&r, &tag);
        r.failed |= tag == VEL_NAME_IP && name.len != 4 && name.len != 16;
    }
    value->failed |= !vel_read_ok(&r);
}

static void name_constraints(struct vel_cert *cert, struct vel_reader *value)
{
    cert->constraints = vel_der_read(value, VEL_DER_SEQUENCE);
    value->failed |= cert->constraints.len == 0;
}

static void key_id(struct vel_cert *cert, struct vel_reader *value)
{
    cert->key_id = vel_der_read(value, VEL_DER_OCTET_STRING);
}

/* Only a hint, which path building does without. */
static void issuer_key_id(struct vel_cert *cert, struct vel_reader *value)
{
    (void)cert;
    vel_der_read(value, VEL_DER_SEQUENCE);
}

/* VEL-CERT-03: the alternative extensions. */
static void alt_key(struct vel_cert *cert, struct vel_reader *value)
{
    cert->alt_spki = vel_der_spki(value);
}

static void alt_algorithm(struct vel_cert *cert, struct vel_reader *value)
{
    cert->alt_algorithm = vel_der_element(value, VEL_DER_SEQUENCE);
}

static void alt_value(struct vel_cert *cert, struct vel_reader *value)
{
    cert->alt_signature = vel_der_bytes(value);
    value->failed |= cert->alt_signature.len == 0;
}

static const struct {
    unsigned n; /* 2.5.29.n */
    void (*parse)(struct vel_cert *cert, struct vel_reader *value);
    bool never_critical; /* a classical stack must be able to pass over it */
} known[] = {
    {VEL_EXT_BASIC, basic_constraints, false},
    {VEL_EXT_KEY_USAGE, key_usage, false},
    {VEL_EXT_PURPOSES, purposes, false},
    {VEL_EXT_NAMES, names, false},
    {VEL_EXT_NAME_CONSTRAINTS, name_constraints, false},
    {VEL_EXT_KEY_ID, key_id, true},
    {VEL_EXT_ISSUER_KEY_ID, issuer_key_id, true},
    {VEL_EXT_ALT_KEY, alt_key, true},
    {VEL_EXT_ALT_ALGORITHM, alt_algorithm, true},
    {VEL_EXT_ALT_VALUE, alt_value, true},
};

struct vel_ext vel_ext_next(struct vel_reader *extensions)
{
    const uint8_t *start = extensions->pos;
    struct vel_reader r = vel_der_enter(extensions, VEL_DER_SEQUENCE);
    struct vel_ext ext = {.whole = vel_slice(start, (size_t)(extensions->pos - start))};
    ext.oid = vel_der_read(&r, VEL_DER_OID);
    if (vel_der_next(&r, VEL_DER_BOOLEAN)) {
        ext.critical = vel_der_bool(&r);
        r.failed |= !ext.critical; /* DER omits a default */
    }
    ext.value = vel_der_read(&r, VEL_DER_OCTET_STRING);
    extensions->failed |= !vel_read_done(&r);
    return ext;
}

bool vel_ext_is(const struct vel_ext *ext, unsigned n)
{
    const uint8_t oid[] = {0x55, 0x1d, (uint8_t)n};
    return vel_slice_equal(ext->oid, vel_slice(oid, sizeof oid));
}

static vel_result parse_one(struct vel_cert *cert, const struct vel_ext *ext)
{
    for (size_t i = 0; i < VEL_COUNT(known); i++) {
        if (!vel_ext_is(ext, known[i].n))
            continue;
        REQUIRE(!(ext->critical && known[i].never_critical), VEL_ERR_MALFORMED);
        struct vel_reader value = vel_reader(ext->value);
        known[i].parse(cert, &value);
        REQUIRE(vel_read_done(&value), VEL_ERR_MALFORMED);
        return VEL_OK;
    }
    cert->unknown_critical |= ext->critical;
    return VEL_OK;
}

vel_result vel_ext_parse(struct vel_cert *cert)
{
    struct vel_slice seen[VEL_EXTENSIONS_MAX];
    size_t count = 0;
    struct vel_reader r = vel_reader(cert->extensions);
    while (vel_left(&r) > 0) {
        struct vel_ext ext = vel_ext_next(&r);
        REQUIRE(vel_read_ok(&r) && count < VEL_EXTENSIONS_MAX, VEL_ERR_MALFORMED);
        for (size_t i = 0; i < count; i++)
            REQUIRE(!vel_slice_equal(seen[i], ext.oid), VEL_ERR_MALFORMED);
        seen[count++] = ext.oid;
        TRY(parse_one(cert, &ext));
    }
    return VEL_OK;
}
