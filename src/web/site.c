/* SPDX-License-Identifier: MIT */
#include "web/site.h"

#include <stdio.h>

#include "base/own.h"
#include "base/try.h"
#include "http/date.h"
#include "sys/root.h"
#include "web/file_body.h"
#include "web/pages.h"
#include "web/path.h"
#include "web/range.h"
#include "web/reply.h"
#include "web/types.h"
#include "web/validators.h"

enum { INDEX_NAME_MAX = 2 * VEL_WEB_PATH_MAX };

struct vel_site {
    struct vel_site_setup setup;
    struct vel_root *root;
    struct vel_chunk_pool *chunks;
    struct vel_pages *pages;
    int64_t dated; /* unix time of `date` */
    char date[VEL_HTTP_DATE_SIZE];
};

/* The instant of a request, on both clocks. */
struct instant {
    vel_time now;
    int64_t unix_now;
};

/* What a path leads to: a page in memory, else an open file or folder; or nothing (page NULL, file
 * closed). */
struct target {
    struct vel_page *page;
    struct vel_root_file file; /* of a page: closed */
};

#define NOTHING ((struct target){.file = {.fd = -1}})

OWNED_POINTER(free_site, struct vel_site, vel_site_free)

vel_result vel_site_new(const struct vel_site_setup *setup, struct vel_site **site)
{
    OWNED(free_site) struct vel_site *fresh = vel_alloc(setup->env, sizeof *fresh);
    REQUIRE(fresh != NULL, VEL_ERR_NOMEM);
    fresh->setup = *setup;
    if (fresh->setup.index == NULL)
        fresh->setup.index = "index.html";
    TRY(vel_chunk_pool_new(setup->env, &fresh->chunks));
    TRY(vel_root_open(setup->env, setup->root, &fresh->root));
    TRY(vel_pages_new(setup->env, fresh->root, &fresh->pages));
    *site = GIVE(fresh);
    return VEL_OK;
}

void vel_site_free(struct vel_site *site)
{
    if (site == NULL)
        return;
    vel_pages_free(site->pages);
    vel_root_free(site->root);
    vel_chunk_pool_free(site->chunks);
    vel_release(site->setup.env, site, sizeof *site);
}

static unsigned status_of(enum vel_err err)
{
    switch ((int)err) { /* the rest are all our own trouble */
    case VEL_ERR_MALFORMED:
        return 400;
    case VEL_ERR_AUTH:
        return 403;
    case VEL_ERR_NOT_FOUND:
        return 404;
    case VEL_ERR_LIMIT:
        return 503;
    default:
        return 500;
    }
}

/* ---- a file that was found ---- */

static void drop_target(struct target *target)
{
    if (target->page != NULL)
        vel_page_drop(target->page);
    else
        vel_root_file_close(&target->file);
}

static bool is_open(const struct target *target)
{
    return target->page != NULL || target->file.fd >= 0;
}

static void drop_page(void *context, struct vel_slice bytes)
{
    (void)bytes;
    vel_page_drop(context);
}

static unsigned send_part(struct vel_site *site, struct vel_reply *reply, unsigned status,
                          struct target *target, uint64_t first, uint64_t count)
{
    struct vel_body_source body;
    if (reply->head_only || count == 0) {
        drop_target(target);
        return vel_reply_send(reply, status, count, NULL);
    }
    if (target->page != NULL) {
        struct vel_slice bytes = vel_slice(target->page->bytes + first, (size_t)count);
        return vel_reply_send_bytes(reply, status, bytes, drop_page, target->page);
    }
    if (vel_file_body_new(site->chunks, &target->file, first, count, &body) != VEL_OK) {
        drop_target(target);
        return vel_reply_send_error(reply, 500);
    }
    return vel_reply_send(reply, status, count, &body);
}

static enum vel_range range_of(const struct vel_request *request, const struct vel_reply *reply,
                               const struct vel_validators *have, uint64_t size, uint64_t *first,
                               uint64_t *count)
{
    const struct vel_slice *range = vel_fields_find(request->fields, "range");
    if (range == NULL || reply->head_only || !vel_range_applies(request->fields, have))
        return VEL_RANGE_WHOLE;
    return vel_range_parse(*range, size, first, count);
}

/* What is said of a file however much of it is asked for. */
static void describe(const struct vel_site *site, struct vel_reply *reply,
                     const struct vel_validators *have, char modified[VEL_HTTP_DATE_SIZE])
{
    vel_http_date_write(have->modified, modified);
    vel_reply_add(reply, "etag", have->etag);
    vel_reply_add(reply, "last-modified", modified);
    vel_reply_add(reply, "accept-ranges", "bytes");
    if (site->setup.cache_control != NULL)
        vel_reply_add(reply, "cache-control", site->setup.cache_control);
}

static unsigned send_file(struct vel_site *site, struct vel_reply *reply, const char *name,
                          struct target *target)
{
    const struct vel_request *request = vel_exchange_request(reply->exchange);
    const struct vel_root_file *file = &target->file;
    uint64_t size = file->size;
    uint64_t first = 0, count = size;
    struct vel_validators have = vel_validators_of(file->inode, size, file->mtime);
    char modified[VEL_HTTP_DATE_SIZE];
    describe(site, reply, &have, modified);
    unsigned status = vel_conditions(request->fields, &have, true);
    if (status != 200) {
        drop_target(target);
        return status == 304 ? vel_reply_send(reply, 304, 0, NULL)
                             : vel_reply_send_error(reply, status);
    }
    switch (range_of(request, reply, &have, size, &first, &count)) {
    case VEL_RANGE_UNSATISFIABLE:
        drop_target(target);
        vel_reply_print(reply, "content-range", "bytes */%" PRIu64, size);
        return vel_reply_send_error(reply, 416);
    case VEL_RANGE_PART:
        status = 206;
        vel_reply_print(reply, "content-range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
                        first + count - 1, size);
        break;
    case VEL_RANGE_WHOLE:
        break;
    }
    vel_reply_add(reply, "content-type", vel_web_type(name));
    return send_part(site, reply, status, target, first, count);
}

/* The file that stands for a folder; false when its name is too long. */
static bool index_name(const struct vel_site *site, const struct vel_web_path *path,
                       char name[INDEX_NAME_MAX])
{
    int size = snprintf(name, INDEX_NAME_MAX, "%s%s%s", path->name, path->len > 0 ? "/" : "",
                        site->setup.index);
    return size > 0 && size < INDEX_NAME_MAX;
}

/* ---- a page that is asked for plainly: nothing is put together anew but the date ---- */

static bool is_plain(const struct vel_request *request)
{
    if (!vel_slice_equal(request->method, vel_slice_text("GET")))
        return false;
    for (size_t i = 0; i < request->fields.count; i++) {
        struct vel_slice name = request->fields.items[i].name;
        if (name.len >= 3 &&
            (memcmp(name.ptr, "if-", 3) == 0 || vel_slice_equal(name, vel_slice_text("range"))))
            return false;
    }
    return true;
}

static vel_result prepare(const struct vel_site *site, struct vel_page *page)
{
    struct vel_reply reply;
    char modified[VEL_HTTP_DATE_SIZE];
    if (page->head != NULL)
        return VEL_OK;
    vel_reply_start_undated(&reply);
    describe(site, &reply, &page->have, modified);
    vel_reply_add(&reply, "content-type", vel_web_type(page->name));
    return vel_reply_prepare(&reply, site->setup.env, page->size, &page->head);
}

static struct vel_field date_field(struct vel_site *site, int64_t unix_now)
{
    if (site->dated != unix_now || site->date[0] == '\0')
        vel_http_date_write(unix_now, site->date);
    site->dated = unix_now;
    return (struct vel_field){.name = vel_slice_text("date"),
                              .value = vel_slice(site->date, VEL_HTTP_DATE_SIZE - 1)};
}

/* 0: this is not for here, take the long way, and with it what was found of the file (of a folder, of
 * its index). */
static unsigned send_plain(struct vel_site *site, struct vel_exchange *exchange,
                           const struct vel_web_path *path, struct instant at, struct target *found)
{
    const struct vel_request *request = vel_exchange_request(exchange);
    struct vel_page *page = NULL;
    struct vel_root_file file;
    char index[INDEX_NAME_MAX];
    const char *name = path->folder ? index : path->name;
    if (!is_plain(request) || (path->folder && !index_name(site, path, index)) ||
        vel_pages_find(site->pages, name, at.now, at.unix_now, &page, &file) != VEL_OK)
        return 0;
    if (page == NULL) {
        found->file = file;
        return 0;
    }
    struct vel_field fields[VEL_REPLY_FIELDS] = {date_field(site, at.unix_now)};
    size_t count = 1 + vel_reply_announced(exchange, fields + 1, VEL_REPLY_FIELDS - 1);
    enum vel_err err = prepare(site, page);
    if (err == VEL_OK) {
        struct vel_response response = {
            .status = 200, .fields = {.items = fields, .count = count}, .prepared = page->head};
        err = vel_exchange_respond_bytes(exchange, &response, vel_slice(page->bytes, page->size),
                                         drop_page, page);
    }
    if (err != VEL_OK)
        vel_page_drop(page);
    return err == VEL_OK ? 200 : 0;
}

/* ---- finding it ---- */

static vel_result find(struct vel_site *site, const char *name, struct instant at,
                       struct target *target)
{
    struct target found = {.page = NULL};
    TRY(vel_pages_find(site->pages, name, at.now, at.unix_now, &found.page, &found.file));
    if (found.page != NULL)
        found.file = found.page->file;
    *target = found;
    return VEL_OK;
}

/* A folder is asked for with its slash, so that relative links work. The target is written anew
 * from the decoded path: what was sent might begin with two slashes and name another host. */
static unsigned send_redirect(struct vel_reply *reply, const struct vel_web_path *path)
{
    char location[3 * VEL_WEB_PATH_MAX + 8];
    if (vel_web_path_write(path, true, location, sizeof location) != VEL_OK)
        return vel_reply_send_error(reply, 414);
    vel_reply_add(reply, "location", location);
    return vel_reply_send_error(reply, 308);
}

/* Unless it was found before. */
static vel_result find_once(struct vel_site *site, const char *name, struct instant at,
                            struct target *found, struct target *target)
{
    if (!is_open(found))
        return find(site, name, at, target);
    *target = *found;
    *found = NOTHING;
    return VEL_OK;
}

static unsigned send_index(struct vel_site *site, struct vel_reply *reply,
                           const struct vel_web_path *path, struct instant at, struct target *found)
{
    char name[INDEX_NAME_MAX];
    struct target target;
    if (!index_name(site, path, name))
        return vel_reply_send_error(reply, 414);
    enum vel_err err = find_once(site, name, at, found, &target);
    if (err == VEL_OK && target.file.is_folder) {
        drop_target(&target);
        err = VEL_ERR_NOT_FOUND;
    }
    if (err == VEL_ERR_NOT_FOUND)
        return vel_reply_send_error(reply, 403); /* the folder is there; its content is not shown */
    if (err != VEL_OK)
        return vel_reply_send_error(reply, status_of(err));
    return send_file(site, reply, name, &target);
}

/* Where there is an index, there is a folder. */
static unsigned send_path(struct vel_site *site, struct vel_reply *reply,
                          const struct vel_web_path *path, struct instant at, struct target *found)
{
    struct target target, nothing = NOTHING;
    if (path->folder && is_open(found) && !found->file.is_folder)
        return send_index(site, reply, path, at, found);
    enum vel_err err = find_once(site, path->name, at, path->folder ? &nothing : found, &target);
    if (err != VEL_OK)
        return vel_reply_send_error(reply, status_of(err));
    if (!target.file.is_folder && !path->folder)
        return send_file(site, reply, path->name, &target);
    drop_target(&target);
    if (!target.file.is_folder)
        return vel_reply_send_error(reply, 404);
    return path->folder ? send_index(site, reply, path, at, found) : send_redirect(reply, path);
}

unsigned vel_site_answer(struct vel_site *site, struct vel_exchange *exchange, vel_time now,
                         int64_t unix_now)
{
    const struct vel_request *request = vel_exchange_request(exchange);
    struct instant at = {.now = now, .unix_now = unix_now};
    struct vel_reply reply;
    struct vel_web_path path;
    OWNED(drop_target) struct target found = NOTHING;
    enum vel_err err = vel_web_path_parse(request->path, &path);
    unsigned status = err == VEL_OK ? send_plain(site, exchange, &path, at, &found) : 0;
    if (status != 0)
        return status;
    vel_reply_start(&reply, exchange, unix_now);
    reply.head_only = vel_slice_equal(request->method, vel_slice_text("HEAD"));
    if (request->protocol.len > 0)
        return vel_reply_send_error(&reply, 501); /* RFC 8441, 4 */
    if (!reply.head_only && !vel_slice_equal(request->method, vel_slice_text("GET"))) {
        vel_reply_add(&reply, "allow", "GET, HEAD");
        return vel_reply_send_error(&reply, 405);
    }
    if (err != VEL_OK)
        return vel_reply_send_error(&reply, err == VEL_ERR_LIMIT ? 414 : status_of(err));
    return send_path(site, &reply, &path, at, &found);
}
