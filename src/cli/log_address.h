/* SPDX-License-Identifier: MIT */
#ifndef CLI_LOG_ADDRESS_H
#define CLI_LOG_ADDRESS_H

#include "endpoint/keyed_hash.h"
#include "velocity/addr.h"

/*
 * How clients are called in the logs of a server: by a hash of the address, without its port, and with
 * a salt of this start of the server. So the lines of one client can be found, and the client cannot;
 * or, for who says so, by the address itself.
 */
struct vel_log_address {
    bool plain;
    struct vel_hash_key salt; /* random, the same for all workers */
};

/* "5f3c0a9be1d24477", or "192.0.2.1:40312"; `text` has room for VEL_ADDR_TEXT. Returns it. */
const char *vel_log_address(const struct vel_log_address *how, const struct vel_addr *addr,
                            char *text);

#endif
