/* SPDX-License-Identifier: MIT */
#include "client/outcomes.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "base/reader.h"
#include "base/try.h"
#include "sys/file.h"

enum { LINE_BYTES = VEL_URL_HOST_MAX + 256, DIGITS_MAX = 18, FILE_MODE = 0600, FOLDER_MODE = 0700 };

enum { RTT_MAX_US = 60 * 1000 * 1000 };

/* Falls that are kept: of the rungs that have another one below. */
enum { KEPT_FALLS = VEL_RUNG_TCP };

struct entry {
    char host[VEL_URL_HOST_MAX + 1];
    uint16_t port;
    int64_t used; /* unix seconds */
    struct vel_outcome outcome;
};

struct vel_outcomes {
    const struct vel_env *env;
    struct entry items[VEL_OUTCOMES_MAX]; /* in no order */
    size_t count;
};

static const char heading[] = "velocity-outcomes 1\n";

OWNED_POINTER(outcomes_release, struct vel_outcomes, vel_outcomes_free)

/* ---- the set ---- */

vel_result vel_outcomes_new(const struct vel_env *env, struct vel_outcomes **outcomes)
{
    struct vel_outcomes *made = vel_alloc(env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = env;
    *outcomes = made;
    return VEL_OK;
}

void vel_outcomes_free(struct vel_outcomes *outcomes)
{
    if (outcomes != NULL)
        vel_release(outcomes->env, outcomes, sizeof *outcomes);
}

size_t vel_outcomes_count(const struct vel_outcomes *outcomes)
{
    return outcomes->count;
}

static size_t find(const struct vel_outcomes *outcomes, const char *host, uint16_t port)
{
    size_t i = 0;
    while (i < outcomes->count &&
           (outcomes->items[i].port != port || strcmp(outcomes->items[i].host, host) != 0))
        i++;
    return i;
}

struct vel_outcome vel_outcomes_find(const struct vel_outcomes *outcomes, const char *host,
                                     uint16_t port)
{
    size_t i = find(outcomes, host, port);
    return i < outcomes->count ? outcomes->items[i].outcome : (struct vel_outcome){0};
}

static struct entry *make_room(struct vel_outcomes *outcomes)
{
    if (outcomes->count < VEL_OUTCOMES_MAX)
        return &outcomes->items[outcomes->count++];
    struct entry *oldest = &outcomes->items[0];
    for (size_t i = 1; i < outcomes->count; i++)
        if (outcomes->items[i].used < oldest->used)
            oldest = &outcomes->items[i];
    return oldest;
}

void vel_outcomes_set(struct vel_outcomes *outcomes, const char *host, uint16_t port,
                      const struct vel_outcome *outcome, int64_t unix_now)
{
    size_t length = strlen(host), i = find(outcomes, host, port);
    if (length == 0 || length > VEL_URL_HOST_MAX || strpbrk(host, " \n") != NULL)
        return;
    struct entry *entry = i < outcomes->count ? &outcomes->items[i] : make_room(outcomes);
    *entry = (struct entry){.port = port, .used = unix_now, .outcome = *outcome};
    memcpy(entry->host, host, length);
}

/* ---- reading ---- */

/* Up to `end`, which is consumed; without it the reader fails. */
static struct vel_slice read_word(struct vel_reader *r, char end)
{
    const uint8_t *at = vel_left(r) > 0 ? memchr(r->pos, end, vel_left(r)) : NULL;
    if (at == NULL) {
        r->failed = true;
        return (struct vel_slice){0};
    }
    struct vel_slice word = vel_read_bytes(r, (uint64_t)(at - r->pos));
    (void)vel_read_bytes(r, 1);
    return word;
}

static int64_t read_number(struct vel_reader *r, char end)
{
    struct vel_slice word = read_word(r, end);
    int64_t value = 0;
    if (word.len == 0 || word.len > DIGITS_MAX)
        r->failed = true;
    for (size_t i = 0; i < word.len && !r->failed; i++) {
        if (word.ptr[i] < '0' || word.ptr[i] > '9')
            r->failed = true;
        value = 10 * value + (word.ptr[i] - '0');
    }
    return r->failed ? 0 : value;
}

static void read_fall(struct vel_reader *r, char end, struct vel_fall *fall)
{
    fall->reason = vel_fallback_of_name(read_word(r, ' '));
    fall->at = read_number(r, ' ');
    int64_t count = read_number(r, end);
    fall->count = (unsigned)VEL_MIN(count, UINT16_MAX);
    if (fall->reason == VEL_FALLBACK_COUNT)
        r->failed = true;
}

static vel_result read_entry(struct vel_reader *r, struct entry *entry)
{
    struct vel_slice host = read_word(r, ' ');
    int64_t port = read_number(r, ' ');
    entry->used = read_number(r, ' ');
    int64_t rtt_us = read_number(r, ' ');
    entry->outcome.rtt = VEL_MIN(rtt_us, RTT_MAX_US) * US;
    entry->outcome.velocity_until = read_number(r, ' ');
    for (unsigned i = 0; i < KEPT_FALLS; i++)
        read_fall(r, i + 1 == KEPT_FALLS ? '\n' : ' ', &entry->outcome.falls[i]);
    REQUIRE(vel_read_ok(r) && port > 0 && port <= UINT16_MAX, VEL_ERR_MALFORMED);
    REQUIRE(host.len > 0 && host.len <= VEL_URL_HOST_MAX, VEL_ERR_MALFORMED);
    REQUIRE(memchr(host.ptr, '\n', host.len) == NULL && memchr(host.ptr, '\0', host.len) == NULL,
            VEL_ERR_MALFORMED);
    entry->port = (uint16_t)port;
    memcpy(entry->host, host.ptr, host.len);
    return VEL_OK;
}

vel_result vel_outcomes_read(struct vel_outcomes *outcomes, struct vel_slice text)
{
    OWNED(outcomes_release) struct vel_outcomes *made = NULL;
    struct vel_reader r = vel_reader(text);
    TRY(vel_outcomes_new(outcomes->env, &made));
    REQUIRE(vel_slice_equal(vel_read_bytes(&r, sizeof heading - 1), vel_slice_text(heading)),
            VEL_ERR_MALFORMED);
    while (vel_left(&r) > 0) {
        struct entry entry = {0};
        TRY(read_entry(&r, &entry));
        REQUIRE(find(made, entry.host, entry.port) == made->count, VEL_ERR_MALFORMED);
        REQUIRE(made->count < VEL_OUTCOMES_MAX, VEL_ERR_MALFORMED);
        made->items[made->count++] = entry;
    }
    *outcomes = *made;
    return VEL_OK;
}

/* ---- writing ---- */

vel_result vel_outcomes_write(const struct vel_outcomes *outcomes, struct vel_buf *text)
{
    TRY(vel_buf_append(text, vel_slice_text(heading)));
    for (size_t i = 0; i < outcomes->count; i++) {
        const struct entry *entry = &outcomes->items[i];
        const struct vel_fall *v = &entry->outcome.falls[VEL_RUNG_VELOCITY];
        const struct vel_fall *q = &entry->outcome.falls[VEL_RUNG_QUIC];
        char line[LINE_BYTES];
        int size = snprintf(line, sizeof line,
                            "%s %u %" PRId64 " %" PRId64 " %" PRId64 " %s %" PRId64
                            " %u %s %" PRId64 " %u\n",
                            entry->host, entry->port, entry->used, entry->outcome.rtt / US,
                            entry->outcome.velocity_until, vel_fallback_name(v->reason), v->at,
                            v->count, vel_fallback_name(q->reason), q->at, q->count);
        REQUIRE(size > 0 && (size_t)size < sizeof line, VEL_ERR_LIMIT);
        TRY(vel_buf_append(text, vel_slice(line, (size_t)size)));
    }
    return VEL_OK;
}

/* ---- the file ---- */

vel_result vel_outcomes_load(const char *path, struct vel_outcomes *outcomes)
{
    OWNED(vel_buf_free)
    struct vel_buf text = {.env = outcomes->env, .limit = VEL_OUTCOMES_TEXT_MAX};
    enum vel_err err = vel_file_load(path, &text);
    if (err == VEL_OK)
        err = vel_outcomes_read(outcomes, vel_buf_slice(&text));
    return err == VEL_ERR_NOMEM ? err : VEL_OK;
}

vel_result vel_outcomes_save(const char *path, const struct vel_env *env,
                             const struct vel_outcomes *outcomes)
{
    OWNED(vel_buf_free) struct vel_buf text = {.env = env, .limit = VEL_OUTCOMES_TEXT_MAX};
    OWNED(vel_buf_free) struct vel_buf folder = {.env = env, .limit = LINE_BYTES * 8};
    const char *slash = strrchr(path, '/');
    TRY(vel_outcomes_write(outcomes, &text));
    if (slash != NULL && slash != path) {
        TRY(vel_buf_append(&folder, vel_slice(path, (size_t)(slash - path))));
        TRY(vel_buf_append(&folder, vel_slice("", 1)));
        TRY(vel_folder_make((const char *)folder.ptr, FOLDER_MODE));
    }
    return vel_file_save(path, vel_buf_slice(&text), FILE_MODE, true);
}
