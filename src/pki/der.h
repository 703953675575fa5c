/* SPDX-License-Identifier: MIT */
#ifndef PKI_DER_H
#define PKI_DER_H

#include "base/reader.h"
#include "base/writer.h"

/*
 * DER (ITU-T X.690) as certificates use it, on the one reader and the one writer: one-byte tags,
 * definite lengths of at most four bytes, always the shortest. Anything else fails the reader.
 * Callers name the structure they expect, element by element, so nothing here recurses and a
 * peer cannot choose how deep we go.
 */
enum {
    VEL_DER_BOOLEAN = 0x01,
    VEL_DER_INTEGER = 0x02,
    VEL_DER_BIT_STRING = 0x03,
    VEL_DER_OCTET_STRING = 0x04,
    VEL_DER_OID = 0x06,
    VEL_DER_UTF8 = 0x0c,
    VEL_DER_PRINTABLE = 0x13,
    VEL_DER_IA5 = 0x16,
    VEL_DER_UTC_TIME = 0x17,
    VEL_DER_TIME = 0x18, /* GeneralizedTime */
    VEL_DER_SEQUENCE = 0x30,
    VEL_DER_SET = 0x31,
    VEL_DER_IMPLICIT = 0x80, /* [n] around a primitive value: add n */
    VEL_DER_EXPLICIT = 0xa0, /* [n] around elements: add n */
    VEL_DER_LENGTH_MAX = 5   /* bytes that a length field may take */
};

/* The contents of the next element, whatever its tag; *tag set (0 on failure). */
struct vel_slice vel_der_any(struct vel_reader *r, uint8_t *tag);

/* The contents of the next element; another tag fails the reader. */
struct vel_slice vel_der_read(struct vel_reader *r, uint8_t tag);

/* As vel_der_read, with the tag and length in front of the contents. */
struct vel_slice vel_der_element(struct vel_reader *r, uint8_t tag);

/* A reader over the contents of the next element. It has failed when `r` has. */
struct vel_reader vel_der_enter(struct vel_reader *r, uint8_t tag);

/* Whether an element with this tag comes next (false at the end). */
bool vel_der_next(const struct vel_reader *r, uint8_t tag);

/* BOOLEAN: 0x00 or 0xff. */
bool vel_der_bool(struct vel_reader *r);

/* INTEGER in its shortest form: its contents, big-endian two's complement, not empty. */
struct vel_slice vel_der_integer(struct vel_reader *r);

/* A non-negative INTEGER below 2^31, in its shortest form. */
uint32_t vel_der_uint(struct vel_reader *r);

/* BIT STRING; *unused set to the number of unused low bits of its last byte (0 to 7). */
struct vel_slice vel_der_bits(struct vel_reader *r, unsigned *unused);

/* BIT STRING that holds whole bytes: a key or a signature. */
struct vel_slice vel_der_bytes(struct vel_reader *r);

/* SubjectPublicKeyInfo, the whole element; its algorithm and key are not looked at. */
struct vel_slice vel_der_spki(struct vel_reader *r);

/* Open an element; pass the result to vel_der_end. NULL when there is no room. */
uint8_t *vel_der_begin(struct vel_writer *w, uint8_t tag);

/* Close it: writes the length and moves the contents up when it needs more than one byte. */
void vel_der_end(struct vel_writer *w, uint8_t *mark);

/* A whole element. */
void vel_der_write(struct vel_writer *w, uint8_t tag, struct vel_slice contents);

/* BIT STRING of whole bytes. */
void vel_der_write_bytes(struct vel_writer *w, struct vel_slice bytes);

#endif
