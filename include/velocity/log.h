/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_LOG_H
#define VELOCITY_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Log events: a fixed name and typed fields, one sink. There is no field kind for secrets, so a
 * secret cannot be logged. Use:
 *   LOG_EVENT(env->log, "packet-lost", LOG_UINT("number", n), LOG_TEXT("reason", "time"));
 */
enum vel_log_field_kind { VEL_LOG_END, VEL_LOG_TEXT, VEL_LOG_UINT, VEL_LOG_HEX };

struct vel_log_field {
    const char *name;
    enum vel_log_field_kind kind;
    const void *ptr; /* text (NUL-terminated) or bytes; borrowed for the call */
    uint64_t value;  /* the number, or the count of bytes for VEL_LOG_HEX */
};

/* A sink: `event` is called with a field list ended by VEL_LOG_END. */
struct vel_log {
    void (*event)(void *self, const char *name, const struct vel_log_field *fields);
    void *self;
};

#define LOG_UINT(n, v) ((struct vel_log_field){.name = (n), .kind = VEL_LOG_UINT, .value = (v)})
#define LOG_TEXT(n, s) ((struct vel_log_field){.name = (n), .kind = VEL_LOG_TEXT, .ptr = (s)})
#define LOG_HEX(n, p, l)                                                                           \
    ((struct vel_log_field){.name = (n), .kind = VEL_LOG_HEX, .ptr = (p), .value = (l)})

/* For sinks: the field of that name, NULL when there is none. */
static inline const struct vel_log_field *vel_log_find(const struct vel_log_field *fields,
                                                       const char *name)
{
    for (; fields->kind != VEL_LOG_END; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

#define LOG_EVENT(log, name, ...)                                                                  \
    do {                                                                                           \
        if ((log) != NULL && (log)->event != NULL)                                                 \
            (log)->event((log)->self, (name), (const struct vel_log_field[]){__VA_ARGS__, {0}});   \
    } while (0)

#endif
