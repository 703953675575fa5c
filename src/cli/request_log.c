/* SPDX-License-Identifier: MIT */
#include "cli/request_log.h"

#include "base/units.h"
#include "sys/address.h"

/* Every byte shown may take four. A line stays under 4,096 bytes, PIPE_BUF and a block of the standard
 * output: so it is written at once, and those of several workers do not mix. */
enum { METHOD_MAX = 32, PATH_SHOWN = 900 };

static void print_escaped(FILE *to, struct vel_slice text, size_t most)
{
    size_t shown = VEL_MIN(text.len, most);
    for (size_t i = 0; i < shown; i++) {
        uint8_t c = text.ptr[i];
        if (c > ' ' && c < 0x7f && c != '"' && c != '\\')
            fputc(c, to);
        else
            fprintf(to, "\\x%02x", c);
    }
    if (shown < text.len)
        fputs("...", to);
}

void vel_request_log(FILE *to, const char *stamp, const struct vel_log_address *how,
                     const struct vel_web_record *record)
{
    char remote[VEL_ADDR_TEXT];
    fprintf(to, "%s %s \"", stamp, vel_log_address(how, &record->remote, remote));
    print_escaped(to, record->method, METHOD_MAX);
    fputc(' ', to);
    print_escaped(to, record->path, PATH_SHOWN);
    fprintf(to, "\" %u %llu bytes %.3f ms %.*s%s\n", record->status,
            (unsigned long long)record->body_bytes, (double)record->duration / (double)MS,
            (int)record->protocol.len, (const char *)record->protocol.ptr,
            record->complete ? "" : " cut-off");
}
