/* SPDX-License-Identifier: MIT */
#ifndef WEB_PAGES_H
#define WEB_PAGES_H

#include "sys/root.h"
#include "velocity/http.h"
#include "web/validators.h"

/*
 * Small files of a folder, kept in memory with all that an answer says about them. The disk stays
 * the authority: a page is compared with its file once in each instant that somebody asks for it,
 * so nobody gets what was gone before he asked, and a thousand requests that came in together cost
 * one look. What changed so shortly before it was read that a second change could go unnoticed (file
 * systems count time in steps) is read again at the next instant.
 *
 * At most VEL_PAGES files of VEL_PAGE_MAX bytes are kept; a newer one takes the place of another.
 */
struct vel_pages;

enum {
    VEL_PAGES = 512,
    VEL_PAGE_MAX = VEL_HTTP_MIN_PIECE /* so that one piece of a body is all of it */
};

/* Read-only for everybody else; stays while somebody holds it. */
struct vel_page {
    struct vel_pages *pages;
    unsigned holders;
    char *name; /* relative to the root */
    size_t name_size;
    struct vel_root_file file; /* closed; as it was when it was read */
    bool settled;              /* a later change will show in the time of change */
    vel_time looked;           /* the instant of the last comparison */
    struct vel_validators have;
    uint8_t *bytes;
    size_t size;
    struct vel_prepared *head; /* of the plain answer; the site makes it when it is first asked */
};

/* Both outlive it. VEL_ERR_NOMEM */
vel_result vel_pages_new(const struct vel_env *env, const struct vel_root *root,
                         struct vel_pages **pages);

/* Every page must have been dropped by its holders. NULL is allowed. */
void vel_pages_free(struct vel_pages *pages);

/*
 * What the name leads to: a page, held for the caller until vel_page_drop; or, when it is not for
 * memory (a folder, too large, being written), *page is NULL and *file open. `unix_now` is the time
 * of day at `now`, in seconds. Errors are those of vel_root_find.
 */
vel_result vel_pages_find(struct vel_pages *pages, const char *name, vel_time now, int64_t unix_now,
                          struct vel_page **page, struct vel_root_file *file);

void vel_page_drop(struct vel_page *page);

#endif
