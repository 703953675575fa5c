/* SPDX-License-Identifier: MIT */
#include "cli/get.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "cli/cacert.h"
#include "cli/get_internal.h"
#include "cli/identity_files.h"
#include "cli/key_log.h"
#include "cli/qlog_dir.h"
#include "pki/identity.h"
#include "sys/file.h"
#include "velocity/crypto.h"
#include "velocity/system.h"

enum { DATA_LIMIT = 64 * 1024 * 1024, CA_LIMIT = 4 * 1024 * 1024 };

/* While the reader of our output rests, the server must not take us for gone. */
#define KEEP_ALIVE (10 * SECOND)

void vel_get_failed(struct vel_get *get, enum vel_exit status, const char *format, ...)
{
    if (get->status != VEL_EXIT_OK)
        return;
    va_list arguments;
    va_start(arguments, format);
    get->status = status;
    vsnprintf(get->message, sizeof get->message, format, arguments);
    va_end(arguments);
}

/* ---- what was asked ---- */

static vel_result refuse(struct vel_get *get, const char *message)
{
    vel_get_failed(get, VEL_EXIT_USAGE, "%s", message);
    return VEL_ERR_ARGUMENT;
}

static vel_result check_settings(struct vel_get *get)
{
    const struct vel_get_settings *settings = get->settings;
    bool many = get->fetch_count > 1;
    if (settings->head && settings->data.count > 0)
        return refuse(get, "--head and --data exclude each other");
    if (settings->output != NULL && settings->output_dir != NULL)
        return refuse(get, "--output and --output-dir exclude each other");
    if (many && settings->output != NULL && strcmp(settings->output, "-") != 0)
        return refuse(get, "several URLs need --output-dir instead of --output");
    return VEL_OK;
}

static vel_result prepare_fetches(struct vel_get *get)
{
    const struct vel_call *call = get->call;
    get->fetches = vel_alloc(&get->env, call->argument_count * sizeof *get->fetches);
    if (get->fetches == NULL)
        vel_get_failed(get, VEL_EXIT_MEMORY, "%s", vel_err_text(VEL_ERR_NOMEM));
    REQUIRE(get->fetches != NULL, VEL_ERR_NOMEM);
    for (size_t i = 0; i < call->argument_count; i++) {
        struct vel_fetch *fetch = &get->fetches[i];
        fetch->get = get;
        get->fetch_count++;
        TRY(vel_fetch_prepare(fetch, call->arguments[i]));
        if (!vel_fetch_is_of(fetch, &get->fetches[0].url))
            return refuse(get, "all URLs must be of the same server");
    }
    return VEL_OK;
}

/* As curl: @FILE is a file, @- the standard input; several are joined with '&'. */
static vel_result prepare_data(struct vel_get *get)
{
    const struct vel_texts *data = &get->settings->data;
    get->data = (struct vel_buf){.env = &get->env, .limit = DATA_LIMIT};
    for (size_t i = 0; i < data->count; i++) {
        const char *item = data->items[i];
        bool is_file = item[0] == '@';
        const char *path = strcmp(item, "@-") == 0 ? "/dev/stdin" : item + 1;
        enum vel_err err = i > 0 ? vel_buf_append(&get->data, vel_slice_text("&")) : VEL_OK;
        if (err == VEL_OK)
            err = is_file ? vel_file_load(path, &get->data)
                          : vel_buf_append(&get->data, vel_slice_text(item));
        if (err != VEL_OK) {
            vel_get_failed(get, VEL_EXIT_READ, "--data %s: %s", item,
                           err == VEL_ERR_IO ? strerror(errno) : vel_err_text(err));
            return err;
        }
    }
    return VEL_OK;
}

vel_result vel_get_prepare_tls(struct vel_get *get, struct vel_slice pem)
{
    enum vel_err err = VEL_OK;
    if (get->tls == NULL)
        err = vel_cacert_tls(&get->env, get->crypto, pem, get->settings->insecure, get->identity,
                             get->settings->tls13_ciphers, get->key_log, &get->tls);
    if (err == VEL_ERR_ARGUMENT)
        return refuse(get, "--tls13-ciphers: not a list of cipher suites of TLS 1.3");
    TRY(err);
    get->config.tls = get->tls;
    return VEL_OK;
}

static vel_result prepare_identity(struct vel_get *get)
{
    char message[VEL_IDENTITY_MESSAGE];
    const struct vel_get_settings *settings = get->settings;
    if ((settings->cert == NULL) != (settings->key == NULL))
        return refuse(get, "--cert and --key go together");
    if (settings->cert == NULL)
        return VEL_OK;
    enum vel_err err = vel_identity_load(&get->env, get->crypto, settings->cert, settings->key,
                                         message, &get->identity);
    if (err != VEL_OK)
        vel_get_failed(get, VEL_EXIT_OWN_CERTIFICATE, "%s", message);
    return err;
}

static vel_result prepare_trust(struct vel_get *get)
{
    char message[VEL_CACERT_MESSAGE];
    OWNED(vel_buf_free) struct vel_buf pem = {.env = &get->env, .limit = CA_LIMIT};
    enum vel_err err =
        vel_cacert_load(&get->env, get->crypto, get->settings->cacert, &pem, &get->trust, message);
    if (message[0] != '\0')
        vel_get_failed(get, VEL_EXIT_CA_FILE, "%s", message);
    TRY(err);
    return pem.len > 0 ? vel_get_prepare_tls(get, vel_buf_slice(&pem)) : VEL_OK;
}

static vel_result prepare_qlog(struct vel_get *get)
{
    char message[VEL_QLOG_DIR_MESSAGE] = "";
    enum vel_err err = vel_qlog_dir_open(&get->env, get->settings->qlog_dir, &get->qlog, message);
    if (err != VEL_OK)
        vel_get_failed(get, VEL_EXIT_WRITE, "%s", message);
    return err;
}

static void fill_config(struct vel_get *get)
{
    get->config = vel_config_default(get->crypto);
    get->config.trust = get->trust;
    if (get->identity != NULL && vel_identity_keys(get->identity)->suite != NULL)
        get->config.identity = get->identity; /* else it is good for TLS only */
    get->config.tls = get->tls;
    get->config.tracer = vel_qlog_dir_tracer(get->qlog);
    get->config.key_log = get->key_log != NULL ? vel_key_log_line : NULL;
    get->config.key_log_self = get->key_log;
    get->config.server_name = get->origin.host;
    get->config.alpn = get->alpn;
    get->config.alpn_count = get->settings->alpn.count;
    for (size_t i = 0; i < get->settings->alpn.count; i++)
        get->alpn[i] = vel_slice_text(get->settings->alpn.names[i]);
    get->config.profiles = get->settings->profiles;
    get->config.congestion = get->settings->congestion;
    get->config.scheduler = get->settings->scheduler;
    get->config.limits.max_paths = VEL_MAX((unsigned)get->settings->locals.count, 1U);
    get->config.insecure = get->settings->insecure;
    get->config.unix_offset = vel_clock_unix_offset();
    get->config.limits.keep_alive = KEEP_ALIVE;
    /* The connect time-out is ours to tell; the connection must not end first. */
    get->config.limits.handshake_timeout = 3600 * SECOND;
}

static void on_max_time(void *self, vel_time now)
{
    struct vel_get *get = self;
    (void)now;
    get->out_of_time = true;
    vel_get_failed(get, VEL_EXIT_TIMEOUT, "not finished within %.1f s (--max-time)",
                   (double)get->settings->max_time / (double)SECOND);
    vel_loop_stop(get->loop);
}

static void on_stop(void *self, vel_time now)
{
    struct vel_get *get = self;
    (void)now;
    vel_loop_stop(get->loop);
}

static vel_result prepare_loop(struct vel_get *get)
{
    TRY(vel_loop_new(&get->env, &get->loop));
    TRY(vel_timer_new(get->loop, on_max_time, get, &get->max_timer));
    TRY(vel_timer_new(get->loop, on_stop, get, &get->stop_timer));
    if (get->settings->max_time > 0)
        vel_timer_set(get->max_timer, get->started + get->settings->max_time);
    return VEL_OK;
}

static vel_result prepare(struct vel_get *get)
{
    TRY(prepare_fetches(get));
    TRY(check_settings(get));
    TRY(vel_get_prepare_headers(get));
    TRY(prepare_data(get));
    TRY(vel_crypto_new(&get->env, &get->crypto));
    get->key_log = vel_key_log_open();
    TRY(prepare_identity(get));
    TRY(prepare_trust(get));
    TRY(prepare_qlog(get));
    fill_config(get);
    TRY(vel_get_load_state(get));
    return prepare_loop(get);
}

/* ---- the whole ---- */

static vel_result resolve(struct vel_get *get)
{
    const struct vel_url *url = &get->origin;
    enum vel_err err = vel_resolve(url->host, url->port, get->addrs, &get->addr_count);
    if (err != VEL_OK)
        vel_get_failed(get, VEL_EXIT_RESOLVE, "could not resolve the host name %s%s", url->host,
                       err == VEL_ERR_AGAIN ? ": the name server does not answer" : "");
    if (get->resolved == 0)
        get->resolved = vel_clock_now();
    return err;
}

static const struct vel_fetch *next_waiting(const struct vel_get *get)
{
    for (size_t i = 0; i < get->fetch_count && !get->out_of_time; i++)
        if (get->fetches[i].waiting)
            return &get->fetches[i];
    return NULL;
}

/* One server after the other: redirections may lead to more than one. */
static void fetch_all(struct vel_get *get)
{
    for (const struct vel_fetch *fetch; (fetch = next_waiting(get)) != NULL;) {
        get->origin = fetch->url;
        get->origin.target = (struct vel_buf){0};
        if (resolve(get) != VEL_OK)
            return;
        get->promised_s = 0;
        vel_get_connect(get);
        vel_get_save_state(get);
        if (get->status != VEL_EXIT_OK && get->connected == 0)
            return;
    }
}

static void clear(struct vel_get *get)
{
    for (size_t i = 0; i < get->fetch_count; i++)
        vel_fetch_clear(&get->fetches[i]);
    vel_guard_free(get->guard);
    vel_timer_free(get->stop_timer);
    vel_timer_free(get->max_timer);
    vel_loop_free(get->loop);
    vel_outcomes_free(get->outcomes);
    vel_tls_free(get->tls);
    vel_key_log_close(get->key_log);
    vel_qlog_free(get->qlog);
    vel_trust_free(get->trust);
    vel_identity_free(get->identity);
    vel_crypto_free(get->crypto);
    vel_release(&get->env, get->fetches, get->call->argument_count * sizeof *get->fetches);
    vel_buf_free(&get->data);
    vel_buf_free(&get->header_names);
}

static void start_progress(struct vel_get *get)
{
    const struct vel_get_settings *settings = get->settings;
    get->progress.files = get->fetch_count;
    bool quiet = settings->json || settings->verbose;
    bool to_file = settings->output != NULL || settings->output_dir != NULL;
    if (settings->progress || (to_file && !quiet))
        vel_progress_start(&get->progress, settings->progress, vel_clock_now());
}

int vel_get(const struct vel_call *call, const struct vel_get_settings *settings)
{
    struct vel_get get = {
        .call = call, .settings = settings, .env = *call->env, .started = vel_clock_now()};
    enum vel_err err = prepare(&get);
    if (err != VEL_OK)
        vel_get_failed(&get, VEL_EXIT_MEMORY, "could not start: %s", vel_err_text(err));
    start_progress(&get);
    if (err == VEL_OK)
        fetch_all(&get);
    vel_progress_finish(&get.progress, vel_clock_now());
    vel_report_end(&get);
    if (settings->json)
        vel_report_json(
            &get, settings->output != NULL && strcmp(settings->output, "-") == 0 ? stderr : stdout);
    if (get.status != VEL_EXIT_OK)
        fprintf(stderr, "velocity client get: (%d) %s\n", (int)get.status, get.message);
    clear(&get);
    return (int)get.status;
}
