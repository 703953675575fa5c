/* SPDX-License-Identifier: MIT */
#include "wire/capture.h"

enum { SECOND = 1000 * 1000 * 1000, LINK_TYPE_RAW = 101, SNAP = 65535 };

static void put32(FILE *file, uint32_t value)
{
    fwrite(&value, sizeof value, 1, file);
}

FILE *capture_open(const char *path)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return NULL;
    const uint32_t header[] = {0xa1b23c4d, 4u << 16 | 2u, 0, 0, SNAP, LINK_TYPE_RAW};
    for (size_t i = 0; i < sizeof header / sizeof header[0]; i++)
        put32(file, header[i]);
    return file;
}

void capture_packet(FILE *file, uint64_t now, const uint8_t *bytes, size_t len)
{
    if (file == NULL)
        return;
    put32(file, (uint32_t)(now / SECOND));
    put32(file, (uint32_t)(now % SECOND));
    put32(file, (uint32_t)len);
    put32(file, (uint32_t)len);
    fwrite(bytes, 1, len, file);
}
