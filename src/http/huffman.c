/* SPDX-License-Identifier: MIT */
#include "http/huffman.h"

/*
 * RFC 7541 appendix B. The code is canonical: codes of a length are consecutive, in the order of
 * their symbols, and shorter ones come first. So how many there are of each length and the order of
 * the symbols say all of it. The last code is EOS, which is never sent.
 */
static const struct length {
    uint32_t first; /* code of this length, as if it filled 32 bits */
    uint16_t place; /* of its symbol */
    uint8_t bits;
} lengths[] = {
    {0x00000000, 0, 5},    {0x50000000, 10, 6},   {0xb8000000, 36, 7},   {0xf8000000, 68, 8},
    {0xfe000000, 74, 10},  {0xff400000, 79, 11},  {0xffa00000, 82, 12},  {0xffc00000, 84, 13},
    {0xfff00000, 90, 14},  {0xfff80000, 92, 15},  {0xfffe0000, 95, 19},  {0xfffe6000, 98, 20},
    {0xfffee000, 106, 21}, {0xffff4800, 119, 22}, {0xffffb000, 145, 23}, {0xffffea00, 174, 24},
    {0xfffff600, 186, 25}, {0xfffff800, 190, 26}, {0xfffffbc0, 205, 27}, {0xfffffe20, 224, 28},
    {0xfffffff0, 253, 30}, {0xffffffff, 257, 32}, /* none: where the search ends */
};

/* Symbols in the order of their codes. */
static const uint8_t symbols[256] = {
    48,  49,  50,  97,  99,  101, 105, 111, 115, 116, 32,  37,  45,  46,  47,  51,  52,  53,  54,
    55,  56,  57,  61,  65,  95,  98,  100, 102, 103, 104, 108, 109, 110, 112, 114, 117, 58,  66,
    67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,  80,  81,  82,  83,  84,  85,
    86,  87,  89,  106, 107, 113, 118, 119, 120, 121, 122, 38,  42,  44,  59,  88,  90,  33,  34,
    40,  41,  63,  39,  43,  124, 35,  62,  0,   36,  64,  91,  93,  126, 94,  125, 60,  96,  123,
    92,  195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161, 167, 172, 176, 177, 179, 209,
    216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173,
    178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232, 233, 1,   135, 137, 138, 139, 140, 141,
    143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180, 182, 183, 188, 191,
    197, 231, 239, 9,   142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235,
    192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212,
    214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254, 2,   3,   4,   5,
    6,   7,   8,   11,  12,  14,  15,  16,  17,  18,  19,  20,  21,  23,  24,  25,  26,  27,  28,
    29,  30,  31,  127, 220, 249, 10,  13,  22};

/* Where each symbol stands there. */
static const uint8_t places[256] = {
    84,  145, 224, 225, 226, 227, 228, 229, 230, 174, 253, 231, 232, 254, 233, 234, 235, 236, 237,
    238, 239, 240, 255, 241, 242, 243, 244, 245, 246, 247, 248, 249, 10,  74,  75,  82,  85,  11,
    68,  79,  76,  77,  69,  80,  70,  12,  13,  14,  0,   1,   2,   15,  16,  17,  18,  19,  20,
    21,  36,  71,  92,  22,  83,  78,  86,  23,  37,  38,  39,  40,  41,  42,  43,  44,  45,  46,
    47,  48,  49,  50,  51,  52,  53,  54,  55,  56,  57,  58,  72,  59,  73,  87,  95,  88,  90,
    24,  93,  3,   25,  4,   26,  5,   27,  28,  29,  6,   60,  61,  30,  31,  32,  7,   33,  62,
    34,  8,   9,   35,  63,  64,  65,  66,  67,  94,  81,  91,  89,  250, 98,  119, 99,  100, 120,
    121, 122, 146, 123, 147, 148, 149, 150, 151, 175, 152, 176, 177, 124, 153, 178, 154, 155, 156,
    157, 106, 125, 158, 126, 159, 160, 179, 127, 107, 101, 128, 129, 161, 162, 108, 163, 130, 131,
    180, 109, 132, 164, 165, 110, 111, 133, 112, 166, 134, 167, 168, 102, 135, 136, 137, 169, 138,
    139, 170, 190, 191, 103, 96,  140, 171, 141, 186, 192, 193, 194, 205, 206, 195, 181, 187, 97,
    113, 196, 207, 208, 197, 209, 182, 114, 115, 198, 199, 251, 210, 211, 212, 104, 183, 105, 116,
    142, 117, 118, 172, 143, 144, 188, 189, 184, 185, 200, 173, 201, 213, 202, 203, 214, 215, 216,
    217, 218, 252, 219, 220, 221, 222, 223, 204};

enum { WINDOW = 32, PADDING_MAX = 7, EOS_PLACE = 256 };

/* The length of the code that a window begins with, and the place of its symbol. */
static inline const struct length *length_at(uint32_t window, unsigned *place)
{
    const struct length *length = lengths;
    window &= ~UINT32_C(1); /* behind the longest code: so it is below the end */
    while (window >= length[1].first)
        length++;
    *place = length->place + ((window - length->first) >> (WINDOW - length->bits));
    return length;
}

/* RFC 7541 5.2: fewer bits than a byte has, all ones, as EOS begins. None at all will do. */
static bool is_padding(uint32_t window, unsigned bits)
{
    return window >> (WINDOW - 8) >> (8 - bits) == (1u << bits) - 1;
}

bool vel_huffman_read(struct vel_slice coded, uint8_t *text, size_t *size)
{
    uint64_t held = 0; /* bits that wait, left-aligned */
    unsigned have = 0;
    const uint8_t *pos = coded.ptr;
    const uint8_t *end = coded.ptr + coded.len;
    uint8_t *at = text;
    for (;;) {
        for (; have <= WINDOW && pos < end; have += 8)
            held |= (uint64_t)*pos++ << (56 - have);
        uint32_t window = (uint32_t)(held >> WINDOW);
        if (have <= PADDING_MAX && is_padding(window, have))
            break;
        unsigned place;
        const struct length *length = length_at(window, &place);
        if (place >= EOS_PLACE || length->bits > have)
            return false;
        *at++ = symbols[place];
        held <<= length->bits;
        have -= length->bits;
    }
    *size = (size_t)(at - text);
    return true;
}

/* Code of a symbol. */
static uint32_t code_of(uint8_t symbol, unsigned *bits)
{
    unsigned place = places[symbol];
    const struct length *length = lengths;
    while (place >= length[1].place)
        length++;
    *bits = length->bits;
    return (length->first >> (WINDOW - length->bits)) + place - length->place;
}

size_t vel_huffman_size(struct vel_slice text)
{
    size_t total = 0;
    unsigned bits;
    for (size_t i = 0; i < text.len; i++) {
        code_of(text.ptr[i], &bits);
        total += bits;
    }
    return (total + 7) / 8;
}

void vel_huffman_write(struct vel_writer *w, struct vel_slice text)
{
    uint64_t held = 0; /* bits that wait, right-aligned */
    unsigned have = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned bits;
        uint32_t code = code_of(text.ptr[i], &bits);
        held = held << bits | code;
        for (have += bits; have >= 8; have -= 8)
            vel_write_uint(w, held >> (have - 8) & 0xff, 1);
    }
    if (have > 0)
        vel_write_uint(w, (held << (8 - have) | (0xffu >> have)) & 0xff, 1);
}
