/* SPDX-License-Identifier: MIT */
#include "web/pages.h"

#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"

/* Younger than that when it was read, a file may change again without a new time of change. */
#define RACY (2 * SECOND)

struct vel_pages {
    const struct vel_env *env;
    const struct vel_root *root;
    struct vel_page *slots[VEL_PAGES];
};

vel_result vel_pages_new(const struct vel_env *env, const struct vel_root *root,
                         struct vel_pages **pages)
{
    struct vel_pages *fresh = vel_alloc(env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    fresh->env = env;
    fresh->root = root;
    *pages = fresh;
    return VEL_OK;
}

static void free_page(struct vel_page *page)
{
    const struct vel_env *env = page->pages->env;
    vel_release(env, page->name, page->name_size);
    vel_release(env, page->bytes, page->size);
    vel_prepared_free(page->head);
    vel_release(env, page, sizeof *page);
}

void vel_page_drop(struct vel_page *page)
{
    if (page != NULL && --page->holders == 0)
        free_page(page);
}

OWNED_POINTER(drop_page, struct vel_page, vel_page_drop)

void vel_pages_free(struct vel_pages *pages)
{
    if (pages == NULL)
        return;
    for (size_t i = 0; i < VEL_PAGES; i++)
        vel_page_drop(pages->slots[i]);
    vel_release(pages->env, pages, sizeof *pages);
}

/* FNV-1a; who chooses names to collide makes pages take turns in a slot, no more. */
static struct vel_page **slot_of(struct vel_pages *pages, const char *name)
{
    uint32_t hash = 2166136261U;
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619U;
    return &pages->slots[hash % VEL_PAGES];
}

static bool same_file(const struct vel_root_file *a, const struct vel_root_file *b)
{
    return a->inode == b->inode && a->size == b->size && a->mtime == b->mtime && !b->is_folder;
}

static vel_result copy_name(struct vel_page *page, const char *name)
{
    page->name_size = strlen(name) + 1;
    page->name = vel_alloc(page->pages->env, page->name_size);
    REQUIRE(page->name != NULL, VEL_ERR_NOMEM);
    memcpy(page->name, name, page->name_size);
    return VEL_OK;
}

/* VEL_ERR_UNEXPECTED: it changes while we look. */
static vel_result read_page(struct vel_page *page, const struct vel_root_file *file)
{
    if (file->size == 0)
        return VEL_OK;
    page->size = (size_t)file->size;
    page->bytes = vel_alloc(page->pages->env, page->size);
    REQUIRE(page->bytes != NULL, VEL_ERR_NOMEM);
    size_t got;
    TRY(vel_root_file_read(file, 0, page->bytes, page->size, &got));
    return got == page->size ? VEL_OK : VEL_ERR_UNEXPECTED;
}

static vel_result make_page(struct vel_pages *pages, const char *name,
                            const struct vel_root_file *file, int64_t unix_now,
                            struct vel_page **page)
{
    OWNED(drop_page) struct vel_page *fresh = vel_alloc(pages->env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    fresh->pages = pages;
    fresh->holders = 1;
    fresh->file = *file;
    fresh->file.fd = -1;
    fresh->settled = file->mtime / SECOND < unix_now - RACY / SECOND;
    fresh->have = vel_validators_of(file->inode, file->size, file->mtime);
    TRY(copy_name(fresh, name));
    TRY(read_page(fresh, file));
    *page = GIVE(fresh);
    return VEL_OK;
}

/* Make the slot hold the page of an open file. VEL_ERR_LIMIT: this is none. */
static vel_result refresh(struct vel_pages *pages, struct vel_page **slot, const char *name,
                          const struct vel_root_file *file, vel_time now, int64_t unix_now)
{
    struct vel_page *page = *slot;
    REQUIRE(!file->is_folder && file->size <= VEL_PAGE_MAX, VEL_ERR_LIMIT);
    bool known = page != NULL && strcmp(page->name, name) == 0;
    if (!known || !page->settled || !same_file(&page->file, file)) {
        TRY(make_page(pages, name, file, unix_now, &page));
        vel_page_drop(*slot);
        *slot = page;
    }
    page->looked = now;
    return VEL_OK;
}

vel_result vel_pages_find(struct vel_pages *pages, const char *name, vel_time now, int64_t unix_now,
                          struct vel_page **page, struct vel_root_file *file)
{
    struct vel_page **slot = slot_of(pages, name);
    struct vel_page *held = *slot;
    if (held == NULL || held->looked != now || strcmp(held->name, name) != 0) {
        struct vel_root_file found;
        TRY(vel_root_find(pages->root, name, &found));
        if (refresh(pages, slot, name, &found, now, unix_now) != VEL_OK) {
            *page = NULL;
            *file = found;
            return VEL_OK;
        }
        vel_root_file_close(&found);
    }
    (*slot)->holders++;
    *page = *slot;
    return VEL_OK;
}
