/* SPDX-License-Identifier: MIT */
/*
 * A certificate from anybody. The first byte chooses what the rest is:
 *   0  DER. Properties: every part that the parser hands out lies inside the certificate; the parts,
 *      written again, are the signed bytes; where libcrypto parses it too, both see the same
 *      names, key and dates; no verifier takes it, and describing it never reads outside it.
 *   1  edits (two bytes of place, one of change) of a good leaf. Property: the verifier takes it
 *      only when nothing changed (VEL-CERT-11).
 *   2  edits of a good leaf that are signed again by the issuer's own keys, so that what lies
 *      behind the signatures is reached. Property: whatever is taken parses and still has its name.
 */
#include <openssl/x509.h>

#include "base/units.h"
#include "pki/alt.h"
#include "pki/der.h"
#include "pki/host.h"
#include "pki/identity.h"
#include "pki/issue.h"
#include "pki/seal.h"
#include "pki/show.h"
#include "pki/verify.h"
#include "testing/fuzz.h"

#define NOW INT64_C(1800000000)
#define NAME "www.example.org"

static struct vel_crypto *crypto;
static struct vel_trust *trust;
static struct vel_identity *root;
static struct vel_identity *site;
static struct vel_slice leaf;

/* fuzz_random gives the same bytes each time; two identities need two keys. */
static void random_bytes(void *self, uint8_t *bytes, size_t size)
{
    static uint8_t calls;
    (void)self;
    memset(bytes, ++calls, size);
}

static const struct vel_env issue_env = {
    .alloc = fuzz_alloc, .release = fuzz_release, .random = random_bytes};

static struct vel_identity *make(const struct vel_cert_order *order,
                                 const struct vel_identity *issuer)
{
    struct vel_buf chain = {.env = &fuzz_env, .limit = VEL_CHAIN_PEM_MAX};
    struct vel_buf keys = {.env = &fuzz_env, .limit = VEL_KEY_PEM_MAX};
    struct vel_identity *made = NULL;
    FUZZ_CHECK(vel_cert_issue(&issue_env, crypto, order, issuer, &chain, &keys) == VEL_OK);
    FUZZ_CHECK(vel_identity_parse(&fuzz_env, crypto, vel_buf_slice(&chain), vel_buf_slice(&keys),
                                  &made) == VEL_OK);
    if (issuer == NULL)
        FUZZ_CHECK(vel_trust_add_pem(trust, vel_buf_slice(&chain)) == VEL_OK);
    vel_buf_free(&chain);
    vel_buf_free(&keys);
    return made;
}

static void open_world(void)
{
    static const char *const names[] = {NAME};
    if (crypto != NULL)
        return;
    FUZZ_CHECK(vel_crypto_new(&fuzz_env, &crypto) == VEL_OK);
    FUZZ_CHECK(vel_trust_new(&fuzz_env, crypto, &trust) == VEL_OK);
    struct vel_cert_order order = {.common_name = "Root",
                                   .classical = VEL_ED25519,
                                   .profile = VEL_PROFILE_LIGHT,
                                   .not_before = NOW - 1000,
                                   .validity = 2000,
                                   .ca = true,
                                   .mode = VEL_SIGN_DETERMINISTIC};
    root = make(&order, NULL);
    order.common_name = NULL;
    order.ca = false;
    order.names = names;
    order.name_count = 1;
    size_t count = 0;
    site = make(&order, root);
    leaf = vel_identity_chain(site, &count)[0];
}

static enum vel_err verify(struct vel_slice der)
{
    const struct vel_cert_request request = {
        .chain = &der, .count = 1, .name = NAME, .level = VEL_PROFILE_LIGHT, .unix_time = NOW};
    struct vel_cert_verdict verdict = {.check = VEL_CERT_CHECK_COUNT};
    struct vel_dual_key keys = {0};
    enum vel_err err = vel_cert_verify(&fuzz_env, crypto, trust, &request, &verdict, &keys);
    FUZZ_CHECK((err == VEL_OK) == (verdict.check == VEL_CERT_OK));
    FUZZ_CHECK((err == VEL_OK) == (keys.classical != NULL && keys.pq != NULL));
    vel_dual_key_clear(&keys);
    return err;
}

static void check_inside(struct vel_slice outer, struct vel_slice inner)
{
    FUZZ_CHECK(inner.len == 0 ||
               (inner.ptr >= outer.ptr && inner.ptr + inner.len <= outer.ptr + outer.len));
}

/* Strict DER has one encoding, so the parts give the signed bytes back. */
static void check_parts(const struct vel_cert *cert)
{
    static uint8_t out[VEL_CERT_MAX_BYTES + 64];
    const struct vel_slice parts[] = {cert->serial,        cert->issuer,   cert->subject,
                                      cert->spki,          cert->names,    cert->constraints,
                                      cert->key_id,        cert->alt_spki, cert->alt_algorithm,
                                      cert->alt_signature, cert->signature};
    for (size_t i = 0; i < VEL_COUNT(parts); i++)
        check_inside(cert->der, parts[i]);

    struct vel_writer w = vel_writer(out, sizeof out);
    uint8_t *tbs = vel_der_begin(&w, VEL_DER_SEQUENCE);
    vel_write_bytes(&w, cert->head);
    vel_write_bytes(&w, cert->algorithm);
    vel_write_bytes(&w, cert->middle);
    if (cert->extensions.len > 0) {
        uint8_t *outer = vel_der_begin(&w, VEL_DER_EXPLICIT + 3);
        vel_der_write(&w, VEL_DER_SEQUENCE, cert->extensions);
        vel_der_end(&w, outer);
    }
    vel_der_end(&w, tbs);
    FUZZ_CHECK(vel_write_ok(&w) && vel_slice_equal(vel_writer_slice(&w), cert->tbs));
}

static bool same_bytes(int size, uint8_t *theirs, struct vel_slice ours)
{
    bool same = size > 0 && vel_slice_equal(vel_slice(theirs, (size_t)size), ours);
    OPENSSL_free(theirs);
    return same;
}

static int64_t unix_of(const ASN1_TIME *time)
{
    int days = 0;
    int seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    FUZZ_CHECK(ASN1_TIME_diff(&days, &seconds, epoch, time) == 1);
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}

static void check_against_libcrypto(const struct vel_cert *cert)
{
    const uint8_t *end = cert->der.ptr;
    X509 *theirs = d2i_X509(NULL, &end, (long)cert->der.len);
    if (theirs == NULL)
        return; /* it also looks into what we only carry */
    uint8_t *bytes = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(theirs), &bytes);
    FUZZ_CHECK(same_bytes(size, bytes, cert->spki));
    FUZZ_CHECK(unix_of(X509_get0_notBefore(theirs)) == cert->not_before);
    FUZZ_CHECK(unix_of(X509_get0_notAfter(theirs)) == cert->not_after);
    size_t count = 0;
    struct vel_reader r = vel_reader(cert->extensions);
    for (; vel_left(&r) > 0; count++)
        vel_der_read(&r, VEL_DER_SEQUENCE);
    FUZZ_CHECK((size_t)X509_get_ext_count(theirs) == count);
    X509_free(theirs);
}

static void describe(const struct vel_cert *cert)
{
    struct vel_cert_info info;
    char text[VEL_NAME_TEXT];
    FUZZ_CHECK(vel_cert_describe(&fuzz_env, crypto, cert->der, &cert->der, 1, &info) == VEL_OK);
    struct vel_reader names = vel_reader(cert->names);
    while (vel_cert_next_name(&names, text))
        FUZZ_CHECK(strlen(text) < sizeof text);
}

static void from_anybody(struct vel_slice der)
{
    struct vel_cert cert;
    if (der.len <= VEL_CERT_MAX_BYTES && vel_cert_parse(der, &cert) == VEL_OK) {
        check_parts(&cert);
        check_against_libcrypto(&cert);
        describe(&cert);
    }
    FUZZ_CHECK(verify(der) != VEL_OK || vel_slice_equal(der, leaf));
}

static void edit(struct vel_slice edits, uint8_t *bytes, size_t size)
{
    struct vel_reader r = vel_reader(edits);
    while (vel_left(&r) >= 3) {
        size_t place = (size_t)vel_read_uint(&r, 2) % size;
        bytes[place] = (uint8_t)(bytes[place] ^ vel_read_uint(&r, 1));
    }
}

static void edited(struct vel_slice edits)
{
    static uint8_t der[VEL_CERT_MAX_BYTES];
    memcpy(der, leaf.ptr, leaf.len);
    edit(edits, der, leaf.len);
    bool same = vel_slice_equal(vel_slice(der, leaf.len), leaf);
    FUZZ_CHECK((verify(vel_slice(der, leaf.len)) == VEL_OK) == same);
}

static void signed_again(struct vel_slice edits)
{
    static uint8_t tbs[VEL_CERT_MAX_BYTES];
    struct vel_cert cert;
    struct vel_host host;
    FUZZ_CHECK(vel_cert_parse(leaf, &cert) == VEL_OK);
    /* Everything before extension 73; the signature adds that and 74. */
    size_t tail = (size_t)(cert.extensions.ptr + cert.extensions.len - cert.alt_algorithm.ptr) + 11;
    size_t extensions = cert.extensions.len - tail;
    memcpy(tbs, cert.middle.ptr, cert.middle.len);
    memcpy(tbs + cert.middle.len, cert.extensions.ptr, extensions);
    edit(edits, tbs, cert.middle.len + extensions);

    const struct vel_alt_parts parts = {cert.head, vel_slice(tbs, cert.middle.len),
                                        vel_slice(tbs + cert.middle.len, extensions)};
    struct vel_buf der = {.env = &fuzz_env, .limit = VEL_CERT_MAX_BYTES};
    enum vel_err err = vel_cert_seal(&fuzz_env, crypto, &parts, vel_identity_keys(root),
                                     VEL_SIGN_DETERMINISTIC, &der);
    FUZZ_CHECK(err == VEL_OK || err == VEL_ERR_MALFORMED);
    if (err == VEL_OK && verify(vel_buf_slice(&der)) == VEL_OK) {
        FUZZ_CHECK(vel_cert_parse(vel_buf_slice(&der), &cert) == VEL_OK);
        FUZZ_CHECK(vel_host_parse(NAME, &host) == VEL_OK && vel_names_match(cert.names, &host));
        FUZZ_CHECK(cert.not_before <= NOW && NOW <= cert.not_after && vel_cert_is_hybrid(&cert));
        check_against_libcrypto(&cert);
    }
    vel_buf_free(&der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    open_world();
    if (size == 0)
        return 0;
    struct vel_slice rest = vel_slice(data + 1, size - 1);
    if (data[0] == 1)
        edited(rest);
    else if (data[0] == 2)
        signed_again(rest);
    else
        from_anybody(rest);
    return 0;
}
