/* SPDX-License-Identifier: MIT */
#ifndef TESTS_E2E_WIRE_CAPTURE_H
#define TESTS_E2E_WIRE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A pcap file of raw IP packets, time in nanoseconds. */

/* NULL and errno when it cannot be made. */
FILE *capture_open(const char *path);

/* `file` may be NULL. */
void capture_packet(FILE *file, uint64_t now, const uint8_t *bytes, size_t len);

#endif
