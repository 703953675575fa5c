/* SPDX-License-Identifier: MIT */
#ifndef QLOG_JSON_H
#define QLOG_JSON_H

#include "base/writer.h"
#include "velocity/env.h"

/*
 * JSON (RFC 8259) into memory of a fixed size, without allocation. When it is full the writer has
 * failed (vel_write_ok), and what was written is to be thrown away.
 *
 * Keys are constants of ours. Texts may be anybody's: what is not UTF-8 becomes U+FFFD, and control
 * characters are escaped, those of a terminal (U+0080 to U+009F) too.
 *
 * In an object each call takes a key, in an array NULL.
 */
struct vel_json {
    struct vel_writer w;
    bool more; /* the next value needs a comma */
};

static inline struct vel_json vel_json(void *bytes, size_t size)
{
    return (struct vel_json){.w = vel_writer(bytes, size)};
}

/* bracket: '{' or '['; then '}' or ']'. */
void vel_json_open(struct vel_json *j, const char *key, char bracket);
void vel_json_close(struct vel_json *j, char bracket);

void vel_json_text(struct vel_json *j, const char *key, struct vel_slice text);
void vel_json_word(struct vel_json *j, const char *key, const char *text);
void vel_json_hex(struct vel_json *j, const char *key, struct vel_slice bytes);
void vel_json_bool(struct vel_json *j, const char *key, bool value);
/* Above 2^53 - 1, which many readers cannot hold (RFC 7493 2.2), as a string. */
void vel_json_uint(struct vel_json *j, const char *key, uint64_t value);
/* Nanoseconds as milliseconds, without loss. */
void vel_json_ms(struct vel_json *j, const char *key, vel_time value);

#endif
