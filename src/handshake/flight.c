/* SPDX-License-Identifier: MIT */
/* The messages after the hellos, EncryptedExtensions to Finished, read to the last byte
 * (VEL-HS-10). */
#include "base/reader.h"
#include "base/try.h"
#include "handshake/messages_internal.h"

enum { FORM_CHAIN = 0, FORM_SINGLE = 0, FORM_BATCH = 1, FIXED_PARTS = 64 };

/* ---- EncryptedExtensions ---- */

vel_result vel_encrypted_extensions_encode(const struct vel_encrypted_extensions *ee,
                                           struct vel_buf *out)
{
    struct vel_message_builder b;
    TRY(vel_message_open(&b, out, VEL_MSG_ENCRYPTED_EXTENSIONS,
                         FIXED_PARTS + ee->alpn.len + ee->params.len));
    uint8_t *list = vel_begin_vector(&b.w, 2);
    uint8_t *alpn = vel_begin_extension(&b.w, VEL_EXT_ALPN);
    uint8_t *names = vel_begin_vector(&b.w, 2);
    vel_write_vector(&b.w, ee->alpn, 1);
    vel_end_vector(&b.w, names, 2);
    vel_end_vector(&b.w, alpn, 2);
    uint8_t *params = vel_begin_extension(&b.w, VEL_EXT_PARAMS);
    vel_write_bytes(&b.w, ee->params);
    vel_end_vector(&b.w, params, 2);
    vel_end_vector(&b.w, list, 2);
    return vel_message_close(&b);
}

vel_result vel_encrypted_extensions_decode(struct vel_slice body,
                                           struct vel_encrypted_extensions *out,
                                           struct vel_handshake_failure *why)
{
    struct vel_reader r = vel_reader(body);
    struct vel_slice list = vel_read_vector(&r, 2);
    DEMAND(vel_read_done(&r), why, DECODE_ERROR, "EncryptedExtensions does not parse");

    struct vel_extensions extensions;
    TRY(vel_extensions_decode(list, VEL_IN_ENCRYPTED, &extensions, why));
    struct vel_reader outer = vel_reader(extensions.body[VEL_EXT_ALPN]);
    struct vel_reader names = vel_reader(vel_read_vector(&outer, 2));
    struct vel_slice name = vel_read_vector(&names, 1);
    DEMAND(vel_read_done(&outer) && vel_read_done(&names) && name.len > 0, why, DECODE_ERROR,
           "ALPN does not parse");
    *out =
        (struct vel_encrypted_extensions){.alpn = name, .params = extensions.body[VEL_EXT_PARAMS]};
    return VEL_OK;
}

/* ---- CertificateRequest ---- */

vel_result vel_certificate_request_encode(const struct vel_certificate_request *request,
                                          struct vel_buf *out)
{
    struct vel_message_builder b;
    TRY(vel_message_open(&b, out, VEL_MSG_CERTIFICATE_REQUEST,
                         FIXED_PARTS + request->signatures.len));
    uint8_t *list = vel_begin_vector(&b.w, 2);
    uint8_t *extension = vel_begin_extension(&b.w, VEL_EXT_SIGNATURES);
    vel_write_vector(&b.w, request->signatures, 2);
    vel_end_vector(&b.w, extension, 2);
    vel_end_vector(&b.w, list, 2);
    return vel_message_close(&b);
}

vel_result vel_certificate_request_decode(struct vel_slice body,
                                          struct vel_certificate_request *out,
                                          struct vel_handshake_failure *why)
{
    struct vel_reader r = vel_reader(body);
    struct vel_slice list = vel_read_vector(&r, 2);
    DEMAND(vel_read_done(&r), why, DECODE_ERROR, "CertificateRequest does not parse");

    struct vel_extensions extensions;
    TRY(vel_extensions_decode(list, VEL_IN_REQUEST, &extensions, why));
    struct vel_reader codes = vel_reader(extensions.body[VEL_EXT_SIGNATURES]);
    struct vel_slice signatures = vel_read_codes(&codes);
    DEMAND(vel_read_done(&codes), why, DECODE_ERROR, "list of code points does not parse");
    *out = (struct vel_certificate_request){.signatures = signatures};
    return VEL_OK;
}

/* ---- Certificate ---- */

vel_result vel_certificate_encode(const struct vel_certificate *certificate, struct vel_buf *out)
{
    size_t room = FIXED_PARTS;
    for (size_t i = 0; i < certificate->count; i++)
        room += 3 + certificate->chain[i].len + 2;

    struct vel_message_builder b;
    TRY(vel_message_open(&b, out, VEL_MSG_CERTIFICATE, room));
    vel_write_uint(&b.w, FORM_CHAIN, 1);
    uint8_t *list = vel_begin_vector(&b.w, 3);
    for (size_t i = 0; i < certificate->count; i++) {
        vel_write_vector(&b.w, certificate->chain[i], 3);
        vel_end_vector(&b.w, vel_begin_vector(&b.w, 2), 2); /* no extensions */
    }
    vel_end_vector(&b.w, list, 3);
    return vel_message_close(&b);
}

static vel_result decode_entry(struct vel_reader *r, struct vel_certificate *certificate,
                               struct vel_handshake_failure *why)
{
    struct vel_slice der = vel_read_vector(r, 3);
    struct vel_slice list = vel_read_vector(r, 2);
    DEMAND(vel_read_ok(r) && der.len > 0, why, DECODE_ERROR, "Certificate does not parse");
    DEMAND(certificate->count < VEL_CHAIN_MAX && der.len <= VEL_CERT_MAX_BYTES, why,
           BAD_CERTIFICATE, "certificate chain is too long");
    struct vel_extensions extensions;
    TRY(vel_extensions_decode(list, VEL_IN_CERTIFICATE, &extensions, why));
    certificate->chain[certificate->count++] = der;
    return VEL_OK;
}

vel_result vel_certificate_decode(struct vel_slice body, struct vel_certificate *out,
                                  struct vel_handshake_failure *why)
{
    struct vel_reader r = vel_reader(body);
    uint64_t form = vel_read_uint(&r, 1);
    DEMAND(vel_read_ok(&r), why, DECODE_ERROR, "Certificate does not parse");
    DEMAND(form == FORM_CHAIN, why, ILLEGAL_PARAMETER, "form of Certificate was not offered");
    struct vel_reader list = vel_reader(vel_read_vector(&r, 3));
    DEMAND(vel_read_done(&r), why, DECODE_ERROR, "Certificate does not parse");

    struct vel_certificate certificate = {0};
    while (vel_left(&list) > 0)
        TRY(decode_entry(&list, &certificate, why));
    *out = certificate;
    return VEL_OK;
}

/* ---- CertificateVerify ---- */

static void write_place(struct vel_writer *w, const struct vel_batch_proof *batch)
{
    vel_write_bytes(w, batch->salt);
    vel_write_uint(w, batch->count, 2);
    vel_write_uint(w, batch->index, 2);
    vel_write_vector(w, batch->path, 2);
}

vel_result vel_certificate_verify_encode(const struct vel_certificate_verify *verify,
                                         struct vel_buf *out)
{
    bool batched = verify->batch.count > 0;
    struct vel_message_builder b;
    TRY(vel_message_open(&b, out, VEL_MSG_CERTIFICATE_VERIFY,
                         FIXED_PARTS + verify->batch.path.len + verify->classical.len +
                             verify->pq.len));
    vel_write_uint(&b.w, batched ? FORM_BATCH : FORM_SINGLE, 1);
    vel_write_uint(&b.w, verify->suite, 2);
    if (batched)
        write_place(&b.w, &verify->batch);
    vel_write_vector(&b.w, verify->classical, 2);
    vel_write_vector(&b.w, verify->pq, 2);
    return vel_message_close(&b);
}

static struct vel_batch_proof read_place(struct vel_reader *r)
{
    struct vel_slice salt = vel_read_bytes(r, VEL_BATCH_SALT);
    unsigned count = (unsigned)vel_read_uint(r, 2);
    unsigned index = (unsigned)vel_read_uint(r, 2);
    return (struct vel_batch_proof){
        .count = count, .index = index, .salt = salt, .path = vel_read_vector(r, 2)};
}

/* VEL-HS-41, VEL-HS-47 */
vel_result vel_certificate_verify_decode(struct vel_slice body, struct vel_certificate_verify *out,
                                         struct vel_handshake_failure *why)
{
    struct vel_reader r = vel_reader(body);
    uint64_t form = vel_read_uint(&r, 1);
    DEMAND(vel_read_ok(&r), why, DECODE_ERROR, "CertificateVerify does not parse");
    DEMAND(form == FORM_SINGLE || form == FORM_BATCH, why, ILLEGAL_PARAMETER,
           "form of CertificateVerify is unknown");
    struct vel_certificate_verify verify = {.suite = (uint16_t)vel_read_uint(&r, 2)};
    if (form == FORM_BATCH)
        verify.batch = read_place(&r);
    verify.classical = vel_read_vector(&r, 2);
    verify.pq = vel_read_vector(&r, 2);
    DEMAND(vel_read_done(&r) && verify.classical.len > 0 && verify.pq.len > 0, why, DECODE_ERROR,
           "CertificateVerify does not parse");
    size_t path = vel_batch_path_size(verify.batch.count, verify.batch.index);
    DEMAND(form == FORM_SINGLE || (path > 0 && verify.batch.path.len == path), why,
           ILLEGAL_PARAMETER, "no batch has such a place");
    *out = verify;
    return VEL_OK;
}

/* ---- Finished ---- */

vel_result vel_finished_encode(struct vel_slice verify_data, struct vel_buf *out)
{
    struct vel_message_builder b;
    TRY(vel_message_open(&b, out, VEL_MSG_FINISHED, verify_data.len));
    vel_write_bytes(&b.w, verify_data);
    return vel_message_close(&b);
}
