/* SPDX-License-Identifier: MIT */
#ifndef WEB_SITE_H
#define WEB_SITE_H

#include "velocity/http.h"

/*
 * A folder as a web site: index files, content types, validators, conditional requests and single
 * byte ranges (RFC 9110), GET and HEAD. Every response carries the security headers.
 */
struct vel_site;

struct vel_site_setup {
    const struct vel_env *env;
    const char *root;          /* folder */
    const char *index;         /* name of index files; NULL: "index.html" */
    const char *cache_control; /* value for successful answers; NULL: no such field */
};

/* VEL_ERR_NOT_FOUND or VEL_ERR_IO: the folder cannot be opened; VEL_ERR_NOMEM */
vel_result vel_site_new(const struct vel_site_setup *setup, struct vel_site **site);
/* NULL is allowed; no exchange may be running. */
void vel_site_free(struct vel_site *site);

/* Answer the request of an exchange, at `now`, which is unix time `unix_now` (for the Date field).
 * Files are looked at once in an instant (see web/pages.h). Returns the status that was sent; 0 when
 * no answer could be given and the exchange was cancelled. */
unsigned vel_site_answer(struct vel_site *site, struct vel_exchange *exchange, vel_time now,
                         int64_t unix_now);

#endif
