/* SPDX-License-Identifier: MIT */
#include "transport/streams.h"

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "transport/params.h"
#include "transport/streams_internal.h"

enum { BUCKETS_START = 8 };

vel_result vel_streams_new(const struct vel_streams_setup *setup, struct vel_streams **streams)
{
    struct vel_streams *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    const struct vel_limits *limits = setup->limits;
    *made = (struct vel_streams){
        .env = setup->env,
        .pool = setup->pool,
        .limits = limits,
        .is_client = setup->is_client,
        .long_turn = VEL_TURN_BYTES,
        .remote = {{.limit = limits->max_streams_bidi, .at_a_time = limits->max_streams_bidi},
                   {.limit = limits->max_streams_uni, .at_a_time = limits->max_streams_uni}},
    };
    vel_flow_in_init(&made->recv_flow, limits->max_data);
    for (unsigned urgency = 0; urgency <= VEL_URGENCY_LAST; urgency++)
        vel_queue_init(&made->ready[urgency]);
    vel_queue_init(&made->conn_blocked);
    vel_queue_init(&made->control);
    vel_queue_init(&made->events);
    *streams = made;
    return VEL_OK;
}

static void free_stream(struct vel_streams *streams, struct vel_stream *s)
{
    vel_queue_remove(&s->send_link);
    vel_queue_remove(&s->control_link);
    vel_queue_remove(&s->event_link);
    vel_send_buffer_clear(&s->send);
    vel_recv_buffer_clear(&s->recv);
    vel_release(streams->env, s, sizeof *s);
}

static void release_buckets(struct vel_streams *streams)
{
    size_t size = streams->bucket_count * sizeof(struct vel_stream *);
    vel_release(streams->env, streams->buckets, size);
}

void vel_streams_free(struct vel_streams *streams)
{
    if (streams == NULL)
        return;
    for (uint32_t i = 0; i < streams->bucket_count; i++) {
        while (streams->buckets[i] != NULL) {
            struct vel_stream *s = streams->buckets[i];
            streams->buckets[i] = s->next_in_bucket;
            free_stream(streams, s);
        }
    }
    release_buckets(streams);
    if (streams->chosen != NULL)
        vel_release(streams->env, streams->chosen, sizeof *streams->chosen);
    vel_release(streams->env, streams, sizeof *streams);
}

void vel_streams_fill_params(const struct vel_streams *streams, struct vel_params *params)
{
    uint64_t stream_window = vel_flow_initial_window(streams->limits->max_stream_data);
    params->initial_max_data = streams->recv_flow.limit;
    params->initial_max_stream_data_bidi_local = stream_window;
    params->initial_max_stream_data_bidi_remote = stream_window;
    params->initial_max_stream_data_uni = stream_window;
    params->initial_max_streams_bidi = streams->remote[0].limit;
    params->initial_max_streams_uni = streams->remote[1].limit;
}

void vel_streams_set_window(struct vel_streams *streams, uint64_t window)
{
    uint64_t most = VEL_SEND_BUFFER_GROWTH * streams->limits->max_send_buffer;
    streams->send_limit = VEL_MIN(2 * window, most);
}

void vel_streams_set_rate(struct vel_streams *streams, uint64_t rate)
{
    uint64_t turn = VEL_MAX(rate / (SECOND / MS), (uint64_t)VEL_TURN_BYTES);
    streams->long_turn = (uint16_t)VEL_MIN(turn, (uint64_t)VEL_TURN_LONGEST);
}

void vel_streams_set_peer_params(struct vel_streams *streams, const struct vel_params *params)
{
    streams->params_known = true;
    streams->send_flow.limit = params->initial_max_data;
    streams->peer_opened_data = params->initial_max_stream_data_bidi_local;
    streams->local[0].initial_data = params->initial_max_stream_data_bidi_remote;
    streams->local[1].initial_data = params->initial_max_stream_data_uni;
    streams->local[0].limit = params->initial_max_streams_bidi;
    streams->local[1].limit = params->initial_max_streams_uni;
    for (unsigned uni = 0; uni < 2; uni++) {
        vel_streams_place_opened(streams, uni, 0);
        vel_streams_announce_available(streams, uni);
    }
}

/* ---- the table ---- */

static struct vel_stream **bucket_of(struct vel_stream **buckets, uint32_t count, uint64_t id)
{
    return &buckets[(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (count - 1)];
}

struct vel_stream *vel_streams_find(const struct vel_streams *streams, uint64_t id)
{
    if (streams->bucket_count == 0)
        return NULL;
    struct vel_stream *s = *bucket_of(streams->buckets, streams->bucket_count, id);
    while (s != NULL && s->id != id)
        s = s->next_in_bucket;
    return s;
}

/* Room for one more; long chains are better than no stream when memory is short. */
static vel_result reserve_bucket(struct vel_streams *streams)
{
    if (streams->count < streams->bucket_count)
        return VEL_OK;
    uint32_t count = VEL_MAX(2 * streams->bucket_count, (uint32_t)BUCKETS_START);
    struct vel_stream **buckets = vel_alloc(streams->env, count * sizeof(struct vel_stream *));
    if (buckets == NULL)
        return streams->bucket_count > 0 ? VEL_OK : VEL_ERR_NOMEM;
    for (uint32_t i = 0; i < streams->bucket_count; i++) {
        while (streams->buckets[i] != NULL) {
            struct vel_stream *s = streams->buckets[i];
            streams->buckets[i] = s->next_in_bucket;
            struct vel_stream **bucket = bucket_of(buckets, count, s->id);
            s->next_in_bucket = *bucket;
            *bucket = s;
        }
    }
    release_buckets(streams);
    streams->buckets = buckets;
    streams->bucket_count = count;
    return VEL_OK;
}

/* Halves that the type lacks are over; the others have the credit of the parameters. */
static void start_halves(const struct vel_streams *streams, struct vel_stream *s)
{
    bool local = vel_streams_is_local(streams, s->id);
    unsigned uni = vel_stream_is_uni(s->id);
    vel_send_buffer_init(&s->send, streams->pool, streams->limits->max_send_buffer);
    vel_recv_buffer_init(&s->recv, streams->pool);
    vel_flow_in_init(&s->recv_flow, streams->limits->max_stream_data);
    s->send_flow.limit = local ? streams->local[uni].initial_data : streams->peer_opened_data;
    if (uni && local)
        s->recv_state = VEL_RECV_DATA_READ;
    if (uni && !local)
        s->send_state = VEL_SEND_DATA_RECVD;
}

vel_result vel_streams_add(struct vel_streams *streams, uint64_t id, struct vel_stream **stream)
{
    TRY(reserve_bucket(streams));
    struct vel_stream *s = vel_alloc(streams->env, sizeof *s);
    REQUIRE(s != NULL, VEL_ERR_NOMEM);
    *s = (struct vel_stream){.id = id, .urgency = VEL_URGENCY_DEFAULT};
    start_halves(streams, s);
    struct vel_stream **bucket = bucket_of(streams->buckets, streams->bucket_count, id);
    s->next_in_bucket = *bucket;
    *bucket = s;
    streams->count++;
    *stream = s;
    return VEL_OK;
}

/* The peer may open another one for each of its streams that is over; it is told when a quarter
 * of them can be announced at once: a client that uses half of its credit is not kept waiting, and
 * those that count what is left open no second connection. */
static void return_stream(struct vel_streams *streams, struct vel_stream *s)
{
    unsigned uni = vel_stream_is_uni(s->id);
    struct vel_streams_remote *remote = &streams->remote[uni];
    s->counted = true;
    remote->over++;
    uint64_t limit = remote->over + remote->at_a_time;
    if (4 * (limit - remote->limit) < remote->at_a_time)
        return;
    remote->limit = limit;
    streams->pending |= (uint8_t)(VEL_PENDING_MAX_STREAMS_BIDI << uni);
}

void vel_streams_count_over(struct vel_streams *streams, struct vel_stream *s)
{
    struct vel_streams_remote *remote = &streams->remote[vel_stream_is_uni(s->id)];
    bool all_sent = vel_stream_send_over(s) ||
                    (s->send_state == VEL_SEND_DATA_SENT && !vel_send_buffer_has_lost(&s->send));
    if (s->counted || vel_streams_is_local(streams, s->id) || !all_sent ||
        !vel_stream_recv_over(s) || remote->lingering == remote->at_a_time)
        return;
    remote->lingering++;
    return_stream(streams, s);
}

/* It is gone for good: it does not linger, or counts only now. */
static void settle_count(struct vel_streams *streams, struct vel_stream *s)
{
    if (s->counted)
        streams->remote[vel_stream_is_uni(s->id)].lingering--;
    else
        return_stream(streams, s);
}

static void forget(struct vel_streams *streams, struct vel_stream *s)
{
    struct vel_stream **link = bucket_of(streams->buckets, streams->bucket_count, s->id);
    while (*link != s)
        link = &(*link)->next_in_bucket;
    *link = s->next_in_bucket;
    streams->count--;
    if (streams->fed == s)
        streams->fed = NULL;
    if (!vel_streams_is_local(streams, s->id))
        settle_count(streams, s);
    free_stream(streams, s);
}

void vel_streams_totals(const struct vel_streams *streams, uint64_t *opened, uint64_t *accepted)
{
    *opened = streams->local[0].opened + streams->local[1].opened;
    *accepted = streams->remote[0].opened + streams->remote[1].opened;
}

size_t vel_streams_count(const struct vel_streams *streams)
{
    return streams->count;
}

void vel_streams_trim(struct vel_streams *streams)
{
    for (uint32_t i = 0; i < streams->bucket_count; i++)
        for (struct vel_stream *s = streams->buckets[i]; s != NULL; s = s->next_in_bucket)
            vel_recv_buffer_trim(&s->recv);
    vel_pool_trim(streams->pool);
}

/* ---- events ---- */

void vel_streams_event(struct vel_streams *streams, struct vel_stream *s, enum vel_event_type event)
{
    s->events |= (uint16_t)(1 << event);
    if (!vel_queue_holds(&s->event_link))
        vel_queue_push(&streams->events, &s->event_link);
}

void vel_streams_withdraw(struct vel_stream *s, enum vel_event_type event)
{
    s->events &= (uint16_t)~(1 << event);
    if (s->events == 0)
        vel_queue_remove(&s->event_link);
}

bool vel_streams_has_events(const struct vel_streams *streams)
{
    return streams->available || !vel_queue_is_empty(&streams->events);
}

static uint64_t event_code(const struct vel_stream *s, enum vel_event_type type)
{
    if (type == VEL_EVENT_STREAM_RESET)
        return s->peer_reset_code;
    return type == VEL_EVENT_STREAM_STOPPED ? s->peer_stop_code : 0;
}

bool vel_streams_next_event(struct vel_streams *streams, struct vel_event *event)
{
    if (streams->told != NULL)
        forget(streams, GIVE(streams->told));
    struct vel_stream *s = VEL_QUEUE_FIRST(&streams->events, event_link);
    if (s == NULL) {
        bool available = streams->available;
        streams->available = false;
        if (available)
            *event = (struct vel_event){.type = VEL_EVENT_STREAMS_AVAILABLE};
        return available;
    }
    enum vel_event_type type = (enum vel_event_type)__builtin_ctz(s->events);
    *event = (struct vel_event){.type = type, .stream = s->id, .code = event_code(s, type)};
    vel_streams_withdraw(s, type);
    if (type == VEL_EVENT_STREAM_CLOSED)
        streams->told = s;
    return true;
}
