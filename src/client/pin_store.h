/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PIN_STORE_H
#define CLIENT_PIN_STORE_H

#include "client/pins.h"

/*
 * The file of continuity pins, mode 0600. Several programs may use it at a time: a change is made
 * under a lock on a file beside it (PATH.lock) and published whole. Everything here blocks: before
 * connecting and after the last response, not in a loop.
 */

/*
 * Read the file; none there is an empty set. Release *pins with vel_pins_free.
 * VEL_ERR_MALFORMED  it does not parse: tell the user, and go no further; who ignores it would
 *                    forget the pins
 * VEL_ERR_LIMIT      it is far too large: the same
 * VEL_ERR_IO         see errno
 * VEL_ERR_NOMEM
 */
vel_result vel_pin_store_load(const struct vel_env *env, const char *path, int64_t unix_now,
                              struct vel_pins **pins);

/* Change one pin in the file (vel_pins_set), whatever others did to it meanwhile. The folder is made
 * when it is missing. Errors as above; VEL_ERR_ARGUMENT: path too long, or as vel_pins_set. */
vel_result vel_pin_store_set(const struct vel_env *env, const char *path, const char *host,
                             uint16_t port, uint32_t max_age, int64_t unix_now);

#endif
