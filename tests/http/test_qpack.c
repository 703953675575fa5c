/* SPDX-License-Identifier: MIT */
#include "http/qpack.h"

#include <nghttp3/nghttp3.h>

#include "base/units.h"
#include "http/h3_rules.h"
#include "http/huffman.h"
#include "testing/test.h"

/* A section, read; the text of its only field is "name: value". */
static void check_line(const char *what, const char *hex, enum vel_err want, const char *line)
{
    struct test_env t;
    uint8_t bytes[128];
    char text[128];
    struct vel_header_list list;
    size_t size = test_unhex(hex, bytes, sizeof bytes);
    test_env_init(&t, 1);
    vel_headers_init(&list, &t.env);
    ASSERT_ERR(what, vel_qpack_read(vel_slice(bytes, size), &list), want);
    if (want == VEL_OK) {
        CHECK(what, list.count == 1);
        const struct vel_field *field = list.items;
        snprintf(text, sizeof text, "%.*s: %.*s", (int)field->name.len,
                 (const char *)field->name.ptr, (int)field->value.len,
                 (const char *)field->value.ptr);
        assert_string_equal(text, line);
    }
    vel_headers_clear(&list);
    test_env_done(&t);
}

/* RFC 9204 4.5, and appendix B.1 for the first. */
static void lines_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *what, *hex;
        enum vel_err want;
        const char *line;
    } rows[] = {
        {"name of the table", "0000510b2f696e6465782e68746d6c", VEL_OK, ":path: /index.html"},
        {"all of the table", "0000d9", VEL_OK, ":status: 200"},
        {"last of the table", "0000ff23", VEL_OK, "x-frame-options: sameorigin"},
        {"literal", "00002361 6263 01 78", VEL_OK, "abc: x"},
        {"never indexed", "00003361 6263 01 78", VEL_OK, "abc: x"},
        {"empty value", "00002161 00", VEL_OK, "a: "},
        {"coded value", "0000500a 7777772e6162632e6465", VEL_OK, ":authority: www.abc.de"},
        {"value in Huffman's code", "0000508cf1e3c2e5f23a6ba0ab90f4ff", VEL_OK,
         ":authority: www.example.com"},
        {"long length", "00002161 7f00", VEL_ERR_MALFORMED, NULL},
        {"long way to a short length", "00002161 7f80808000", VEL_ERR_MALFORMED, NULL},
        {"length without end", "00002161 7fffffffffffff", VEL_ERR_MALFORMED, NULL},
        {"nothing", "", VEL_ERR_MALFORMED, NULL},
        {"half a prefix", "00", VEL_ERR_MALFORMED, NULL},
        {"sign in the prefix", "0080d9", VEL_ERR_MALFORMED, NULL},
        {"needs the dynamic table", "0100d9", VEL_ERR_MALFORMED, NULL},
        {"index beyond the table", "0000ff24", VEL_ERR_MALFORMED, NULL},
        {"name beyond the table", "00005f540161", VEL_ERR_MALFORMED, NULL},
        {"dynamic entry", "000080", VEL_ERR_MALFORMED, NULL},
        {"dynamic name", "0000400161", VEL_ERR_MALFORMED, NULL},
        {"entry behind the base", "000010", VEL_ERR_MALFORMED, NULL},
        {"name behind the base", "0000000161", VEL_ERR_MALFORMED, NULL},
        {"value cut off", "0000500561", VEL_ERR_MALFORMED, NULL},
        {"value missing", "000050", VEL_ERR_MALFORMED, NULL},
        {"padding of a whole byte", "00005082f8ff", VEL_ERR_MALFORMED, NULL},
        {"padding of zeros", "00005081 18", VEL_ERR_MALFORMED, NULL},
        {"EOS", "000050 84ffffffff", VEL_ERR_MALFORMED, NULL},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++)
        check_line(rows[i].what, rows[i].hex, rows[i].want, rows[i].line);
}

/* ---- against another implementation ---- */

static struct vel_slice slice_of(nghttp3_rcbuf *text)
{
    nghttp3_vec vec = nghttp3_rcbuf_get_buf(text);
    return vel_slice(vec.base, vec.len);
}

static void check_theirs(struct vel_slice section, struct vel_slice name, struct vel_slice value)
{
    nghttp3_qpack_decoder *decoder = NULL;
    nghttp3_qpack_stream_context *context = NULL;
    const nghttp3_mem *mem = nghttp3_mem_default();
    nghttp3_qpack_nv nv;
    uint8_t flags = 0;
    assert_int_equal(nghttp3_qpack_decoder_new(&decoder, 0, 0, mem), 0);
    assert_int_equal(nghttp3_qpack_stream_context_new(&context, 0, mem), 0);
    nghttp3_ssize size = nghttp3_qpack_decoder_read_request(decoder, context, &nv, &flags,
                                                            section.ptr, section.len, 1);
    assert_true(size > 0 && (flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) != 0);
    assert_true(vel_slice_equal(slice_of(nv.name), name));
    assert_true(vel_slice_equal(slice_of(nv.value), value));
    nghttp3_rcbuf_decref(nv.name);
    nghttp3_rcbuf_decref(nv.value);
    nghttp3_qpack_stream_context_del(context);
    nghttp3_qpack_decoder_del(decoder);
}

static void write_one(struct vel_writer *w, struct vel_slice name, struct vel_slice value)
{
    vel_qpack_write_prefix(w);
    vel_qpack_write_line(w, name, value);
    assert_true(vel_write_ok(w));
}

static void the_static_table_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_QPACK_STATIC; i++) {
        const struct vel_field *line = vel_qpack_static(i);
        uint8_t bytes[16];
        struct vel_writer w = vel_writer(bytes, sizeof bytes);
        write_one(&w, line->name, line->value);
        assert_true(vel_written(&w) <= 4); /* an index alone */
        check_theirs(vel_writer_slice(&w), line->name, line->value);
    }
    assert_null(vel_qpack_static(VEL_QPACK_STATIC));
}

/* Each byte often enough that the code is shorter than the byte, or not. */
static void huffman_codes_are_the_same(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t text[40], bytes[200], back[80];
        memset(text, 'e', sizeof text);
        text[7] = text[20] = (uint8_t)byte;
        struct vel_slice value = vel_slice(text, sizeof text);
        struct vel_writer w = vel_writer(bytes, sizeof bytes);
        write_one(&w, vel_slice_text("x"), value);
        assert_true(vel_written(&w) < sizeof text);
        check_theirs(vel_writer_slice(&w), vel_slice_text("x"), value);
        size_t size = 0;
        w = vel_writer(bytes, sizeof bytes);
        vel_huffman_write(&w, value);
        assert_int_equal(vel_written(&w), vel_huffman_size(value));
        assert_true(vel_huffman_text_max(vel_written(&w)) <= sizeof back);
        assert_true(vel_huffman_read(vel_writer_slice(&w), back, &size));
        assert_true(vel_slice_equal(vel_slice(back, size), value));
    }
}

/* ---- priorities ---- */

static void priorities_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t urgency;
        bool incremental;
    } rows[] = {
        {"", 3, false},
        {"u=0", 0, false},
        {" u=7 , i ", 7, true},
        {"i=?1,u=5", 5, true},
        {"i=?0", 3, false},
        {"i,i=?0", 3, false}, /* the last one counts */
        {"u=2;x=1;y", 2, false},
        {"a=\"u=1,i\", u=4", 4, false},
        {"other=(1 2), u=1", 1, false},
        {"u=8", 3, false},
        {"u=1,u=x", 3, false}, /* no dictionary that we could read: nothing of it counts */
        {"i=yes, u=1", 3, false},
        {"u", 3, false},
        {",", 3, false},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_h3_priority priority = {0};
        vel_h3_priority_parse(vel_slice_text(rows[i].text), &priority);
        CHECK(rows[i].text, priority.urgency == rows[i].urgency);
        CHECK(rows[i].text, priority.incremental == rows[i].incremental && priority.told);
    }
}

static void memory_may_run_out(void **state)
{
    (void)state;
    static const uint8_t section[] = {0x00, 0x00, 0xd9, 0x21, 'a', 0x01, 'b'};
    for (long n = 0; n < 2; n++) {
        struct test_env t;
        struct vel_header_list list;
        test_env_init(&t, 1);
        vel_headers_init(&list, &t.env);
        t.fail_after = n;
        ASSERT_ERR("no memory", vel_qpack_read(vel_slice(section, sizeof section), &list),
                   VEL_ERR_NOMEM);
        vel_headers_clear(&list);
        test_env_done(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read),
        cmocka_unit_test(the_static_table_is_the_same),
        cmocka_unit_test(huffman_codes_are_the_same),
        cmocka_unit_test(priorities_are_read),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
