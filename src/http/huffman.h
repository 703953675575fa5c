/* SPDX-License-Identifier: MIT */
#ifndef HTTP_HUFFMAN_H
#define HTTP_HUFFMAN_H

#include "base/writer.h"

/* The Huffman code of HPACK and QPACK (RFC 7541 5.2). */

/* Most bytes that `size` bytes of code stand for: the shortest codes have five bits. */
static inline size_t vel_huffman_text_max(size_t size)
{
    return size / 5 * 8 + size % 5 * 8 / 5;
}

/* Text of a coded string, into room for vel_huffman_text_max. False: it is no such string. */
bool vel_huffman_read(struct vel_slice coded, uint8_t *text, size_t *size);

/* Bytes that the code of a text takes. */
size_t vel_huffman_size(struct vel_slice text);

void vel_huffman_write(struct vel_writer *w, struct vel_slice text);

#endif
