/* SPDX-License-Identifier: MIT */
#include "web/requests.h"

#include <stdio.h>

#include "base/try.h"
#include "base/units.h"
#include "web/reply.h"
#include "web/site.h"
#include "web/visit.h"

enum { HTTPS_PORT = 443, LOCATION_MAX = 8 * 1024 };

static struct vel_visit *begin(struct vel_web_requests *requests,
                               const struct vel_web_caller *caller, struct vel_exchange *exchange,
                               vel_time now)
{
    struct vel_visit *visit = vel_alloc(requests->env, sizeof *visit);
    if (visit == NULL) {
        vel_exchange_cancel(exchange, VEL_H3_INTERNAL_ERROR);
        return NULL;
    }
    requests->stats.active++;
    requests->stats.requests++;
    visit->start = now;
    visit->announced = caller->announced;
    vel_exchange_set_user(exchange, visit);
    return visit;
}

void vel_web_request_came(struct vel_web_requests *requests, const struct vel_web_caller *caller,
                          struct vel_exchange *exchange, vel_time now)
{
    int64_t unix_now = requests->unix_offset + now / SECOND;
    struct vel_visit *visit = begin(requests, caller, exchange, now);
    if (visit == NULL)
        return;
    if (vel_web_fallback_wants(vel_exchange_request(exchange)))
        visit->status =
            vel_web_fallback_answer(requests->fallback, exchange, &caller->binding, now, unix_now);
    else
        visit->status = vel_site_answer(requests->site, exchange, now, unix_now);
}

/* The authority without its port; it has passed the parser. */
static struct vel_slice host_of(struct vel_slice authority)
{
    size_t end = authority.len;
    while (end > 0 && authority.ptr[end - 1] >= '0' && authority.ptr[end - 1] <= '9')
        end--;
    if (end > 0 && authority.ptr[end - 1] == ':')
        authority.len = end - 1;
    return authority;
}

/* "https://host:port/path?query"; VEL_ERR_LIMIT: it would be too long. */
static vel_result write_location(const struct vel_request *request, uint16_t port,
                                 char text[LOCATION_MAX])
{
    struct vel_slice host = host_of(request->authority);
    struct vel_slice path = request->path;
    char colon[8] = "";
    REQUIRE(path.len > 0 && path.ptr[0] == '/', VEL_ERR_LIMIT); /* "*" is nowhere */
    if (port != HTTPS_PORT)
        snprintf(colon, sizeof colon, ":%u", port);
    int size = snprintf(text, LOCATION_MAX, "https://%.*s%s%.*s", (int)host.len,
                        (const char *)host.ptr, colon, (int)path.len, (const char *)path.ptr);
    REQUIRE(host.len > 0 && size > 0 && size < LOCATION_MAX, VEL_ERR_LIMIT);
    return VEL_OK;
}

void vel_web_request_redirect(struct vel_web_requests *requests,
                              const struct vel_web_caller *caller, struct vel_exchange *exchange,
                              uint16_t port, vel_time now)
{
    char location[LOCATION_MAX];
    struct vel_reply reply;
    struct vel_visit *visit = begin(requests, caller, exchange, now);
    if (visit == NULL)
        return;
    const struct vel_request *request = vel_exchange_request(exchange);
    vel_reply_start(&reply, exchange, requests->unix_offset + now / SECOND);
    reply.head_only = vel_slice_equal(request->method, vel_slice_text("HEAD"));
    enum vel_err err = write_location(request, port, location);
    if (err == VEL_OK)
        vel_reply_add(&reply, "location", location);
    visit->status = vel_reply_send_error(&reply, err == VEL_OK ? 308 : 400);
}

static void report(const struct vel_web_requests *requests, const struct vel_web_caller *caller,
                   const struct vel_exchange *exchange, const struct vel_visit *visit,
                   const struct vel_exchange_end *end, vel_time now)
{
    const struct vel_request *request = vel_exchange_request(exchange);
    if (requests->log == NULL)
        return;
    struct vel_web_record record = {
        .remote = caller->binding.remote,
        .protocol = caller->protocol,
        .method = request->method,
        .authority = request->authority,
        .path = request->path,
        .status = visit->status,
        .body_bytes = end->body_sent,
        .duration = now - visit->start,
        .complete = end->complete,
    };
    requests->log(requests->log_self, &record);
}

void vel_web_request_closed(struct vel_web_requests *requests, const struct vel_web_caller *caller,
                            struct vel_exchange *exchange, const struct vel_exchange_end *end,
                            vel_time now)
{
    struct vel_visit *visit = vel_exchange_user(exchange);
    if (visit == NULL)
        return;
    requests->stats.active--;
    requests->stats.response_bytes += end->body_sent;
    requests->stats.by_class[visit->status / 100 % VEL_COUNT(requests->stats.by_class)]++;
    report(requests, caller, exchange, visit, end, now);
    vel_release(requests->env, visit, sizeof *visit);
}
