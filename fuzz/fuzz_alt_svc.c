/* SPDX-License-Identifier: MIT */
/*
 * An Alt-Svc value from any server. Properties: parsing ends, and what is found is printable text
 * with a port and an age within limits.
 */
#include <string.h>

#include "client/alt_svc.h"
#include "testing/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct vel_reader r = vel_reader(vel_slice(bytes, size));
    struct vel_alt_svc service;
    size_t left = vel_left(&r) + 1;
    while (vel_alt_svc_next(&r, &service)) {
        FUZZ_CHECK(vel_left(&r) < left);
        left = vel_left(&r);
        FUZZ_CHECK(service.port != 0 && service.max_age >= 0);
        FUZZ_CHECK(service.max_age <= 30 * 86400);
        for (const char *c = service.protocol; *c != '\0'; c++)
            FUZZ_CHECK(*c > ' ' && *c < 0x7f);
        for (const char *c = service.host; *c != '\0'; c++)
            FUZZ_CHECK(*c > ' ' && *c < 0x7f);
    }
    return 0;
}
