/* SPDX-License-Identifier: MIT */
#include "cli/warn.h"

#include <stdio.h>
#include <string.h>

static void small_buffer(const struct vel_log_field *fields)
{
    const struct vel_log_field *sysctl = vel_log_find(fields, "sysctl");
    const struct vel_log_field *granted = vel_log_find(fields, "granted");
    const struct vel_log_field *wanted = vel_log_find(fields, "wanted");
    if (sysctl == NULL || granted == NULL || wanted == NULL)
        return;
    fprintf(stderr,
            "velocity: the kernel grants a socket buffer of %llu bytes only, so bursts will be "
            "lost: sysctl -w %s=%llu\n",
            (unsigned long long)granted->value, (const char *)sysctl->ptr,
            (unsigned long long)wanted->value);
}

static void no_segmentation(const struct vel_log_field *fields)
{
    (void)fields;
    fputs("velocity: the network device cannot segment trains: sending one datagram at a time\n",
          stderr);
}

static void qlog_stopped(const struct vel_log_field *fields)
{
    const struct vel_log_field *reason = vel_log_find(fields, "reason");
    fprintf(stderr, "velocity: a qlog file could not be written, and ends: %s\n",
            reason != NULL ? (const char *)reason->ptr : "");
}

static void warn(void *self, const char *name, const struct vel_log_field *fields)
{
    static const struct {
        const char *event;
        void (*print)(const struct vel_log_field *fields);
    } rows[] = {
        {"udp-buffer-small", small_buffer},
        {"udp-segmentation-off", no_segmentation},
        {"qlog-stopped", qlog_stopped},
    };
    (void)self;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].event, name) == 0)
            rows[i].print(fields);
}

struct vel_log vel_warn_log(void)
{
    return (struct vel_log){.event = warn};
}
