/* SPDX-License-Identifier: MIT */
#ifndef PKI_CONSTRAINTS_H
#define PKI_CONSTRAINTS_H

#include <stdbool.h>
#include <stddef.h>

#include "velocity/slice.h"

enum { VEL_CONSTRAINTS_BUDGET = 65536 }; /* for one chain: about two milliseconds */

/*
 * Name constraints (VEL-CERT-17; RFC 5280, 4.2.1.10) on DNS names and IP addresses. A constraint on
 * any other form of name, or one that does not parse, allows nothing: we do not guess.
 *
 * constraints  contents of NameConstraints; empty: allows everything
 * names        contents of the certificate's GeneralNames; empty: it has none
 * budget       how many constraints may still be looked at, counted down; each name looks at all of
 *              them, so a peer could make this take seconds. With none left nothing is allowed.
 */
bool vel_constraints_allow(struct vel_slice constraints, struct vel_slice names, size_t *budget);

#endif
