/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_REDIRECT_H
#define CLIENT_REDIRECT_H

#include "client/url.h"
#include "velocity/http.h"

/*
 * What a redirection asks for (RFC 9110 15.4), and what of it is granted: never from https to http,
 * except to this very machine, and without the credentials of one server for another.
 */
struct vel_redirect {
    struct vel_url url;
    bool becomes_get;  /* method GET, no body */
    bool other_origin; /* only fields that vel_redirect_keeps_field may go there */
};

/* Release redirect->url.
 * VEL_ERR_NOT_FOUND    no redirection: another status, or no Location
 * VEL_ERR_AUTH         it leads from https to http on another machine
 * VEL_ERR_MALFORMED, VEL_ERR_UNSUPPORTED, VEL_ERR_LIMIT, VEL_ERR_NOMEM  as vel_url_parse */
vel_result vel_redirect_plan(const struct vel_env *env, const struct vel_url *from,
                             const char *method, const struct vel_response *response,
                             struct vel_redirect *redirect);

/* May a request field go along? Lower-case name. To another server only what says nothing about the
 * user; with a method that became GET nothing about a body. */
bool vel_redirect_keeps_field(struct vel_slice name, bool other_origin, bool became_get);

#endif
