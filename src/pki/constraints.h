/* SPDX-License-Identifier: MIT */
#ifndef PKI_CONSTRAINTS_H
#define PKI_CONSTRAINTS_H

#include <stdbool.h>

#include "velocity/slice.h"

/*
 * Name constraints (VEL-CERT-17; RFC 5280, 4.2.1.10) on DNS names and IP addresses. A constraint on
 * any other form of name, or one that does not parse, allows nothing: we do not guess.
 *
 * constraints  contents of NameConstraints; empty: allows everything
 * names        contents of the certificate's GeneralNames; empty: it has none
 */
bool vel_constraints_allow(struct vel_slice constraints, struct vel_slice names);

#endif
