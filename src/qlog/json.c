/* SPDX-License-Identifier: MIT */
#include "qlog/json.h"

#include "base/units.h"

static const char digits[] = "0123456789abcdef";

static void raw(struct vel_json *j, const char *text)
{
    vel_write_bytes(&j->w, vel_slice_text(text));
}

static void byte(struct vel_json *j, char value)
{
    vel_write_fill(&j->w, (uint8_t)value, 1);
}

/* What stands before a value. */
static void lead(struct vel_json *j, const char *key)
{
    if (j->more)
        byte(j, ',');
    j->more = true;
    if (key == NULL)
        return;
    byte(j, '"');
    raw(j, key);
    raw(j, "\":");
}

void vel_json_open(struct vel_json *j, const char *key, char bracket)
{
    lead(j, key);
    byte(j, bracket);
    j->more = false;
}

void vel_json_close(struct vel_json *j, char bracket)
{
    byte(j, bracket);
    j->more = true;
}

/* ---- texts ---- */

/* Bytes of the UTF-8 character that `text` begins with (Unicode, table 3-7); 0: it is none. */
static size_t character(struct vel_slice text)
{
    static const struct {
        uint8_t first, last, second_first, second_last, size;
    } rows[] = {
        {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        if (text.ptr[0] < rows[i].first || text.ptr[0] > rows[i].last)
            continue;
        size_t size = rows[i].size;
        if (size > text.len ||
            (size > 1 && (text.ptr[1] < rows[i].second_first || text.ptr[1] > rows[i].second_last)))
            return 0;
        for (size_t n = 2; n < size; n++)
            if (text.ptr[n] >> 6 != 2)
                return 0;
        return size;
    }
    return 0;
}

static void escape(struct vel_json *j, unsigned code)
{
    char text[] = "\\u0000";
    for (size_t i = 0; i < 4; i++)
        text[2 + i] = digits[code >> (12 - 4 * i) & 15];
    raw(j, text);
}

static void put_character(struct vel_json *j, struct vel_slice bytes)
{
    uint8_t first = bytes.ptr[0];
    bool c1 = bytes.len == 2 && first == 0xc2 && bytes.ptr[1] < 0xa0;
    if (first < 0x20 || first == 0x7f)
        escape(j, first);
    else if (c1)
        escape(j, bytes.ptr[1]);
    else {
        if (first == '"' || first == '\\')
            byte(j, '\\');
        vel_write_bytes(&j->w, bytes);
    }
}

void vel_json_text(struct vel_json *j, const char *key, struct vel_slice text)
{
    lead(j, key);
    byte(j, '"');
    while (text.len > 0 && vel_write_ok(&j->w)) {
        size_t size = character(text);
        if (size == 0)
            escape(j, 0xfffd);
        else
            put_character(j, vel_slice(text.ptr, size));
        size = VEL_MAX(size, (size_t)1);
        text = vel_slice(text.ptr + size, text.len - size);
    }
    byte(j, '"');
}

void vel_json_word(struct vel_json *j, const char *key, const char *text)
{
    vel_json_text(j, key, vel_slice_text(text));
}

void vel_json_hex(struct vel_json *j, const char *key, struct vel_slice bytes)
{
    lead(j, key);
    byte(j, '"');
    for (size_t i = 0; i < bytes.len && vel_write_ok(&j->w); i++) {
        byte(j, digits[bytes.ptr[i] >> 4]);
        byte(j, digits[bytes.ptr[i] & 15]);
    }
    byte(j, '"');
}

/* ---- numbers ---- */

static void decimal(struct vel_json *j, uint64_t value)
{
    uint8_t text[20];
    size_t at = sizeof text;
    do {
        text[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    vel_write_bytes(&j->w, vel_slice(text + at, sizeof text - at));
}

void vel_json_bool(struct vel_json *j, const char *key, bool value)
{
    lead(j, key);
    raw(j, value ? "true" : "false");
}

void vel_json_uint(struct vel_json *j, const char *key, uint64_t value)
{
    bool large = value >= UINT64_C(1) << 53;
    lead(j, key);
    if (large)
        byte(j, '"');
    decimal(j, value);
    if (large)
        byte(j, '"');
}

void vel_json_ms(struct vel_json *j, const char *key, vel_time value)
{
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    uint64_t rest = size % (uint64_t)MS;
    lead(j, key);
    if (value < 0)
        byte(j, '-');
    decimal(j, size / (uint64_t)MS);
    if (rest == 0)
        return;
    byte(j, '.');
    for (uint64_t unit = (uint64_t)MS / 10; rest > 0; unit /= 10) {
        byte(j, digits[rest / unit]);
        rest %= unit;
    }
}
