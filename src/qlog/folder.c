/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "qlog/trace.h"
#include "sys/fd.h"
#include "sys/folder.h"
#include "velocity/log.h"
#include "velocity/qlog.h"

enum {
    FILES_MAX = 256,
    OPEN_MAX = 128,
    FAILURES_MAX = 16,      /* files of who has proved nothing */
    LISTED_MAX = 16 * 1024, /* entries of the folder that are looked at */
    NAMES_MAX = 9           /* of connections with the same id */
};
#define FILE_BYTES_MAX (64 * MIB)
#define LOOK_AGAIN_AFTER (10 * SECOND)
#define FLUSH_AFTER (1 * SECOND)
static const char ending[] = ".sqlog";

struct vel_qlog {
    const struct vel_env *env;
    int folder;
    size_t max_files, max_open;
    size_t open;        /* traces */
    size_t failures;    /* files of who has proved nothing */
    vel_time full_till; /* the folder was full: do not look again before */
    bool told;          /* that something failed */
    struct vel_qlog_sink sink;
    struct vel_tracer tracer;
};

static void tell(struct vel_qlog *qlog, const char *reason)
{
    if (qlog->told)
        return;
    qlog->told = true;
    LOG_EVENT(qlog->env->log, "qlog-stopped", LOG_TEXT("reason", reason));
}

/* ---- files ---- */

static bool is_full(struct vel_qlog *qlog, vel_time now)
{
    size_t count = qlog->max_files;
    if (now < qlog->full_till)
        return true;
    if (vel_folder_count(qlog->folder, ending, LISTED_MAX, &count) == VEL_OK &&
        count < qlog->max_files)
        return false;
    qlog->full_till = now + LOOK_AGAIN_AFTER;
    return true;
}

static vel_result create(void *self, const char *name, vel_time now, int *file)
{
    struct vel_qlog *qlog = self;
    char full[80];
    REQUIRE(!is_full(qlog, now), VEL_ERR_LIMIT);
    enum vel_err err = VEL_ERR_EXISTS;
    for (int i = 1; i <= NAMES_MAX && err == VEL_ERR_EXISTS; i++) {
        if (i == 1)
            snprintf(full, sizeof full, "%s%s", name, ending);
        else
            snprintf(full, sizeof full, "%s-%d%s", name, i, ending);
        err = vel_folder_create(qlog->folder, full, file);
    }
    if (err == VEL_ERR_IO)
        tell(qlog, strerror(errno));
    return err;
}

static vel_result append(void *self, int file, struct vel_slice bytes)
{
    enum vel_err err = vel_fd_write(file, bytes);
    if (err != VEL_OK)
        tell(self, strerror(errno));
    return err;
}

static void close_file(void *self, int *file)
{
    (void)self;
    vel_fd_close(file);
}

static bool admit_failure(void *self)
{
    struct vel_qlog *qlog = self;
    if (qlog->failures >= FAILURES_MAX)
        return false;
    qlog->failures++;
    return true;
}

/* ---- the tracer ---- */

static void *on_begin(void *self, const struct vel_trace_start *start, vel_time now)
{
    struct vel_qlog *qlog = self;
    if (qlog->open >= qlog->max_open || now < qlog->full_till)
        return NULL;
    struct vel_qlog_trace *trace = vel_alloc(qlog->env, sizeof *trace);
    if (trace == NULL)
        return NULL;
    qlog->open++;
    vel_qlog_trace_begin(trace, &qlog->sink, start, now);
    return trace;
}

static void on_event(void *trace, const struct vel_trace_event *event, vel_time now)
{
    vel_qlog_trace_event(trace, event, now);
}

static void on_http(void *trace, const struct vel_http_trace_event *event, vel_time now)
{
    vel_qlog_trace_http(trace, event, now);
}

static void on_end(void *self, vel_time now)
{
    struct vel_qlog_trace *trace = self;
    struct vel_qlog *qlog = trace->sink->self;
    vel_qlog_trace_end(trace, now);
    vel_release(qlog->env, trace, sizeof *trace);
    qlog->open--;
}

/* ---- the object ---- */

vel_result vel_qlog_new(const struct vel_qlog_setup *setup, struct vel_qlog **qlog)
{
    OWNED(vel_fd_close) int folder = -1;
    TRY(vel_folder_open(setup->folder, &folder));
    struct vel_qlog *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    *made = (struct vel_qlog){
        .env = setup->env,
        .folder = vel_fd_give(&folder),
        .max_files = setup->max_files > 0 ? setup->max_files : FILES_MAX,
        .max_open = setup->max_open > 0 ? setup->max_open : OPEN_MAX,
        .full_till = INT64_MIN,
        .sink = {.create = create,
                 .append = append,
                 .close = close_file,
                 .admit_failure = admit_failure,
                 .self = made,
                 .max_file_bytes =
                     setup->max_file_bytes > 0 ? setup->max_file_bytes : FILE_BYTES_MAX,
                 .flush_after = setup->at_once ? 0 : FLUSH_AFTER,
                 .unix_base = setup->unix_base},
        .tracer =
            {.begin = on_begin, .event = on_event, .http = on_http, .end = on_end, .self = made},
    };
    *qlog = made;
    return VEL_OK;
}

const struct vel_tracer *vel_qlog_tracer(const struct vel_qlog *qlog)
{
    return &qlog->tracer;
}

void vel_qlog_free(struct vel_qlog *qlog)
{
    if (qlog == NULL)
        return;
    VEL_ASSERT(qlog->open == 0);
    vel_fd_close(&qlog->folder);
    vel_release(qlog->env, qlog, sizeof *qlog);
}
