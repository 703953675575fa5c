/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PINS_H
#define CLIENT_PINS_H

#include "base/buf.h"
#include "client/url.h"
#include "velocity/http.h"

/*
 * Continuity pins (spec/fallback.md, section 2): which servers, by host and port, have proved
 * themselves over Velocity/1 and said for how long they will go on doing so. Until then a
 * connection below Velocity/1 to one of them needs a fallback record (client/downgrade.h).
 *
 * Here is the set and its text form, without files: client/pin_store.h has those. Times are seconds
 * of the Unix epoch. Hosts are as in struct vel_url.
 */
struct vel_pins;

enum {
    VEL_PINS_MAX = 1024,              /* the one confirmed longest ago gives way */
    VEL_PIN_MAX_AGE = 30 * 24 * 3600, /* seconds */
    VEL_PINS_TEXT_MAX = 512 * 1024    /* bytes, more than VEL_PINS_MAX lines have */
};

/* The value of the one `velocity-pin` field: seconds, 0 withdraws. VEL_ERR_NOT_FOUND: there is none;
 * VEL_ERR_MALFORMED: more than one, or another form; it is to be ignored, and *max_age untouched. */
vel_result vel_pin_of_response(const struct vel_response *response, uint32_t *max_age);

/* VEL_ERR_NOMEM */
vel_result vel_pins_new(const struct vel_env *env, struct vel_pins **pins);
/* NULL is allowed. */
void vel_pins_free(struct vel_pins *pins);

/* Whether there is a pin in force. */
bool vel_pins_hold(const struct vel_pins *pins, const char *host, uint16_t port, int64_t unix_now);

/* Set a pin for `max_age` seconds from now, or remove it (0). VEL_ERR_ARGUMENT: beyond
 * VEL_PIN_MAX_AGE, or not a host and port */
vel_result vel_pins_set(struct vel_pins *pins, const char *host, uint16_t port, uint32_t max_age,
                        int64_t unix_now);

size_t vel_pins_count(const struct vel_pins *pins);

/*
 * The set as text: a line "velocity-pins 1", then a line for each pin, "host port confirmed
 * max_age", numbers in decimal. Reading replaces what is there, and drops what is over; a pin that
 * was confirmed after `unix_now` (the clock went back) counts as confirmed now.
 * VEL_ERR_MALFORMED  not in that form, a server twice, too many lines; *pins as before
 * VEL_ERR_NOMEM, VEL_ERR_LIMIT (writing)
 */
vel_result vel_pins_read(struct vel_pins *pins, struct vel_slice text, int64_t unix_now);
vel_result vel_pins_write(const struct vel_pins *pins, struct vel_buf *text);

#endif
