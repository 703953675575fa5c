/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PAGE_H
#define BENCH_PAGE_H

#include "cli/bench_node.h"

/*
 * A small page at "/": a folder in /tmp that holds it, and the web server that serves it as a process of a
 * benchmark. Its visitors are in visitors.h.
 */
enum { PAGE_BYTES = 1024 };

struct page {
    char root[32], file[64];
};

/* Write it, and remove it with its folder. Ends the program when it cannot be written. */
void page_write(struct page *page);
void page_remove(const struct page *page);

/* The server process, for vel_bench_fork: of that page over HTTP/3, until the client is gone (see
 * vel_bench_node_serve). */
void page_serve(struct vel_bench_node *node, const struct page *page);

#endif
