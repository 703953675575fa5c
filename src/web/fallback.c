/* SPDX-License-Identifier: MIT */
#include "web/fallback.h"

#include <stdio.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "client/url.h"
#include "pki/cert.h"
#include "pki/host.h"
#include "pki/identity.h"
#include "web/budget.h"
#include "web/reply.h"

/* Seconds that a record is good for: a client checks it at once. */
enum { LIFETIME = 300, RETRY_AFTER = 1, DEFAULT_PORT = 443 };

struct vel_web_fallback {
    struct vel_web_fallback_setup setup;
    struct vel_cert leaf; /* slices into the identity */
    struct vel_budget budget;
};

/* A record while it is sent. */
struct sent_record {
    struct vel_buf bytes;
};

bool vel_web_fallback_wants(const struct vel_request *request)
{
    return vel_slice_equal(request->path, vel_slice_text(VEL_FALLBACK_PATH));
}

/* The digits behind the last colon, if it is not one of an IPv6 address. */
bool vel_web_fallback_is_at(const struct vel_web_fallback *fallback, struct vel_slice authority)
{
    char port[16];
    int size = snprintf(port, sizeof port, ":%u", fallback->setup.port);
    struct vel_slice want = vel_slice(port, (size_t)size);
    if (authority.len == 0)
        return false;
    bool no_port = memrchr(authority.ptr, ':', authority.len) == NULL ||
                   authority.ptr[authority.len - 1] == ']';
    if (no_port)
        return fallback->setup.port == DEFAULT_PORT;
    if (authority.len < want.len)
        return false;
    return vel_slice_equal(vel_slice(authority.ptr + authority.len - want.len, want.len), want);
}

/* Host and port that the client asked for, as its URL says them. VEL_ERR_MALFORMED, VEL_ERR_NOMEM */
static vel_result parse_authority(const struct vel_env *env, struct vel_slice authority,
                                  struct vel_url *url)
{
    static const char scheme[] = "https://";
    char text[sizeof scheme + VEL_URL_AUTHORITY_MAX + 1] = "https://";
    REQUIRE(authority.len <= VEL_URL_AUTHORITY_MAX, VEL_ERR_MALFORMED);
    REQUIRE(memchr(authority.ptr, 0, authority.len) == NULL, VEL_ERR_MALFORMED);
    memcpy(text + sizeof scheme - 1, authority.ptr, authority.len);
    enum vel_err err = vel_url_parse(env, text, url);
    return err == VEL_OK || err == VEL_ERR_NOMEM ? err : VEL_ERR_MALFORMED;
}

/* Whether this server is the one asked for (VEL-FB-21). */
static bool is_ours(const struct vel_web_fallback *fallback, const struct vel_url *url)
{
    struct vel_host host;
    return url->port == fallback->setup.port && vel_host_parse(url->host, &host) == VEL_OK &&
           vel_names_match(fallback->leaf.names, &host);
}

static vel_result make_record(const struct vel_web_fallback *fallback,
                              const struct vel_web_binding *binding, const struct vel_url *url,
                              int64_t unix_now, struct vel_buf *out)
{
    const struct vel_web_fallback_setup *setup = &fallback->setup;
    struct vel_fallback_says says = {
        .authority = vel_slice_text(url->host),
        .port = url->port,
        .issued_at = unix_now,
        .not_after = unix_now + LIFETIME,
        .version_count = setup->versions.count,
        .selected_alpn = vel_slice(binding->facts->alpn, binding->facts->alpn_len),
        .reason = setup->reason,
        .retry_velocity = setup->retry_velocity,
    };
    for (size_t i = 0; i < says.version_count; i++)
        says.versions[i] = setup->versions.items[i];
    TRY(binding->export(binding->self, VEL_FALLBACK_LABEL, (struct vel_slice){0}, says.exporter,
                        sizeof says.exporter));
    return vel_fallback_sign(setup->crypto, setup->identity, setup->signer, VEL_SIGN_HEDGED, &says,
                             out);
}

static void release_record(void *context, struct vel_slice bytes)
{
    struct sent_record *record = context;
    const struct vel_env *env = record->bytes.env;
    (void)bytes;
    vel_buf_free(&record->bytes);
    vel_release(env, record, sizeof *record);
}

static unsigned send_record(const struct vel_web_fallback *fallback, struct vel_reply *reply,
                            const struct vel_web_binding *binding, const struct vel_url *url,
                            int64_t unix_now)
{
    const struct vel_env *env = fallback->setup.env;
    struct sent_record *record = vel_alloc(env, sizeof *record);
    if (record == NULL)
        return vel_reply_send_error(reply, 503);
    record->bytes = (struct vel_buf){.env = env, .limit = VEL_FALLBACK_MAX_BYTES};
    enum vel_err err = make_record(fallback, binding, url, unix_now, &record->bytes);
    if (err != VEL_OK) {
        release_record(record, vel_buf_slice(&record->bytes));
        if (err == VEL_ERR_AGAIN)
            vel_reply_print(reply, "retry-after", "%d", RETRY_AFTER);
        return vel_reply_send_error(reply, 503);
    }
    vel_reply_add(reply, "content-type", VEL_FALLBACK_TYPE);
    return vel_reply_send_bytes(reply, 200, vel_buf_slice(&record->bytes), release_record, record);
}

/* VEL-FB-22: before anything that costs. */
static unsigned send_bounded(struct vel_web_fallback *fallback, struct vel_reply *reply,
                             const struct vel_web_binding *binding, const struct vel_url *url,
                             vel_time now, int64_t unix_now)
{
    if (!vel_budget_take(&fallback->budget, &binding->remote, now)) {
        vel_reply_print(reply, "retry-after", "%d", RETRY_AFTER);
        return vel_reply_send_error(reply, 503);
    }
    return send_record(fallback, reply, binding, url, unix_now);
}

/* VEL-FB-20, VEL-FB-21 */
unsigned vel_web_fallback_answer(struct vel_web_fallback *fallback, struct vel_exchange *exchange,
                                 const struct vel_web_binding *binding, vel_time now,
                                 int64_t unix_now)
{
    const struct vel_request *request = vel_exchange_request(exchange);
    struct vel_reply reply;
    vel_reply_start(&reply, exchange, unix_now);
    reply.head_only = vel_slice_equal(request->method, vel_slice_text("HEAD"));
    vel_reply_add(&reply, "cache-control", "no-store");
    if (fallback == NULL || binding->facts == NULL ||
        vel_version_is_velocity(binding->facts->version))
        return vel_reply_send_error(&reply, 404);
    if (!vel_slice_equal(request->method, vel_slice_text("GET"))) {
        vel_reply_add(&reply, "allow", "GET");
        return vel_reply_send_error(&reply, 405);
    }
    OWNED(vel_url_clear) struct vel_url url = {0};
    enum vel_err err = parse_authority(fallback->setup.env, request->authority, &url);
    if (err != VEL_OK)
        return vel_reply_send_error(&reply, err == VEL_ERR_NOMEM ? 503 : 400);
    if (!is_ours(fallback, &url))
        return vel_reply_send_error(&reply, 421);
    return send_bounded(fallback, &reply, binding, &url, now, unix_now);
}

/* ---- life ---- */

static vel_result export_nothing(void *self, const char *label, struct vel_slice context,
                                 uint8_t *out, size_t size)
{
    (void)self, (void)label, (void)context;
    memset(out, 0, size);
    return VEL_OK;
}

/* A first record, on no connection: what could never be signed is found out at the start. */
static vel_result try_once(const struct vel_web_fallback *fallback)
{
    static const struct vel_handshake_facts facts = {.version = VEL_VERSION_QUIC_V1};
    const struct vel_web_binding nowhere = {.facts = &facts, .export = export_nothing};
    const struct vel_url url = {.host = "localhost", .port = fallback->setup.port};
    OWNED(vel_buf_free)
    struct vel_buf out = {.env = fallback->setup.env, .limit = VEL_FALLBACK_MAX_BYTES};
    enum vel_err err = make_record(fallback, &nowhere, &url, 0, &out);
    return err == VEL_ERR_AGAIN ? VEL_OK : err;
}

OWNED_POINTER(fallback_release, struct vel_web_fallback, vel_web_fallback_free)

vel_result vel_web_fallback_new(const struct vel_web_fallback_setup *setup,
                                struct vel_web_fallback **fallback)
{
    size_t count;
    const struct vel_slice *chain = vel_identity_chain(setup->identity, &count);
    OWNED(fallback_release) struct vel_web_fallback *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->setup = *setup;
    vel_budget_init(&made->budget, setup->env);
    TRY(vel_cert_parse(chain[0], &made->leaf));
    TRY(try_once(made));
    *fallback = GIVE(made);
    return VEL_OK;
}

void vel_web_fallback_free(struct vel_web_fallback *fallback)
{
    if (fallback != NULL)
        vel_release(fallback->setup.env, fallback, sizeof *fallback);
}
