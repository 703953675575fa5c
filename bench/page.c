/* SPDX-License-Identifier: MIT */
#include "page.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/bench_measure.h"
#include "web/server.h"
#include "web/site.h"

void page_write(struct page *page)
{
    static const char text[PAGE_BYTES] = "<!doctype html>";
    FILE *file = NULL;
    *page = (struct page){.root = "/tmp/velocity-bench-XXXXXX"};
    if (mkdtemp(page->root) != NULL) {
        snprintf(page->file, sizeof page->file, "%s/index.html", page->root);
        file = fopen(page->file, "w");
    }
    if (file == NULL || fwrite(text, sizeof text, 1, file) != 1 || fclose(file) != 0) {
        perror("a folder in /tmp");
        exit(1);
    }
}

void page_remove(const struct page *page)
{
    unlink(page->file);
    rmdir(page->root);
}

static void on_events(void *context, struct vel_conn *conn, vel_time now)
{
    vel_web_server_events(context, conn, now);
}

static void on_flush(void *context, vel_time now)
{
    vel_web_server_flush(context, now);
}

void page_serve(struct vel_bench_node *node, const struct page *page)
{
    const struct vel_env *env = &node->party->env;
    struct vel_site *site = NULL;
    struct vel_web_server *web = NULL;
    struct vel_site_setup site_setup = {.env = env, .root = page->root};
    BENCH_OK(vel_site_new(&site_setup, &site));
    struct vel_web_server_setup setup = {
        .env = env, .site = site, .unix_offset = node->party->server.unix_offset};
    BENCH_OK(vel_web_server_new(&setup, &web));
    struct vel_runtime_hooks hooks = {.events = on_events, .flush = on_flush, .self = web};
    vel_bench_node_open(node, true, BENCH_CONNECTIONS_MAX, &hooks);
    vel_bench_node_serve(node);
    vel_web_server_free(web);
    vel_bench_node_close(node);
    vel_site_free(site);
}
