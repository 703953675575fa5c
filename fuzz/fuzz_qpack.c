/* SPDX-License-Identifier: MIT */
/*
 * Bytes into field sections, beside nghttp3's decoder. Properties: what one takes the other takes,
 * with the same fields; fields that were taken are the same when they were written and read again;
 * Huffman's code gives back what was put into it. The same bytes as a priority: urgency stays in
 * its range.
 */
#include <nghttp3/nghttp3.h>

#include "http/h3_rules.h"
#include "http/huffman.h"
#include "http/qpack.h"
#include "testing/fuzz.h"

static struct vel_slice slice_of(nghttp3_rcbuf *text)
{
    nghttp3_vec vec = nghttp3_rcbuf_get_buf(text);
    return vel_slice(vec.base, vec.len);
}

/* nghttp3's view of a section; false: it refuses it. */
static bool read_theirs(struct vel_slice section, struct vel_header_list *list)
{
    nghttp3_qpack_decoder *decoder = NULL;
    nghttp3_qpack_stream_context *context = NULL;
    const nghttp3_mem *mem = nghttp3_mem_default();
    bool good = true, final = false;
    FUZZ_CHECK(nghttp3_qpack_decoder_new(&decoder, 0, 0, mem) == 0);
    FUZZ_CHECK(nghttp3_qpack_stream_context_new(&context, 0, mem) == 0);
    while (good && !final) {
        nghttp3_qpack_nv nv;
        uint8_t flags = 0;
        nghttp3_ssize size = nghttp3_qpack_decoder_read_request(decoder, context, &nv, &flags,
                                                                section.ptr, section.len, 1);
        good = size >= 0 && (flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) == 0;
        if (!good)
            break;
        section = vel_slice(section.ptr + size, section.len - (size_t)size);
        final = (flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL) != 0;
        if ((flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) == 0)
            continue;
        enum vel_err err = vel_headers_add(list, slice_of(nv.name), slice_of(nv.value));
        FUZZ_CHECK(err == VEL_OK || err == VEL_ERR_LIMIT);
        nghttp3_rcbuf_decref(nv.name);
        nghttp3_rcbuf_decref(nv.value);
    }
    nghttp3_qpack_stream_context_del(context);
    nghttp3_qpack_decoder_del(decoder);
    return good;
}

static void check_same(const struct vel_header_list *a, const struct vel_header_list *b)
{
    FUZZ_CHECK(a->count == b->count);
    for (size_t i = 0; i < a->count; i++)
        FUZZ_CHECK(vel_slice_equal(a->items[i].name, b->items[i].name) &&
                   vel_slice_equal(a->items[i].value, b->items[i].value));
}

static void check_again(const struct vel_header_list *list)
{
    static uint8_t bytes[4 * VEL_HTTP_MAX_FIELD_SECTION];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    struct vel_header_list again;
    vel_headers_init(&again, &fuzz_env);
    vel_qpack_write_prefix(&w);
    for (size_t i = 0; i < list->count; i++) {
        const struct vel_field *field = &list->items[i];
        size_t before = vel_written(&w);
        if (i % 2 == 0)
            vel_qpack_write_line(&w, field->name, field->value);
        else
            vel_qpack_write_literal(&w, field->name, field->value);
        FUZZ_CHECK(vel_written(&w) - before <= vel_qpack_line_max(field->name, field->value));
    }
    FUZZ_CHECK(vel_write_ok(&w));
    FUZZ_CHECK(vel_qpack_read(vel_writer_slice(&w), &again) == VEL_OK);
    check_same(list, &again);
    vel_headers_clear(&again);
}

static void check_huffman(struct vel_slice text)
{
    enum { MOST = 4096 };
    static uint8_t coded[4 * MOST], back[8 * MOST];
    text.len = text.len < MOST ? text.len : MOST;
    struct vel_writer w = vel_writer(coded, sizeof coded);
    size_t size = 0;
    vel_huffman_write(&w, text);
    FUZZ_CHECK(vel_write_ok(&w) && vel_written(&w) == vel_huffman_size(text));
    FUZZ_CHECK(vel_huffman_text_max(vel_written(&w)) <= sizeof back);
    FUZZ_CHECK(vel_huffman_read(vel_writer_slice(&w), back, &size));
    FUZZ_CHECK(vel_slice_equal(text, vel_slice(back, size)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vel_slice section = vel_slice(data, size);
    struct vel_header_list ours, theirs;
    struct vel_h3_priority priority;
    vel_headers_init(&ours, &fuzz_env);
    vel_headers_init(&theirs, &fuzz_env);
    enum vel_err err = vel_qpack_read(section, &ours);
    bool good = read_theirs(section, &theirs);
    if (err == VEL_OK) {
        check_again(&ours);
        if (good)
            check_same(&ours, &theirs);
    }
    FUZZ_CHECK(err == VEL_OK || err == VEL_ERR_LIMIT || err == VEL_ERR_MALFORMED);
    FUZZ_CHECK(err != VEL_ERR_MALFORMED || !good);
    vel_headers_clear(&ours);
    vel_headers_clear(&theirs);
    check_huffman(section);
    vel_h3_priority_parse(section, &priority);
    FUZZ_CHECK(priority.urgency <= 7);
    return 0;
}
