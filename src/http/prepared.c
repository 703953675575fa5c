/* SPDX-License-Identifier: MIT */
#include "http/prepared.h"

#include "base/buf.h"
#include "base/own.h"
#include "base/try.h"
#include "http/headers.h"
#include "http/qpack.h"

enum { FIELDS_MAX = VEL_HTTP_MAX_FIELDS / 2, LINES_MAX = VEL_HTTP_MAX_FIELD_SECTION };

struct vel_prepared {
    const struct vel_env *env;
    struct vel_header_list list;
    struct vel_buf lines;
};

OWNED_POINTER(free_prepared, struct vel_prepared, vel_prepared_free)

void vel_prepared_free(struct vel_prepared *prepared)
{
    if (prepared == NULL)
        return;
    vel_headers_clear(&prepared->list);
    vel_buf_free(&prepared->lines);
    vel_release(prepared->env, prepared, sizeof *prepared);
}

static vel_result encode(struct vel_prepared *prepared)
{
    struct vel_fields all = vel_headers_all(&prepared->list);
    for (size_t i = 0; i < all.count; i++) {
        const struct vel_field *field = &all.items[i];
        size_t most = vel_qpack_line_max(field->name, field->value);
        TRY(vel_buf_reserve(&prepared->lines, most));
        struct vel_writer w = vel_writer(prepared->lines.ptr + prepared->lines.len, most);
        vel_qpack_write_line(&w, field->name, field->value);
        VEL_ASSERT(vel_write_ok(&w));
        prepared->lines.len += vel_written(&w);
    }
    return VEL_OK;
}

vel_result vel_prepared_new(const struct vel_env *env, struct vel_fields fields,
                            struct vel_prepared **prepared)
{
    REQUIRE(fields.count <= FIELDS_MAX, VEL_ERR_LIMIT);
    OWNED(free_prepared) struct vel_prepared *fresh = vel_alloc(env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    fresh->env = env;
    fresh->lines = (struct vel_buf){.env = env, .limit = LINES_MAX};
    vel_headers_init(&fresh->list, env);
    for (size_t i = 0; i < fields.count; i++)
        TRY(vel_headers_add(&fresh->list, fields.items[i].name, fields.items[i].value));
    TRY(vel_headers_seal(&fresh->list));
    TRY(encode(fresh));
    *prepared = GIVE(fresh);
    return VEL_OK;
}

struct vel_fields vel_prepared_fields(const struct vel_prepared *prepared)
{
    return vel_headers_all(&prepared->list);
}

struct vel_slice vel_prepared_lines(const struct vel_prepared *prepared)
{
    return vel_buf_slice(&prepared->lines);
}
