/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "cli/get_internal.h"
#include "client/alt_svc.h"
#include "sys/file.h"
#include "velocity/system.h"

enum { PATH_LIMIT = 4096, ERROR_STATUS = 400 };

static const char *method_of(const struct vel_get_settings *settings)
{
    if (settings->request != NULL)
        return settings->request;
    if (settings->head)
        return "HEAD";
    return settings->data.count > 0 ? "POST" : "GET";
}

bool vel_fetch_is_of(const struct vel_fetch *fetch, const struct vel_url *origin)
{
    return vel_url_same_origin(&fetch->url, origin);
}

/* ---- request ---- */

/* The request body is in memory until the end, so nothing needs releasing. */
static vel_result pull_body(void *self, size_t want, struct vel_body_piece *piece)
{
    struct vel_fetch *fetch = self;
    const struct vel_buf *data = &fetch->get->data;
    size_t left = data->len - fetch->body_at;
    size_t size = VEL_MIN(want, left);
    *piece = (struct vel_body_piece){
        .bytes = vel_slice(size > 0 ? data->ptr + fetch->body_at : NULL, size),
        .last = size == left};
    fetch->body_at += size;
    return VEL_OK;
}

/* ---- where the body goes ---- */

static vel_result path_in_folder(struct vel_fetch *fetch, const char *folder, struct vel_buf *path)
{
    TRY(vel_buf_append(path, vel_slice_text(folder)));
    TRY(vel_buf_append(path, vel_slice_text("/")));
    enum vel_err err = vel_url_file_name(&fetch->url, path);
    if (err == VEL_ERR_MALFORMED)
        vel_get_failed(fetch->get, VEL_EXIT_USAGE, "%s: its path is no safe file name",
                       fetch->text);
    return err;
}

static vel_result choose_path(struct vel_fetch *fetch)
{
    const struct vel_get_settings *settings = fetch->get->settings;
    OWNED(vel_buf_free) struct vel_buf path = {.env = &fetch->get->env, .limit = PATH_LIMIT};
    if (settings->output_dir != NULL)
        TRY(path_in_folder(fetch, settings->output_dir, &path));
    else if (settings->output != NULL && strcmp(settings->output, "-") != 0)
        TRY(vel_buf_append(&path, vel_slice(settings->output, strlen(settings->output) + 1)));
    fetch->path = (char *)path.ptr;
    fetch->path_size = path.capacity;
    path = (struct vel_buf){0};
    return VEL_OK;
}

static const char *why_no_url(enum vel_err err)
{
    switch ((int)err) {
    case VEL_ERR_MALFORMED:
        return "not a URL like https://host:port/path";
    case VEL_ERR_UNSUPPORTED:
        return "only https and http URLs can be fetched";
    case VEL_ERR_LIMIT:
        return "the URL is too long";
    default:
        return vel_err_text(err);
    }
}

vel_result vel_fetch_prepare(struct vel_fetch *fetch, const char *text)
{
    fetch->text = text;
    fetch->method = method_of(fetch->get->settings);
    fetch->waiting = true;
    enum vel_err err = vel_url_parse(&fetch->get->env, text, &fetch->url);
    if (err != VEL_OK) {
        bool memory = err == VEL_ERR_NOMEM;
        vel_get_failed(fetch->get, memory ? VEL_EXIT_MEMORY : VEL_EXIT_URL, "%s: %s", text,
                       why_no_url(err));
        return err;
    }
    return choose_path(fetch);
}

/* The standard output belongs to the JSON object when that is asked for. */
static bool to_stdout(const struct vel_fetch *fetch)
{
    const struct vel_get_settings *settings = fetch->get->settings;
    return fetch->path == NULL && !settings->head && (!settings->json || settings->output != NULL);
}

static vel_result make_parent(const struct vel_fetch *fetch)
{
    char *slash = strrchr(fetch->path, '/');
    if (fetch->get->settings->output_dir == NULL || slash == NULL)
        return VEL_OK;
    *slash = '\0';
    enum vel_err err = vel_folder_make(fetch->path, 0777);
    *slash = '/';
    return err;
}

static vel_result write_failed(struct vel_fetch *fetch)
{
    vel_get_failed(fetch->get, VEL_EXIT_WRITE, "%s: %s",
                   fetch->path != NULL ? fetch->path : "standard output", strerror(errno));
    return VEL_ERR_IO;
}

static vel_result close_output(struct vel_fetch *fetch)
{
    return vel_output_close(&fetch->output) == VEL_OK ? VEL_OK : write_failed(fetch);
}

/* The reader took all, or will take no more: that ends the transfer with its next bytes. */
static void on_drained(void *self)
{
    struct vel_fetch *fetch = self;
    struct vel_get *get = fetch->get;
    if (fetch->done) {
        get->draining--;
        enum vel_err told = close_output(fetch);
        (void)told;
    } else if (fetch->transfer != NULL) {
        vel_transfer_resume(fetch->transfer);
        fetch->transfer = NULL;
    }
    vel_get_look(get);
    struct vel_attempt *attempt =
        get->connector != NULL ? vel_connector_attempt(get->connector) : NULL;
    if (attempt != NULL)
        vel_attempt_wake(attempt);
}

static vel_result open_output(struct vel_fetch *fetch)
{
    const struct vel_output_setup setup = {
        .env = &fetch->get->env, .loop = fetch->get->loop, .drained = on_drained, .self = fetch};
    if (fetch->opened || fetch->get->settings->head)
        return VEL_OK;
    fetch->opened = true;
    if (fetch->path == NULL && !to_stdout(fetch))
        return VEL_OK;
    if ((fetch->path != NULL && make_parent(fetch) != VEL_OK) ||
        vel_output_open(&fetch->output, fetch->path, &setup) != VEL_OK)
        return write_failed(fetch);
    return VEL_OK;
}

/* ---- response ---- */

static bool is_refused(const struct vel_fetch *fetch, unsigned status)
{
    return fetch->get->settings->fail && status >= ERROR_STATUS;
}

static const char *why_not_there(enum vel_err err)
{
    return err == VEL_ERR_AUTH ? "it leads from https to http" : why_no_url(err);
}

/* Go where the response says, when that is wanted and can be granted. */
static void plan_redirection(struct vel_fetch *fetch, const struct vel_response *response)
{
    struct vel_get *get = fetch->get;
    struct vel_redirect redirect;
    enum vel_err err =
        vel_redirect_plan(&get->env, &fetch->url, fetch->method, response, &redirect);
    if (err == VEL_ERR_NOT_FOUND)
        return;
    fetch->stranded = true;
    if (err != VEL_OK) {
        vel_get_failed(get, VEL_EXIT_URL, "%s: the redirection is not followed: %s", fetch->text,
                       why_not_there(err));
        return;
    }
    if (get->settings->max_redirs >= 0 && fetch->hops >= (unsigned)get->settings->max_redirs) {
        vel_get_failed(get, VEL_EXIT_REDIRECTS, "%s: more than %u redirections", fetch->text,
                       fetch->hops);
        vel_url_clear(&redirect.url);
        return;
    }
    fetch->hops++;
    fetch->stranded = false;
    fetch->redirected = true;
    fetch->left_home |= redirect.other_origin;
    fetch->no_body |= redirect.becomes_get;
    if (redirect.becomes_get)
        fetch->method = "GET";
    vel_url_clear(&fetch->url);
    fetch->url = redirect.url;
}

static void on_head(void *self, struct vel_transfer *transfer, const struct vel_response *response)
{
    struct vel_fetch *fetch = self;
    (void)transfer;
    fetch->result.status = response->status;
    vel_report_response(fetch, response);
    vel_get_note_pin(fetch->get, response);
    const struct vel_slice *alt_svc = vel_fields_find(response->fields, "alt-svc");
    if (alt_svc != NULL)
        fetch->get->promised_s = vel_alt_svc_expects_velocity(*alt_svc, &fetch->get->origin);
    if (fetch->get->settings->location)
        plan_redirection(fetch, response);
}

static vel_result on_body(void *self, struct vel_transfer *transfer, struct vel_slice bytes)
{
    struct vel_fetch *fetch = self;
    if (fetch->redirected || fetch->stranded || is_refused(fetch, fetch->result.status))
        return VEL_OK;
    TRY(open_output(fetch));
    if (!vel_output_is_open(&fetch->output))
        return VEL_OK;
    if (vel_output_write(&fetch->output, bytes) != VEL_OK)
        return write_failed(fetch);
    if (vel_output_is_full(&fetch->output)) {
        fetch->transfer = transfer;
        vel_transfer_pause(transfer);
    }
    return VEL_OK;
}

/* The sums over all fetches. */
static void on_progress(void *self, uint64_t received, uint64_t total)
{
    struct vel_fetch *fetch = self;
    if (fetch->redirected)
        return;
    struct vel_progress *progress = &fetch->get->progress;
    progress->received += received - fetch->received;
    fetch->received = received;
    if (fetch->size_known || total == UINT64_MAX)
        return;
    fetch->size_known = true;
    progress->expected += total;
    progress->files_known++;
}

/* On this connection if it leads to the same server and can be used again, else when this one is
 * done with. */
static void follow(struct vel_fetch *fetch)
{
    bool here = vel_fetch_is_of(fetch, &fetch->get->origin) && !fetch->get->closing;
    enum vel_err err = VEL_ERR_CLOSED;
    if (here)
        err = vel_fetch_start(fetch, fetch->client, vel_clock_now());
    fetch->waiting = err != VEL_OK;
}

/* A server may end a connection after some answers, all in order (RFC 9110 9.2.2, RFC 9112 9.3.1):
 * the next connection brings the others. Each one brings something, so there is an end to it. */
static bool may_be_asked_again(const struct vel_fetch *fetch,
                               const struct vel_transfer_result *result)
{
    const struct vel_get *get = fetch->get;
    bool safe = strcmp(fetch->method, "GET") == 0 || strcmp(fetch->method, "HEAD") == 0;
    return result->failure == VEL_CLIENT_EMPTY && result->status == 0 && safe &&
           !vel_fetch_has_body(fetch) && get->answered > 0 && !get->out_of_time;
}

static void on_done(void *self, struct vel_transfer *transfer,
                    const struct vel_transfer_result *result)
{
    struct vel_fetch *fetch = self;
    struct vel_get *get = fetch->get;
    (void)transfer;
    fetch->transfer = NULL;
    if (may_be_asked_again(fetch, result)) {
        fetch->waiting = true;
        return;
    }
    fetch->result = *result;
    get->answered += result->failure == VEL_CLIENT_OK;
    if (fetch->redirected && result->failure == VEL_CLIENT_OK) {
        follow(fetch);
        return;
    }
    fetch->done = true;
    get->progress.files_done++;
    /* An empty body leaves an empty file behind. */
    if (result->failure == VEL_CLIENT_OK && !fetch->stranded &&
        !is_refused(fetch, result->status) && open_output(fetch) != VEL_OK)
        return;
    if (vel_output_is_full(&fetch->output))
        get->draining++;
    else if (close_output(fetch) != VEL_OK)
        return;
    if (result->failure == VEL_CLIENT_OK && is_refused(fetch, result->status))
        vel_get_failed(get, VEL_EXIT_HTTP_STATUS, "%s: the server answered %u", fetch->text,
                       result->status);
    else if (result->failure != VEL_CLIENT_OK && !get->out_of_time)
        vel_get_failed(get, vel_exit_of_failure(result->failure), "%s: %s", fetch->text,
                       vel_exit_text(vel_exit_of_failure(result->failure)));
}

vel_result vel_fetch_start(struct vel_fetch *fetch, struct vel_client *client, vel_time now)
{
    struct vel_field fields[VEL_GET_HEADERS_MAX + 1];
    const struct vel_body_source body = {.pull = pull_body, .self = fetch};
    const struct vel_sink sink = {
        .head = on_head, .body = on_body, .progress = on_progress, .done = on_done, .self = fetch};
    const struct vel_request request = {
        .method = vel_slice_text(fetch->method),
        .scheme = vel_slice_text(vel_url_scheme(&fetch->url)),
        .authority = vel_slice_text(fetch->url.authority),
        .path = vel_buf_slice(&fetch->url.target),
        .fields = {fields, vel_fetch_fields(fetch, fields)},
    };
    bool has_body = vel_fetch_has_body(fetch);
    fetch->waiting = fetch->redirected = false;
    fetch->body_at = 0;
    fetch->client = client;
    vel_report_request(fetch, request.fields);
    return vel_client_fetch(client, &request, has_body ? &body : NULL, &sink, now);
}

void vel_fetch_clear(struct vel_fetch *fetch)
{
    enum vel_err ignored = vel_output_close(&fetch->output);
    (void)ignored; /* it is open when we gave up */
    vel_release(&fetch->get->env, fetch->path, fetch->path_size);
    vel_url_clear(&fetch->url);
}
