/* SPDX-License-Identifier: MIT */
#include "http/headers.h"

#include "base/try.h"
#include "base/units.h"

/* RFC 9114 4.2.2: what a field costs beside its name and value. */
enum { FIELD_OVERHEAD = 32 };

/* What most sections need: so they cost one allocation of each kind. */
enum { TEXT_START = 256, FIELDS_START = 16 };

struct lengths {
    size_t name;
    size_t value;
};

void vel_headers_init(struct vel_header_list *list, const struct vel_env *env)
{
    *list = (struct vel_header_list){
        .env = env,
        .text = {.env = env, .limit = VEL_HTTP_MAX_FIELD_SECTION},
        .lengths = {.env = env, .limit = VEL_HTTP_MAX_FIELDS * sizeof(struct lengths)},
    };
}

/* Where there is room. */
static void put(struct vel_buf *buf, struct vel_slice bytes)
{
    if (bytes.len > 0)
        memcpy(buf->ptr + buf->len, bytes.ptr, bytes.len);
    buf->len += bytes.len;
}

vel_result vel_headers_add(struct vel_header_list *list, struct vel_slice name,
                           struct vel_slice value)
{
    REQUIRE(list->items == NULL, VEL_ERR_UNEXPECTED);
    list->section_size += name.len + value.len + FIELD_OVERHEAD;
    REQUIRE(list->section_size <= VEL_HTTP_MAX_FIELD_SECTION, VEL_ERR_LIMIT);
    REQUIRE(list->count < VEL_HTTP_MAX_FIELDS, VEL_ERR_LIMIT);
    struct lengths lengths = {.name = name.len, .value = value.len};
    size_t size = name.len + value.len;
    TRY(vel_buf_reserve(&list->text, list->count == 0 ? VEL_MAX(size, TEXT_START) : size));
    TRY(vel_buf_reserve(&list->lengths,
                        list->count == 0 ? FIELDS_START * sizeof lengths : sizeof lengths));
    put(&list->text, name);
    put(&list->text, value);
    put(&list->lengths, vel_slice(&lengths, sizeof lengths));
    list->count++;
    return VEL_OK;
}

vel_result vel_headers_seal(struct vel_header_list *list)
{
    REQUIRE(list->items == NULL, VEL_ERR_UNEXPECTED);
    if (list->count == 0)
        return VEL_OK;
    list->items = vel_alloc(list->env, list->count * sizeof *list->items);
    REQUIRE(list->items != NULL, VEL_ERR_NOMEM);
    const uint8_t *at = list->text.ptr;
    for (size_t i = 0; i < list->count; i++) {
        struct lengths lengths;
        memcpy(&lengths, list->lengths.ptr + i * sizeof lengths, sizeof lengths);
        list->items[i].name = vel_slice(at, lengths.name);
        at += lengths.name;
        list->items[i].value = vel_slice(at, lengths.value);
        at += lengths.value;
    }
    vel_buf_free(&list->lengths);
    return VEL_OK;
}

struct vel_fields vel_headers_all(const struct vel_header_list *list)
{
    return (struct vel_fields){.items = list->items,
                               .count = list->items == NULL ? 0 : list->count};
}

struct vel_fields vel_headers_regular(const struct vel_header_list *list)
{
    struct vel_fields fields = vel_headers_all(list);
    while (fields.count > 0 && fields.items->name.len > 0 && fields.items->name.ptr[0] == ':') {
        fields.items++;
        fields.count--;
    }
    return fields;
}

void vel_headers_clear(struct vel_header_list *list)
{
    vel_release(list->env, list->items, list->count * sizeof *list->items);
    vel_buf_free(&list->text);
    vel_buf_free(&list->lengths);
    vel_headers_init(list, list->env);
}

const struct vel_slice *vel_fields_find(struct vel_fields fields, const char *name)
{
    struct vel_slice wanted = vel_slice_text(name);
    for (size_t i = 0; i < fields.count; i++)
        if (vel_slice_equal(fields.items[i].name, wanted))
            return &fields.items[i].value;
    return NULL;
}
