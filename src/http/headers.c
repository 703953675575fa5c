/* SPDX-License-Identifier: MIT */
#include "http/headers.h"

#include "base/try.h"
#include "base/units.h"

/* RFC 9114 4.2.2: what a field costs beside its name and value. */
enum { FIELD_OVERHEAD = 32 };

/* A block of text; most sections need one. */
struct vel_header_text {
    struct vel_header_text *before;
    size_t size, used;
    uint8_t bytes[];
};

/* What most sections need: so they cost one allocation of each kind. */
enum { TEXT_START = 256 - sizeof(struct vel_header_text), FIELDS_START = 12 };

/* Most text of a section, where Huffman's code makes a guess of its size necessary. */
enum { TEXT_MAX = 2 * VEL_HTTP_MAX_FIELD_SECTION };

void vel_headers_init(struct vel_header_list *list, const struct vel_env *env)
{
    *list = (struct vel_header_list){.env = env};
}

static vel_result add_block(struct vel_header_list *list, size_t size)
{
    size_t room = list->text == NULL ? TEXT_START : 2 * list->text->size;
    room = VEL_MAX(size, VEL_MIN(room, (size_t)VEL_HTTP_MAX_FIELD_SECTION / 4));
    struct vel_header_text *fresh = vel_alloc(list->env, sizeof *fresh + room);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    fresh->size = room;
    fresh->before = list->text;
    list->text = fresh;
    return VEL_OK;
}

vel_result vel_headers_reserve(struct vel_header_list *list, size_t size, uint8_t **space)
{
    REQUIRE(size <= TEXT_MAX, VEL_ERR_LIMIT);
    if (list->text == NULL || size > list->text->size - list->text->used)
        TRY(add_block(list, size));
    *space = list->text->bytes + list->text->used;
    return VEL_OK;
}

void vel_headers_keep(struct vel_header_list *list, size_t size)
{
    list->text->used += size;
}

static vel_result add_places(struct vel_header_list *list)
{
    size_t room = list->room == 0 ? FIELDS_START : VEL_HTTP_MAX_FIELDS;
    struct vel_field *items = vel_alloc(list->env, room * sizeof *items);
    REQUIRE(items != NULL, VEL_ERR_NOMEM);
    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof *items);
    vel_release(list->env, list->items, list->room * sizeof *items);
    list->items = items;
    list->room = room;
    return VEL_OK;
}

static vel_result count_field(struct vel_header_list *list, size_t size)
{
    REQUIRE(!list->sealed, VEL_ERR_UNEXPECTED);
    list->section_size += size + FIELD_OVERHEAD;
    REQUIRE(list->section_size <= VEL_HTTP_MAX_FIELD_SECTION, VEL_ERR_LIMIT);
    REQUIRE(list->count < VEL_HTTP_MAX_FIELDS, VEL_ERR_LIMIT);
    if (list->count == list->room)
        TRY(add_places(list));
    return VEL_OK;
}

vel_result vel_headers_push(struct vel_header_list *list, struct vel_slice name,
                            struct vel_slice value)
{
    TRY(count_field(list, name.len + value.len));
    list->items[list->count++] = (struct vel_field){.name = name, .value = value};
    return VEL_OK;
}

static struct vel_slice put(uint8_t *space, struct vel_slice bytes)
{
    if (bytes.len > 0)
        memcpy(space, bytes.ptr, bytes.len);
    return vel_slice(space, bytes.len);
}

vel_result vel_headers_add(struct vel_header_list *list, struct vel_slice name,
                           struct vel_slice value)
{
    size_t size = name.len + value.len;
    uint8_t *space;
    TRY(count_field(list, size));
    TRY(vel_headers_reserve(list, size, &space));
    list->items[list->count++] =
        (struct vel_field){.name = put(space, name), .value = put(space + name.len, value)};
    vel_headers_keep(list, size);
    return VEL_OK;
}

vel_result vel_headers_seal(struct vel_header_list *list)
{
    REQUIRE(!list->sealed, VEL_ERR_UNEXPECTED);
    list->sealed = true;
    return VEL_OK;
}

struct vel_fields vel_headers_all(const struct vel_header_list *list)
{
    return (struct vel_fields){.items = list->items, .count = list->sealed ? list->count : 0};
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
    vel_release(list->env, list->items, list->room * sizeof *list->items);
    while (list->text != NULL) {
        struct vel_header_text *block = list->text;
        list->text = block->before;
        vel_release(list->env, block, sizeof *block + block->size);
    }
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
