/* SPDX-License-Identifier: MIT */
#ifndef PKI_DN_H
#define PKI_DN_H

#include "base/writer.h"

/* Distinguished names: who a certificate is about, for people. Trust compares them byte by byte. */

/* "CN=..., O=..." cut to fit; bytes that are not printable ASCII become '?'. size at least 1. */
void vel_dn_text(struct vel_slice dn, char *text, size_t size);

/* A name of one common name. */
void vel_dn_write(struct vel_writer *w, struct vel_slice common_name);

#endif
