/* SPDX-License-Identifier: MIT */
#include "http/prepared.h"

#include <nghttp3/nghttp3.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "http/blocks.h"
#include "http/headers.h"

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

/* With no dynamic table nothing is said on the encoder stream, and the prefix is two zeros. */
static vel_result encode_with(nghttp3_qpack_encoder *encoder, const nghttp3_mem *mem,
                              const nghttp3_nv *fields, size_t count, struct vel_buf *lines)
{
    nghttp3_buf prefix, section, instructions;
    nghttp3_buf_init(&prefix);
    nghttp3_buf_init(&section);
    nghttp3_buf_init(&instructions);
    int error =
        nghttp3_qpack_encoder_encode(encoder, &prefix, &section, &instructions, 0, fields, count);
    enum vel_err err = error == 0 ? VEL_OK : VEL_ERR_NOMEM;
    if (err == VEL_OK)
        err = vel_buf_append(lines, vel_slice(section.pos, nghttp3_buf_len(&section)));
    nghttp3_buf_free(&prefix, mem);
    nghttp3_buf_free(&section, mem);
    nghttp3_buf_free(&instructions, mem);
    return err;
}

static vel_result encode(struct vel_prepared *prepared)
{
    const nghttp3_mem mem = {.user_data = vel_blocks_user(prepared->env),
                             .malloc = vel_block_alloc,
                             .free = vel_block_free,
                             .calloc = vel_block_calloc,
                             .realloc = vel_block_realloc};
    struct vel_fields all = vel_headers_all(&prepared->list);
    nghttp3_nv fields[FIELDS_MAX];
    for (size_t i = 0; i < all.count; i++)
        fields[i] = (nghttp3_nv){.name = all.items[i].name.ptr,
                                 .namelen = all.items[i].name.len,
                                 .value = all.items[i].value.ptr,
                                 .valuelen = all.items[i].value.len};
    nghttp3_qpack_encoder *encoder = NULL;
    REQUIRE(nghttp3_qpack_encoder_new(&encoder, 0, &mem) == 0, VEL_ERR_NOMEM);
    enum vel_err err = encode_with(encoder, &mem, fields, all.count, &prepared->lines);
    nghttp3_qpack_encoder_del(encoder);
    return err;
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
