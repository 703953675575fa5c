/* SPDX-License-Identifier: MIT */
#ifndef HTTP_H3_RULES_H
#define HTTP_H3_RULES_H

#include "velocity/http.h"

/*
 * What a message of HTTP/3 may say (RFC 9114 4.2 and 4.3, RFC 9220): names and values, which
 * pseudo-header fields there are, and what they hold. A message that breaks a rule is malformed:
 * whoever reads it otherwise could be made to see another request than we do.
 */

#define VEL_H3_LENGTH_UNKNOWN UINT64_MAX

struct vel_h3_priority {
    uint8_t urgency;
    bool incremental;
    bool told; /* the peer said something, if only nonsense */
};

/* What was learned on the way. */
struct vel_h3_facts {
    uint64_t length; /* of content-length; VEL_H3_LENGTH_UNKNOWN: none */
    unsigned status; /* of a response */
    bool host;       /* there was a field of that name */
    struct vel_h3_priority priority;
};

/* All fields of a section, pseudo-header fields first. False: malformed. */
bool vel_h3_request_ok(struct vel_fields fields, struct vel_h3_facts *facts);
bool vel_h3_response_ok(struct vel_fields fields, struct vel_h3_facts *facts);
bool vel_h3_trailers_ok(struct vel_fields fields);

/* Take in a priority field value (RFC 9218 5): what it says, and the defaults where it says nothing
 * or cannot be read. */
void vel_h3_priority_parse(struct vel_slice text, struct vel_h3_priority *priority);

#endif
