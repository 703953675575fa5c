/* SPDX-License-Identifier: MIT */
#ifndef WEB_VISIT_H
#define WEB_VISIT_H

#include "velocity/http.h"

/* What a server keeps beside an exchange, from its request to its end: the exchange's user
 * pointer, NULL where there is no server around. */
struct vel_visit {
    vel_time start;
    unsigned status;
    struct vel_fields announced; /* on every response over this kind of connection; borrowed from
                                    the server's set-up, see web/server.h */
};

#endif
