/* SPDX-License-Identifier: MIT */
#include "handshake/messages.h"

#include "base/units.h"
#include "base/writer.h"
#include "testing/test.h"

static struct test_env t;
static struct vel_buf out;

static void begin(void)
{
    test_env_init(&t, 1);
    out = (struct vel_buf){.env = &t.env, .limit = 128 * KIB};
}

static void end(void)
{
    vel_buf_free(&out);
    test_env_done(&t);
}

/* The body of the message in `out`, whose header is checked. */
static struct vel_slice body_of(uint8_t type)
{
    assert_true(out.len >= VEL_MSG_HEADER);
    assert_int_equal(out.ptr[0], type);
    size_t size = (size_t)out.ptr[1] << 16 | (size_t)out.ptr[2] << 8 | out.ptr[3];
    assert_int_equal(size, out.len - VEL_MSG_HEADER);
    return vel_slice(out.ptr + VEL_MSG_HEADER, size);
}

static const uint8_t random_bytes[VEL_RANDOM_SIZE] = {1, 2, 3};

/* Compound literals at file scope live for ever, unlike BYTES() inside a function. */
#define LASTING(...) {(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})}
static const struct vel_client_hello sample_hello = {
    .random = {random_bytes, sizeof random_bytes},
    .suites = LASTING(0x0a, 0x0a, 0x12, 0x34),
    .groups = LASTING(0x11, 0xec, 0xfe, 0x12),
    .signatures = LASTING(0x09, 0x01),
    .alpn = LASTING(2, 'a', 'b', 1, 'c'),
    .server_name = LASTING('a', '.', 'o', 'r', 'g'),
    .params = LASTING(1, 2, 3),
    .shares = LASTING(0xfe, 0x12, 0, 2, 7, 8),
    .grease = 0x2a2a,
};

static void client_hello_round_trip(void **state)
{
    (void)state;
    begin();
    struct vel_client_hello in = sample_hello;
    struct vel_client_hello got;
    struct vel_handshake_failure why = {0};
    ASSERT_OK(vel_client_hello_encode(&in, &out));
    ASSERT_OK(vel_client_hello_decode(body_of(VEL_MSG_CLIENT_HELLO), &got, &why));
    assert_true(vel_slice_equal(in.random, got.random));
    assert_true(vel_slice_equal(in.suites, got.suites));
    assert_true(vel_slice_equal(in.groups, got.groups));
    assert_true(vel_slice_equal(in.signatures, got.signatures));
    assert_true(vel_slice_equal(in.alpn, got.alpn));
    assert_true(vel_slice_equal(in.server_name, got.server_name));
    assert_true(vel_slice_equal(in.params, got.params));
    assert_true(vel_slice_equal(in.shares, got.shares));
    assert_int_equal(vel_client_hello_share(&got, 0xfe12).len, 2);
    assert_null(vel_client_hello_share(&got, 0x11ec).ptr);
    end();
}

#define FIELD(name) offsetof(struct vel_client_hello, name)

/* What each rule of the hello's lists refuses, and with which code. */
static void client_hello_lists(void **state)
{
    (void)state;
    uint8_t long_name[254];
    memset(long_name, 'a', sizeof long_name);
    const struct {
        const char *what;
        size_t field; /* of struct vel_client_hello */
        struct vel_slice bytes;
        uint64_t wire;
    } rows[] = {
        {"odd suites", FIELD(suites), BYTES(1, 2, 3), VEL_ALERT_DECODE_ERROR},
        {"odd groups", FIELD(groups), BYTES(0xfe, 0x12, 3), VEL_ALERT_DECODE_ERROR},
        {"odd signatures", FIELD(signatures), BYTES(3), VEL_ALERT_DECODE_ERROR},
        {"no protocol", FIELD(alpn), {0}, VEL_ALERT_DECODE_ERROR},
        {"empty protocol", FIELD(alpn), BYTES(1, 'a', 0), VEL_ALERT_DECODE_ERROR},
        {"protocol cut", FIELD(alpn), BYTES(2, 'a'), VEL_ALERT_DECODE_ERROR},
        /* VEL-HS-28 */
        {"name", FIELD(server_name), BYTES('a', '.', '-', '0', 'Z'), 0},
        {"name with a space", FIELD(server_name), BYTES('a', ' '), VEL_ALERT_ILLEGAL_PARAMETER},
        {"name with NUL", FIELD(server_name), BYTES('a', 0), VEL_ALERT_ILLEGAL_PARAMETER},
        {"long name", FIELD(server_name), {long_name, 253}, 0},
        {"name too long", FIELD(server_name), {long_name, 254}, VEL_ALERT_ILLEGAL_PARAMETER},
        {"no share", FIELD(shares), {0}, 0},
        {"share cut", FIELD(shares), BYTES(0xfe, 0x12, 0, 3, 1, 2), VEL_ALERT_DECODE_ERROR},
        {"empty share", FIELD(shares), BYTES(0xfe, 0x12, 0, 0), VEL_ALERT_DECODE_ERROR},
        /* VEL-HS-16 */
        {"share not offered", FIELD(shares), BYTES(0, 1, 0, 1, 9), VEL_ALERT_ILLEGAL_PARAMETER},
        {"share twice", FIELD(shares), BYTES(0xfe, 0x12, 0, 1, 9, 0xfe, 0x12, 0, 1, 9),
         VEL_ALERT_ILLEGAL_PARAMETER},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        begin();
        struct vel_handshake_failure why = {0};
        struct vel_client_hello hello = sample_hello;
        struct vel_client_hello got;
        memcpy((char *)&hello + rows[i].field, &rows[i].bytes, sizeof rows[i].bytes);
        ASSERT_OK(vel_client_hello_encode(&hello, &out));
        enum vel_err err = vel_client_hello_decode(body_of(VEL_MSG_CLIENT_HELLO), &got, &why);
        CHECK(rows[i].what, why.wire_code == rows[i].wire);
        CHECK(rows[i].what, (err == VEL_OK) == (rows[i].wire == 0));
        end();
    }
}

/* ---- extension lists, by hand ---- */

#define EXT_NAME 0, 0, 0, 6, 0, 4, 0, 0, 1, 'a'
#define EXT_GROUPS 0, 10, 0, 4, 0, 2, 0xfe, 0x12
#define EXT_SIGNATURES 0, 13, 0, 4, 0, 2, 9, 1
#define EXT_ALPN 0, 16, 0, 4, 0, 2, 1, 'c'
#define EXT_PARAMS 0, 0x39, 0, 1, 0
#define EXT_SHARE 0, 51, 0, 7, 0, 5, 0xfe, 0x12, 0, 1, 9
#define EXT_RETRY_SHARE 0, 51, 0, 2, 0xfe, 0x12
#define EXT_ANSWER_SHARE 0, 51, 0, 5, 0xfe, 0x12, 0, 1, 9
#define EXT_UNKNOWN 0x77, 0x77, 0, 1, 5
#define EXT_PSK 0, 41, 0, 1, 5

/* Message `type` with this extension list; decodes it and returns the wire code. */
static uint64_t decode(uint8_t type, struct vel_slice list, size_t trailing)
{
    uint8_t bytes[512];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    struct vel_handshake_failure why = {0};
    if (type == VEL_MSG_CLIENT_HELLO || type == VEL_MSG_SERVER_HELLO)
        vel_write_fill(&w, 3, VEL_RANDOM_SIZE);
    if (type == VEL_MSG_CLIENT_HELLO)
        vel_write_uint(&w, 2, 2);
    if (type == VEL_MSG_CLIENT_HELLO || type == VEL_MSG_SERVER_HELLO || type == VEL_MSG_HELLO_RETRY)
        vel_write_uint(&w, 0x1234, 2);
    if (type == VEL_MSG_CERTIFICATE)
        vel_write_bytes(
            &w, vel_slice((const uint8_t[]){0, 0, 0, (uint8_t)(list.len + 6), 0, 0, 1, 7}, 8));
    vel_write_uint(&w, list.len, 2);
    vel_write_bytes(&w, list);
    vel_write_fill(&w, 0, trailing);
    assert_true(vel_write_ok(&w));

    struct vel_slice body = vel_writer_slice(&w);
    union {
        struct vel_client_hello ch;
        struct vel_server_hello sh;
        struct vel_encrypted_extensions ee;
        struct vel_certificate_request cr;
        struct vel_certificate ct;
    } got;
    enum vel_err err = VEL_OK;
    if (type == VEL_MSG_CLIENT_HELLO)
        err = vel_client_hello_decode(body, &got.ch, &why);
    else if (type == VEL_MSG_SERVER_HELLO)
        err = vel_server_hello_decode(body, &got.sh, &why);
    else if (type == VEL_MSG_HELLO_RETRY)
        err = vel_hello_retry_decode(body, &got.sh, &why);
    else if (type == VEL_MSG_ENCRYPTED_EXTENSIONS)
        err = vel_encrypted_extensions_decode(body, &got.ee, &why);
    else if (type == VEL_MSG_CERTIFICATE_REQUEST)
        err = vel_certificate_request_decode(body, &got.cr, &why);
    else
        err = vel_certificate_decode(body, &got.ct, &why);
    assert_int_equal(err == VEL_OK, why.wire_code == 0);
    return why.wire_code;
}

/* VEL-HS-10, VEL-HS-11, VEL-HS-12, VEL-HS-13, VEL-HS-14: one row for each cell worth having of extension x message. */
static void extension_rules(void **state)
{
    (void)state;
    enum {
        CH = VEL_MSG_CLIENT_HELLO,
        SH = VEL_MSG_SERVER_HELLO,
        HRR = VEL_MSG_HELLO_RETRY,
        EE = VEL_MSG_ENCRYPTED_EXTENSIONS,
        CR = VEL_MSG_CERTIFICATE_REQUEST,
        CT = VEL_MSG_CERTIFICATE
    };
    const struct {
        const char *what;
        uint8_t message;
        struct vel_slice list;
        uint64_t wire;
    } rows[] = {
        {"hello", CH, BYTES(EXT_NAME, EXT_GROUPS, EXT_SIGNATURES, EXT_ALPN, EXT_PARAMS, EXT_SHARE),
         0},
        {"hello without name", CH,
         BYTES(EXT_GROUPS, EXT_SIGNATURES, EXT_ALPN, EXT_PARAMS, EXT_SHARE), 0},
        {"hello with unknown", CH,
         BYTES(EXT_UNKNOWN, EXT_PSK, EXT_GROUPS, EXT_SIGNATURES, EXT_ALPN, EXT_PARAMS, EXT_SHARE),
         0},
        {"unknown twice", CH,
         BYTES(EXT_UNKNOWN, EXT_UNKNOWN, EXT_GROUPS, EXT_SIGNATURES, EXT_ALPN, EXT_PARAMS,
               EXT_SHARE),
         VEL_ALERT_ILLEGAL_PARAMETER},
        {"groups twice", CH,
         BYTES(EXT_GROUPS, EXT_GROUPS, EXT_SIGNATURES, EXT_ALPN, EXT_PARAMS, EXT_SHARE),
         VEL_ALERT_ILLEGAL_PARAMETER},
        {"no groups", CH, BYTES(EXT_SIGNATURES, EXT_ALPN, EXT_PARAMS, EXT_SHARE),
         VEL_ALERT_MISSING_EXTENSION},
        {"no signatures", CH, BYTES(EXT_GROUPS, EXT_ALPN, EXT_PARAMS, EXT_SHARE),
         VEL_ALERT_MISSING_EXTENSION},
        {"no alpn", CH, BYTES(EXT_GROUPS, EXT_SIGNATURES, EXT_PARAMS, EXT_SHARE),
         VEL_ALERT_ALPN_REQUIRED},
        {"no params", CH, BYTES(EXT_GROUPS, EXT_SIGNATURES, EXT_ALPN, EXT_SHARE),
         VEL_ALERT_MISSING_EXTENSION},
        {"no share", CH, BYTES(EXT_GROUPS, EXT_SIGNATURES, EXT_ALPN, EXT_PARAMS),
         VEL_ALERT_MISSING_EXTENSION},
        {"share not last", CH, BYTES(EXT_GROUPS, EXT_SIGNATURES, EXT_ALPN, EXT_SHARE, EXT_PARAMS),
         VEL_ALERT_ILLEGAL_PARAMETER},
        {"unknown last", CH,
         BYTES(EXT_GROUPS, EXT_SIGNATURES, EXT_ALPN, EXT_PARAMS, EXT_SHARE, EXT_UNKNOWN),
         VEL_ALERT_ILLEGAL_PARAMETER},
        {"list cut", CH, BYTES(EXT_GROUPS, 0, 13, 0, 9, 0), VEL_ALERT_DECODE_ERROR},
        {"server hello", SH, BYTES(EXT_ANSWER_SHARE), 0},
        {"server hello, no share", SH, BYTES(EXT_UNKNOWN), VEL_ALERT_UNSUPPORTED_EXTENSION},
        {"server hello, empty", SH, ((struct vel_slice){0}), VEL_ALERT_MISSING_EXTENSION},
        {"server hello, alpn", SH, BYTES(EXT_ANSWER_SHARE, EXT_ALPN), VEL_ALERT_ILLEGAL_PARAMETER},
        {"server hello, psk", SH, BYTES(EXT_ANSWER_SHARE, EXT_PSK),
         VEL_ALERT_UNSUPPORTED_EXTENSION},
        {"server hello, bare group", SH, BYTES(EXT_RETRY_SHARE), VEL_ALERT_DECODE_ERROR},
        {"retry", HRR, BYTES(EXT_RETRY_SHARE), 0},
        {"retry with a share", HRR, BYTES(EXT_ANSWER_SHARE), VEL_ALERT_DECODE_ERROR},
        {"retry with params", HRR, BYTES(EXT_RETRY_SHARE, EXT_PARAMS), VEL_ALERT_ILLEGAL_PARAMETER},
        {"encrypted", EE, BYTES(EXT_ALPN, EXT_PARAMS), 0},
        {"encrypted, no alpn", EE, BYTES(EXT_PARAMS), VEL_ALERT_ALPN_REQUIRED},
        {"encrypted, two protocols", EE, BYTES(0, 16, 0, 6, 0, 4, 1, 'c', 1, 'd', EXT_PARAMS),
         VEL_ALERT_DECODE_ERROR},
        {"encrypted, no params", EE, BYTES(EXT_ALPN), VEL_ALERT_MISSING_EXTENSION},
        {"encrypted, name", EE, BYTES(EXT_NAME, EXT_ALPN, EXT_PARAMS), VEL_ALERT_ILLEGAL_PARAMETER},
        {"encrypted, unknown", EE, BYTES(EXT_ALPN, EXT_PARAMS, EXT_UNKNOWN),
         VEL_ALERT_UNSUPPORTED_EXTENSION},
        {"request", CR, BYTES(EXT_SIGNATURES), 0},
        {"request with unknown", CR, BYTES(EXT_SIGNATURES, EXT_UNKNOWN), 0},
        {"request without signatures", CR, BYTES(EXT_UNKNOWN), VEL_ALERT_MISSING_EXTENSION},
        {"request with alpn", CR, BYTES(EXT_SIGNATURES, EXT_ALPN), VEL_ALERT_ILLEGAL_PARAMETER},
        {"certificate", CT, ((struct vel_slice){0}), 0},
        {"certificate with unknown", CT, BYTES(EXT_UNKNOWN), VEL_ALERT_UNSUPPORTED_EXTENSION},
        {"certificate with alpn", CT, BYTES(EXT_ALPN), VEL_ALERT_ILLEGAL_PARAMETER},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        CHECK(rows[i].what, decode(rows[i].message, rows[i].list, 0) == rows[i].wire);
        /* VEL-HS-10: nothing may follow. */
        if (rows[i].wire == 0)
            CHECK(rows[i].what, decode(rows[i].message, rows[i].list, 1) == VEL_ALERT_DECODE_ERROR);
    }
}

static void too_many_extensions(void **state)
{
    (void)state;
    uint8_t bytes[4 * 65];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    for (unsigned i = 0; i < 65; i++)
        vel_write_uint(&w, (uint64_t)(0x4000 + i) << 16, 4);
    assert_true(decode(VEL_MSG_CLIENT_HELLO, vel_writer_slice(&w), 0) == VEL_ALERT_DECODE_ERROR);
}

/* ---- the other messages ---- */

static void certificate_round_trip(void **state)
{
    (void)state;
    begin();
    struct vel_certificate in = {.chain = {BYTES(1, 2, 3), BYTES(4)}, .count = 2};
    struct vel_certificate got;
    struct vel_handshake_failure why = {0};
    ASSERT_OK(vel_certificate_encode(&in, &out));
    ASSERT_OK(vel_certificate_decode(body_of(VEL_MSG_CERTIFICATE), &got, &why));
    assert_int_equal(got.count, 2);
    assert_true(vel_slice_equal(got.chain[0], in.chain[0]));
    assert_true(vel_slice_equal(got.chain[1], in.chain[1]));
    end();
}

static void certificate_refusals(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct vel_slice body;
        uint64_t wire;
    } rows[] = {
        {"empty chain", BYTES(0, 0, 0, 0), 0},
        {"nothing", {0}, VEL_ALERT_DECODE_ERROR},
        {"cached form", BYTES(1, 0, 0, 0), VEL_ALERT_ILLEGAL_PARAMETER},
        {"list cut", BYTES(0, 0, 0, 1), VEL_ALERT_DECODE_ERROR},
        {"empty certificate", BYTES(0, 0, 0, 5, 0, 0, 0, 0, 0), VEL_ALERT_DECODE_ERROR},
        {"no extension list", BYTES(0, 0, 0, 4, 0, 0, 1, 7), VEL_ALERT_DECODE_ERROR},
        {"nine",
         BYTES(0, 0, 0, 54, 0, 0, 1, 7, 0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 1, 7, 0, 0,
               0, 0, 1, 7, 0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 1, 7,
               0, 0),
         VEL_ALERT_BAD_CERTIFICATE},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_certificate got;
        struct vel_handshake_failure why = {0};
        enum vel_err err = vel_certificate_decode(rows[i].body, &got, &why);
        CHECK(rows[i].what, why.wire_code == rows[i].wire);
        CHECK(rows[i].what, (err == VEL_OK) == (rows[i].wire == 0));
    }
}

static void certificate_verify_forms(void **state)
{
    (void)state;
    begin();
    struct vel_certificate_verify in = {.suite = 0x901, .classical = BYTES(1, 2), .pq = BYTES(3)};
    struct vel_certificate_verify got;
    struct vel_handshake_failure why = {0};
    ASSERT_OK(vel_certificate_verify_encode(&in, &out));
    struct vel_slice body = body_of(VEL_MSG_CERTIFICATE_VERIFY);
    ASSERT_OK(vel_certificate_verify_decode(body, &got, &why));
    assert_int_equal(got.suite, 0x901);
    assert_true(vel_slice_equal(got.classical, in.classical));
    assert_true(vel_slice_equal(got.pq, in.pq));

    const struct {
        const char *what;
        struct vel_slice body;
        uint64_t wire;
    } rows[] = {
        {"empty", {0}, VEL_ALERT_DECODE_ERROR},
        {"another form", BYTES(2, 9, 1, 0, 1, 1, 0, 1, 1), VEL_ALERT_ILLEGAL_PARAMETER},
        {"batch, cut", BYTES(1, 9, 1, 0, 1, 1, 0, 1, 1), VEL_ALERT_DECODE_ERROR},
        {"no classical", BYTES(0, 9, 1, 0, 0, 0, 1, 1), VEL_ALERT_DECODE_ERROR},
        {"no post-quantum", BYTES(0, 9, 1, 0, 1, 1, 0, 0), VEL_ALERT_DECODE_ERROR},
        {"only one", BYTES(0, 9, 1, 0, 1, 1), VEL_ALERT_DECODE_ERROR},
        {"more", BYTES(0, 9, 1, 0, 1, 1, 0, 1, 1, 0), VEL_ALERT_DECODE_ERROR},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        why = (struct vel_handshake_failure){0};
        enum vel_err err = vel_certificate_verify_decode(rows[i].body, &got, &why);
        CHECK(rows[i].what, err != VEL_OK && why.wire_code == rows[i].wire);
    }
    end();
}

/* VEL-HS-41, VEL-HS-47: a place that no tree has is refused before anything is computed. */
static void batch_forms(void **state)
{
    (void)state;
    static const uint8_t salt[VEL_BATCH_SALT] = {5}, path[9 * VEL_BATCH_NODE] = {6};
    const struct {
        const char *what;
        unsigned count, index;
        size_t path; /* bytes */
        uint64_t wire;
    } rows[] = {
        {"two", 2, 1, 64, 0},
        {"five", 5, 3, 192, 0},
        {"five, the last", 5, 4, 64, 0},
        {"all", 256, 255, 512, 0},
        {"one", 1, 0, 0, VEL_ALERT_ILLEGAL_PARAMETER},
        {"too many", 257, 0, 576, VEL_ALERT_ILLEGAL_PARAMETER},
        {"index is the count", 2, 2, 64, VEL_ALERT_ILLEGAL_PARAMETER},
        {"index is far out", 2, 65535, 64, VEL_ALERT_ILLEGAL_PARAMETER},
        {"path too long", 5, 4, 128, VEL_ALERT_ILLEGAL_PARAMETER},
        {"path too short", 5, 3, 128, VEL_ALERT_ILLEGAL_PARAMETER},
        {"no path", 2, 0, 0, VEL_ALERT_ILLEGAL_PARAMETER},
        {"half a node more", 5, 3, 224, VEL_ALERT_ILLEGAL_PARAMETER},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        begin();
        struct vel_handshake_failure why = {0};
        const struct vel_certificate_verify in = {.suite = 0x901,
                                                  .batch = {.count = rows[i].count,
                                                            .index = rows[i].index,
                                                            .salt = vel_slice(salt, sizeof salt),
                                                            .path = vel_slice(path, rows[i].path)},
                                                  .classical = BYTES(1, 2),
                                                  .pq = BYTES(3)};
        struct vel_certificate_verify got = {.suite = 7};
        ASSERT_OK(vel_certificate_verify_encode(&in, &out));
        struct vel_slice body = body_of(VEL_MSG_CERTIFICATE_VERIFY);
        enum vel_err err = vel_certificate_verify_decode(body, &got, &why);
        CHECK(rows[i].what, why.wire_code == rows[i].wire);
        CHECK(rows[i].what, (err == VEL_OK) == (rows[i].wire == 0));
        CHECK(rows[i].what, err == VEL_OK || got.suite == 7);
        if (err == VEL_OK) {
            CHECK(rows[i].what, got.batch.count == rows[i].count);
            CHECK(rows[i].what, got.batch.index == rows[i].index);
            CHECK(rows[i].what, vel_slice_equal(got.batch.salt, in.batch.salt));
            CHECK(rows[i].what, vel_slice_equal(got.batch.path, in.batch.path));
            CHECK(rows[i].what, vel_slice_equal(got.pq, in.pq));
            body.len--; /* VEL-HS-10 */
            ASSERT_ERR(rows[i].what, vel_certificate_verify_decode(body, &got, &why),
                       VEL_ERR_MALFORMED);
        }
        end();
    }
}

/* VEL-HS-02: what an encoder will not make is what a receiver would refuse. */
static void limits(void **state)
{
    (void)state;
    begin();
    static const uint8_t big[VEL_CERT_MAX_BYTES];
    struct vel_certificate certificate = {.count = 2};
    certificate.chain[0] = certificate.chain[1] = vel_slice(big, sizeof big);
    ASSERT_ERR("chain", vel_certificate_encode(&certificate, &out), VEL_ERR_LIMIT);
    ASSERT_ERR("finished", vel_finished_encode(vel_slice(big, 65), &out), VEL_ERR_LIMIT);
    struct vel_client_hello hello = sample_hello;
    hello.shares = vel_slice(big, 16 * KIB);
    ASSERT_ERR("hello", vel_client_hello_encode(&hello, &out), VEL_ERR_LIMIT);
    assert_int_equal(out.len, 0);
    assert_int_equal(vel_message_max(VEL_MSG_CLIENT_HELLO), 16 * KIB);
    assert_int_equal(vel_message_max(VEL_MSG_CERTIFICATE), 64 * KIB);
    assert_int_equal(vel_message_max(VEL_MSG_MESSAGE_HASH), 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_hello_round_trip),
        cmocka_unit_test(client_hello_lists),
        cmocka_unit_test(extension_rules),
        cmocka_unit_test(too_many_extensions),
        cmocka_unit_test(certificate_round_trip),
        cmocka_unit_test(certificate_refusals),
        cmocka_unit_test(certificate_verify_forms),
        cmocka_unit_test(batch_forms),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
