/* SPDX-License-Identifier: MIT */
#include "client/redirect.h"

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"

/* RFC 9110 15.4: after 301 and 302 POST becomes GET, as everybody does; after 303 all but HEAD. */
static const struct {
    unsigned status;
    bool post_becomes_get;
    bool others_become_get;
} redirections[] = {
    {301, true, false},  {302, true, false},  {303, true, true},
    {307, false, false}, {308, false, false},
};

static vel_result method_after(unsigned status, const char *method, bool *becomes_get)
{
    bool is_head = strcmp(method, "HEAD") == 0, is_post = strcmp(method, "POST") == 0;
    for (size_t i = 0; i < VEL_COUNT(redirections); i++) {
        if (redirections[i].status != status)
            continue;
        *becomes_get = is_post ? redirections[i].post_becomes_get
                               : !is_head && redirections[i].others_become_get;
        return VEL_OK;
    }
    return VEL_ERR_NOT_FOUND;
}

vel_result vel_redirect_plan(const struct vel_env *env, const struct vel_url *from,
                             const char *method, const struct vel_response *response,
                             struct vel_redirect *redirect)
{
    bool becomes_get;
    OWNED(vel_url_clear) struct vel_url url = {0};
    TRY(method_after(response->status, method, &becomes_get));
    const struct vel_slice *location = vel_fields_find(response->fields, "location");
    REQUIRE(location != NULL, VEL_ERR_NOT_FOUND);
    TRY(vel_url_resolve(env, from, *location, &url));
    REQUIRE(!url.plain || from->plain || vel_url_is_loopback(&url), VEL_ERR_AUTH);
    *redirect = (struct vel_redirect){
        .url = url, .becomes_get = becomes_get, .other_origin = !vel_url_same_origin(from, &url)};
    url.target = (struct vel_buf){0};
    return VEL_OK;
}

bool vel_redirect_keeps_field(struct vel_slice name, bool other_origin, bool became_get)
{
    static const char *const harmless[] = {"accept",        "accept-encoding", "accept-language",
                                           "cache-control", "content-type",    "range",
                                           "user-agent"};
    static const char content[] = "content-";
    bool about_body =
        name.len >= sizeof content - 1 && memcmp(name.ptr, content, sizeof content - 1) == 0;
    if (became_get && about_body)
        return false;
    for (size_t i = 0; i < VEL_COUNT(harmless); i++)
        if (vel_slice_equal(name, vel_slice_text(harmless[i])))
            return true;
    return !other_origin;
}
