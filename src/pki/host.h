/* SPDX-License-Identifier: MIT */
#ifndef PKI_HOST_H
#define PKI_HOST_H

#include <stdbool.h>

#include "velocity/err.h"
#include "velocity/slice.h"

/* What a certificate may be for: a DNS name or an IP address (RFC 9525). */
enum { VEL_DNS_NAME_MAX = 253 };

struct vel_host {
    struct vel_slice dns; /* without a trailing dot; empty for an address; borrowed from the text */
    uint8_t ip[16];       /* network order */
    size_t ip_size;       /* 4 or 16; 0 for a name */
};

/*
 * Read "example.org", "example.org.", "192.0.2.1" or "2001:db8::1". Names are ASCII (A-labels for
 * the others): letters, digits, '-' and '_'. Addresses have no brackets and no zone.
 * VEL_ERR_MALFORMED  none of these; *host untouched
 */
vel_result vel_host_parse(const char *text, struct vel_host *host);

/* As vel_host_parse; a name may also begin with the label "*" when two labels or more follow. */
vel_result vel_host_parse_pattern(const char *text, struct vel_host *host);

/* Whether bytes are a DNS name, or a wildcard as vel_host_parse_pattern takes it. */
bool vel_dns_is_pattern(struct vel_slice name);

/* Equal without regard to the case of ASCII letters. */
bool vel_dns_equal(struct vel_slice a, struct vel_slice b);

/* The name behind its first label: "example.org" of "*.example.org"; empty when there is none. */
struct vel_slice vel_dns_parent(struct vel_slice name);

/* VEL-CERT-13: whether GeneralNames (contents) hold the host. A wildcard stands for exactly one
 * label. */
bool vel_names_match(struct vel_slice names, const struct vel_host *host);

#endif
