/* SPDX-License-Identifier: MIT */
#include "pki/cert.h"

#include "base/try.h"
#include "pki/der.h"
#include "pki/ext.h"
#include "pki/time.h"

enum { VERSION_3 = 2, EXTENSIONS_TAG = VEL_DER_EXPLICIT + 3 };

static struct vel_slice since(const struct vel_reader *r, const uint8_t *start)
{
    return vel_slice(start, (size_t)(r->pos - start));
}

/* version [0] DEFAULT v1, serialNumber */
static void read_head(struct vel_reader *tbs, struct vel_cert *cert, uint32_t *version)
{
    const uint8_t *start = tbs->pos;
    *version = 0;
    if (vel_der_next(tbs, VEL_DER_EXPLICIT)) {
        struct vel_reader inner = vel_der_enter(tbs, VEL_DER_EXPLICIT);
        *version = vel_der_uint(&inner);
        tbs->failed |= !vel_read_done(&inner) || *version == 0 || *version > VERSION_3;
    }
    cert->serial = vel_der_integer(tbs);
    tbs->failed |= cert->serial.len > VEL_SERIAL_MAX;
    cert->head = since(tbs, start);
}

/* issuer, validity, subject, subjectPublicKeyInfo, unique identifiers */
static void read_middle(struct vel_reader *tbs, struct vel_cert *cert)
{
    const uint8_t *start = tbs->pos;
    cert->issuer = vel_der_element(tbs, VEL_DER_SEQUENCE);
    struct vel_reader validity = vel_der_enter(tbs, VEL_DER_SEQUENCE);
    cert->not_before = vel_read_time(&validity);
    cert->not_after = vel_read_time(&validity);
    tbs->failed |= !vel_read_done(&validity);
    cert->subject = vel_der_element(tbs, VEL_DER_SEQUENCE);
    cert->spki = vel_der_spki(tbs);
    for (uint8_t tag = VEL_DER_IMPLICIT + 1; tag <= VEL_DER_IMPLICIT + 2; tag++) {
        if (vel_der_next(tbs, tag))
            vel_der_read(tbs, tag);
    }
    cert->middle = since(tbs, start);
}

static vel_result parse_tbs(struct vel_cert *cert)
{
    uint32_t version = 0;
    struct vel_reader whole = vel_reader(cert->tbs);
    struct vel_reader tbs = vel_der_enter(&whole, VEL_DER_SEQUENCE);
    read_head(&tbs, cert, &version);
    struct vel_slice algorithm = vel_der_element(&tbs, VEL_DER_SEQUENCE);
    read_middle(&tbs, cert);
    if (version == VERSION_3 && vel_der_next(&tbs, EXTENSIONS_TAG)) {
        struct vel_reader outer = vel_der_enter(&tbs, EXTENSIONS_TAG);
        cert->extensions = vel_der_read(&outer, VEL_DER_SEQUENCE);
        tbs.failed |= !vel_read_done(&outer) || cert->extensions.len == 0;
    }
    REQUIRE(vel_read_done(&tbs), VEL_ERR_MALFORMED);
    /* RFC 5280, 4.1.1.2: the algorithm is stated twice, once under the signature. */
    REQUIRE(vel_slice_equal(algorithm, cert->algorithm), VEL_ERR_MALFORMED);
    return VEL_OK;
}

vel_result vel_cert_parse(struct vel_slice der, struct vel_cert *cert)
{
    struct vel_cert made = {.der = der, .path_length = -1};
    struct vel_reader whole = vel_reader(der);
    struct vel_reader r = vel_der_enter(&whole, VEL_DER_SEQUENCE);
    made.tbs = vel_der_element(&r, VEL_DER_SEQUENCE);
    made.algorithm = vel_der_element(&r, VEL_DER_SEQUENCE);
    made.signature = vel_der_bytes(&r);
    REQUIRE(vel_read_done(&r) && vel_read_done(&whole), VEL_ERR_MALFORMED);

    TRY(parse_tbs(&made));
    TRY(vel_ext_parse(&made));
    *cert = made;
    return VEL_OK;
}

bool vel_cert_is_hybrid(const struct vel_cert *cert)
{
    return cert->alt_spki.len > 0 && cert->alt_algorithm.len > 0 && cert->alt_signature.len > 0;
}

bool vel_cert_is_self_issued(const struct vel_cert *cert)
{
    return vel_slice_equal(cert->issuer, cert->subject);
}
