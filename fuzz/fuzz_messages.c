/* SPDX-License-Identifier: MIT */
/*
 * Handshake messages; the first byte is the type, the rest the body. Properties: a decoder either
 * says why it refuses or gives slices that lie inside the body; what it gives encodes, within the
 * limit of its type, to a message that decodes, and encodes again to the same bytes (VEL-HS-10).
 */
#include "handshake/messages.h"
#include "testing/fuzz.h"

enum { OUT_MAX = 256 * 1024 };

static struct vel_slice input;

static void check_inside(struct vel_slice slice)
{
    FUZZ_CHECK(slice.len == 0 ||
               (slice.ptr >= input.ptr && slice.ptr + slice.len <= input.ptr + input.len));
}

/* One message type: decode into the union, look at the slices, encode. */
union message {
    struct vel_client_hello ch;
    struct vel_server_hello sh;
    struct vel_encrypted_extensions ee;
    struct vel_certificate_request cr;
    struct vel_certificate ct;
    struct vel_certificate_verify cv;
};

static enum vel_err decode(uint8_t type, struct vel_slice body, union message *m,
                           struct vel_handshake_failure *why)
{
    switch (type) {
    case VEL_MSG_CLIENT_HELLO:
        return vel_client_hello_decode(body, &m->ch, why);
    case VEL_MSG_SERVER_HELLO:
        return vel_server_hello_decode(body, &m->sh, why);
    case VEL_MSG_HELLO_RETRY:
        return vel_hello_retry_decode(body, &m->sh, why);
    case VEL_MSG_ENCRYPTED_EXTENSIONS:
        return vel_encrypted_extensions_decode(body, &m->ee, why);
    case VEL_MSG_CERTIFICATE_REQUEST:
        return vel_certificate_request_decode(body, &m->cr, why);
    case VEL_MSG_CERTIFICATE:
        return vel_certificate_decode(body, &m->ct, why);
    default:
        return vel_certificate_verify_decode(body, &m->cv, why);
    }
}

static enum vel_err encode(uint8_t type, const union message *m, struct vel_buf *out)
{
    switch (type) {
    case VEL_MSG_CLIENT_HELLO:
        return vel_client_hello_encode(&m->ch, out);
    case VEL_MSG_SERVER_HELLO:
        return vel_server_hello_encode(&m->sh, out);
    case VEL_MSG_HELLO_RETRY:
        return vel_hello_retry_encode(&m->sh, out);
    case VEL_MSG_ENCRYPTED_EXTENSIONS:
        return vel_encrypted_extensions_encode(&m->ee, out);
    case VEL_MSG_CERTIFICATE_REQUEST:
        return vel_certificate_request_encode(&m->cr, out);
    case VEL_MSG_CERTIFICATE:
        return vel_certificate_encode(&m->ct, out);
    default:
        return vel_certificate_verify_encode(&m->cv, out);
    }
}

static void check_slices(uint8_t type, const union message *m)
{
    if (type == VEL_MSG_CLIENT_HELLO) {
        const struct vel_slice all[] = {m->ch.random, m->ch.suites,      m->ch.groups,
                                        m->ch.alpn,   m->ch.server_name, m->ch.params,
                                        m->ch.shares, m->ch.fixed[0],    m->ch.fixed[1]};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            check_inside(all[i]);
        check_inside(vel_client_hello_share(&m->ch, 0x11ec));
        FUZZ_CHECK(m->ch.suites.len % 2 == 0 && m->ch.groups.len % 2 == 0);
    }
    if (type == VEL_MSG_CERTIFICATE) {
        FUZZ_CHECK(m->ct.count <= VEL_CHAIN_MAX);
        for (size_t i = 0; i < m->ct.count; i++)
            check_inside(m->ct.chain[i]);
    }
    if (type == VEL_MSG_CERTIFICATE_VERIFY && m->cv.batch.count > 0) {
        check_inside(m->cv.batch.salt);
        check_inside(m->cv.batch.path);
        FUZZ_CHECK(m->cv.batch.count <= VEL_BATCH_MAX && m->cv.batch.index < m->cv.batch.count);
        FUZZ_CHECK(m->cv.batch.path.len <= VEL_BATCH_PATH_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vel_handshake_failure why = {0};
    union message m;
    if (size == 0 || size - 1 > vel_message_max(data[0]) || data[0] == VEL_MSG_FINISHED)
        return 0;
    uint8_t type = data[0];
    input = vel_slice(data + 1, size - 1);
    enum vel_err err = decode(type, input, &m, &why);
    FUZZ_CHECK((err == VEL_OK) == (why.wire_code == 0));
    if (err != VEL_OK)
        return 0;
    check_slices(type, &m);

    struct vel_buf first = {.env = &fuzz_env, .limit = OUT_MAX};
    struct vel_buf second = {.env = &fuzz_env, .limit = OUT_MAX};
    union message again;
    FUZZ_CHECK(encode(type, &m, &first) == VEL_OK);
    FUZZ_CHECK(first.ptr[0] == type && first.len - VEL_MSG_HEADER <= vel_message_max(type));
    struct vel_slice body = {first.ptr + VEL_MSG_HEADER, first.len - VEL_MSG_HEADER};
    FUZZ_CHECK(decode(type, body, &again, &why) == VEL_OK);
    FUZZ_CHECK(encode(type, &again, &second) == VEL_OK);
    FUZZ_CHECK(vel_slice_equal(vel_buf_slice(&first), vel_buf_slice(&second)));
    vel_buf_free(&first);
    vel_buf_free(&second);
    return 0;
}
