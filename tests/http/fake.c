/* SPDX-License-Identifier: MIT */
#include "http/fake.h"

#include <stdlib.h>

struct fake_chunk {
    struct fake_chunk *next;
    struct vel_slice bytes;
    size_t offset;
    uint8_t *copy;
    vel_release_fn release;
    void *context;
};

static void drop_chunk(struct fake_direction *d)
{
    struct fake_chunk *chunk = d->first;
    d->first = chunk->next;
    if (d->first == NULL)
        d->last = NULL;
    d->queued -= chunk->bytes.len - chunk->offset;
    if (chunk->release != NULL)
        chunk->release(chunk->context, chunk->bytes);
    free(chunk->copy);
    free(chunk);
}

static void drop_all(struct fake_direction *d)
{
    while (d->first != NULL)
        drop_chunk(d);
}

void fake_init(struct fake_pair *pair, size_t buffer_limit)
{
    *pair = (struct fake_pair){.buffer_limit = buffer_limit};
    for (int i = 0; i < 2; i++)
        pair->side[i] = (struct fake_side){.pair = pair, .index = i};
}

void fake_clear(struct fake_pair *pair)
{
    for (size_t i = 0; i < FAKE_STREAMS_MAX; i++) {
        drop_all(&pair->streams[i].from[0]);
        drop_all(&pair->streams[i].from[1]);
    }
}

struct fake_stream *fake_find(struct fake_pair *pair, uint64_t id)
{
    for (size_t i = 0; i < FAKE_STREAMS_MAX; i++)
        if (pair->streams[i].used && pair->streams[i].id == id)
            return &pair->streams[i];
    return NULL;
}

static void post(struct fake_stream *stream, int side, enum vel_event_type type)
{
    stream->events[side] |= 1u << type;
}

static bool is_bidi(uint64_t id)
{
    return (id & 2) == 0;
}

static int opener(uint64_t id)
{
    return (int)(id & 1);
}

static bool may_send(uint64_t id, int side)
{
    return is_bidi(id) || opener(id) == side;
}

static struct fake_stream *make_stream(struct fake_pair *pair, uint64_t id)
{
    for (size_t i = 0; i < FAKE_STREAMS_MAX; i++) {
        struct fake_stream *stream = &pair->streams[i];
        if (stream->used)
            continue;
        *stream = (struct fake_stream){.used = true, .id = id, .urgency = 3, .incremental = true};
        stream->from[1 - opener(id)].over = !is_bidi(id);
        post(stream, 1 - opener(id), VEL_EVENT_STREAM_OPENED);
        return stream;
    }
    return NULL;
}

static void maybe_close(struct fake_stream *stream)
{
    if (!stream->from[0].over || !stream->from[1].over)
        return;
    post(stream, 0, VEL_EVENT_STREAM_CLOSED);
    post(stream, 1, VEL_EVENT_STREAM_CLOSED);
}

static size_t count_bidi(const struct fake_pair *pair)
{
    size_t count = 0;
    for (size_t i = 0; i < FAKE_STREAMS_MAX; i++)
        count += pair->streams[i].used && is_bidi(pair->streams[i].id);
    return count;
}

static vel_result fake_open(void *self, bool bidirectional, uint64_t *id)
{
    struct fake_side *side = self;
    struct fake_pair *pair = side->pair;
    if (pair->closed)
        return VEL_ERR_CLOSED;
    uint64_t next =
        side->opened[!bidirectional] * 4 + (unsigned)side->index + (bidirectional ? 0 : 2);
    bool full = bidirectional && pair->max_bidi != 0 && count_bidi(pair) >= pair->max_bidi;
    if (full || make_stream(pair, next) == NULL) {
        side->refused_open = true;
        return VEL_ERR_AGAIN;
    }
    side->opened[!bidirectional]++;
    *id = next;
    return VEL_OK;
}

static vel_result sending(struct fake_side *side, uint64_t id, struct fake_stream **stream)
{
    *stream = fake_find(side->pair, id);
    if (*stream == NULL || !may_send(id, side->index))
        return VEL_ERR_NOT_FOUND;
    struct fake_direction *d = &(*stream)->from[side->index];
    return side->pair->closed || d->fin || d->reset || d->stopped ? VEL_ERR_CLOSED : VEL_OK;
}

static void queue_chunk(struct fake_side *side, struct fake_stream *stream,
                        struct fake_chunk *chunk, bool fin)
{
    struct fake_direction *d = &stream->from[side->index];
    d->fin = fin;
    if (chunk->bytes.len > 0) {
        if (d->last != NULL)
            d->last->next = chunk;
        else
            d->first = chunk;
        d->last = chunk;
        d->queued += chunk->bytes.len;
        d->total += chunk->bytes.len;
        if (d->queued > side->pair->most_queued)
            side->pair->most_queued = d->queued;
    } else {
        if (chunk->release != NULL)
            chunk->release(chunk->context, chunk->bytes);
        free(chunk->copy);
        free(chunk);
    }
    post(stream, 1 - side->index, VEL_EVENT_STREAM_READABLE);
}

static size_t room(const struct fake_side *side, const struct fake_direction *d)
{
    return d->queued >= side->pair->buffer_limit ? 0 : side->pair->buffer_limit - d->queued;
}

static vel_result fake_write_copy(void *self, uint64_t id, struct vel_slice bytes, bool fin,
                                  size_t *accepted)
{
    struct fake_side *side = self;
    struct fake_stream *stream;
    enum vel_err err = sending(side, id, &stream);
    if (err != VEL_OK)
        return err;
    struct fake_direction *d = &stream->from[side->index];
    size_t size = bytes.len < room(side, d) ? bytes.len : room(side, d);
    struct fake_chunk *chunk = calloc(1, sizeof *chunk);
    chunk->copy = malloc(size + 1);
    if (size > 0)
        memcpy(chunk->copy, bytes.ptr, size);
    chunk->bytes = vel_slice(chunk->copy, size);
    d->short_write = size < bytes.len;
    queue_chunk(side, stream, chunk, fin && size == bytes.len);
    *accepted = size;
    return VEL_OK;
}

static vel_result fake_write_borrowed(void *self, uint64_t id, struct vel_slice bytes, bool fin,
                                      vel_release_fn release, void *context)
{
    struct fake_side *side = self;
    struct fake_stream *stream;
    enum vel_err err = sending(side, id, &stream);
    if (err != VEL_OK)
        return err;
    struct fake_direction *d = &stream->from[side->index];
    if (bytes.len > room(side, d)) {
        d->short_write = true;
        return VEL_ERR_AGAIN;
    }
    struct fake_chunk *chunk = calloc(1, sizeof *chunk);
    *chunk = (struct fake_chunk){.bytes = bytes, .release = release, .context = context};
    side->pair->borrowed++;
    queue_chunk(side, stream, chunk, fin);
    return VEL_OK;
}

static size_t fake_writable(void *self, uint64_t id)
{
    struct fake_side *side = self;
    struct fake_stream *stream;
    if (sending(side, id, &stream) != VEL_OK)
        return 0;
    return room(side, &stream->from[side->index]);
}

static vel_result receiving(struct fake_side *side, uint64_t id, struct fake_stream **stream)
{
    *stream = fake_find(side->pair, id);
    if (*stream == NULL || !may_send(id, 1 - side->index))
        return VEL_ERR_NOT_FOUND;
    const struct fake_direction *d = &(*stream)->from[1 - side->index];
    return d->reset || d->stopped ? VEL_ERR_CLOSED : VEL_OK;
}

static vel_result fake_read(void *self, uint64_t id, struct vel_slice *bytes, bool *fin)
{
    struct fake_side *side = self;
    struct fake_stream *stream;
    enum vel_err err = receiving(side, id, &stream);
    if (err != VEL_OK)
        return err;
    struct fake_direction *d = &stream->from[1 - side->index];
    *bytes = vel_slice(NULL, 0);
    *fin = d->first == NULL && d->fin;
    if (d->first != NULL) {
        size_t size = d->first->bytes.len - d->first->offset;
        if (side->pair->max_chunk != 0 && size > side->pair->max_chunk)
            size = side->pair->max_chunk;
        *bytes = vel_slice(d->first->bytes.ptr + d->first->offset, size);
    }
    if (*fin && !d->over) {
        d->over = true;
        maybe_close(stream);
    }
    return VEL_OK;
}

static vel_result fake_consume(void *self, uint64_t id, size_t count)
{
    struct fake_side *side = self;
    struct fake_stream *stream;
    enum vel_err err = receiving(side, id, &stream);
    if (err != VEL_OK)
        return err;
    struct fake_direction *d = &stream->from[1 - side->index];
    if (d->first == NULL || count > d->first->bytes.len - d->first->offset)
        return VEL_ERR_ARGUMENT;
    d->first->offset += count;
    d->queued -= count;
    if (d->first->offset == d->first->bytes.len)
        drop_chunk(d);
    if (d->short_write)
        post(stream, 1 - side->index, VEL_EVENT_STREAM_WRITABLE);
    return VEL_OK;
}

static vel_result fake_reset(void *self, uint64_t id, uint64_t code)
{
    struct fake_side *side = self;
    struct fake_stream *stream = fake_find(side->pair, id);
    if (stream == NULL || !may_send(id, side->index))
        return VEL_ERR_NOT_FOUND;
    struct fake_direction *d = &stream->from[side->index];
    if (d->reset || (d->fin && d->over))
        return VEL_ERR_CLOSED;
    drop_all(d);
    d->reset = d->over = true;
    stream->code[1 - side->index] = code;
    post(stream, 1 - side->index, VEL_EVENT_STREAM_RESET);
    maybe_close(stream);
    return VEL_OK;
}

static vel_result fake_stop(void *self, uint64_t id, uint64_t code)
{
    struct fake_side *side = self;
    struct fake_stream *stream = fake_find(side->pair, id);
    if (stream == NULL || !may_send(id, 1 - side->index))
        return VEL_ERR_NOT_FOUND;
    struct fake_direction *d = &stream->from[1 - side->index];
    if (d->over || d->stopped)
        return VEL_ERR_CLOSED;
    drop_all(d);
    d->stopped = d->over = true;
    if (!d->fin) {
        stream->code[1 - side->index] = code;
        post(stream, 1 - side->index, VEL_EVENT_STREAM_STOPPED);
    }
    maybe_close(stream);
    return VEL_OK;
}

static vel_result fake_set_priority(void *self, uint64_t id, uint8_t urgency, bool incremental)
{
    struct fake_side *side = self;
    struct fake_stream *stream = fake_find(side->pair, id);
    if (stream == NULL)
        return VEL_ERR_NOT_FOUND;
    stream->urgency = urgency;
    stream->incremental = incremental;
    return VEL_OK;
}

static void fake_close(void *self, uint64_t code, const char *reason)
{
    struct fake_side *side = self;
    (void)reason;
    if (side->pair->closed)
        return;
    side->pair->closed = true;
    side->pair->closed_by = side->index;
    side->pair->close_code = code;
}

struct vel_bytestreams fake_streams(struct fake_pair *pair, int side)
{
    static const struct vel_bytestreams_ops ops = {
        .open = fake_open,
        .write = fake_write_copy,
        .write_borrowed = fake_write_borrowed,
        .writable = fake_writable,
        .read = fake_read,
        .consume = fake_consume,
        .reset = fake_reset,
        .stop = fake_stop,
        .set_priority = fake_set_priority,
        .close = fake_close,
    };
    return (struct vel_bytestreams){.ops = &ops, .self = &pair->side[side]};
}

static void forget(struct fake_pair *pair, struct fake_stream *stream)
{
    if (stream->events[0] != 0 || stream->events[1] != 0)
        return;
    drop_all(&stream->from[0]);
    drop_all(&stream->from[1]);
    stream->used = false;
    for (int i = 0; i < 2; i++) {
        pair->side[i].available = pair->side[i].refused_open;
        pair->side[i].refused_open = false;
    }
}

static bool take(struct fake_pair *pair, int side, struct fake_stream *stream,
                 struct vel_event *event)
{
    for (unsigned type = 0; type <= VEL_EVENT_CLOSED; type++) {
        if ((stream->events[side] >> type & 1) == 0)
            continue;
        stream->events[side] &= ~(1u << type);
        *event = (struct vel_event){.type = type, .stream = stream->id, .code = stream->code[side]};
        if (type == VEL_EVENT_STREAM_WRITABLE)
            stream->from[side].short_write = false;
        if (type == VEL_EVENT_STREAM_CLOSED)
            forget(pair, stream);
        return true;
    }
    return false;
}

bool fake_next_event(struct fake_pair *pair, int side, struct vel_event *event)
{
    if (pair->closed) {
        bool first = !pair->side[side].closed_told;
        pair->side[side].closed_told = true;
        *event = (struct vel_event){.type = VEL_EVENT_CLOSED};
        return first;
    }
    for (size_t i = 0; i < FAKE_STREAMS_MAX; i++)
        if (pair->streams[i].used && take(pair, side, &pair->streams[i], event))
            return true;
    bool available = pair->side[side].available;
    pair->side[side].available = false;
    *event = (struct vel_event){.type = VEL_EVENT_STREAMS_AVAILABLE};
    return available;
}

static bool run_side(struct fake_pair *pair, int side, struct vel_http *http)
{
    struct vel_event event;
    bool moved = false;
    if (http != NULL)
        vel_http_send(http);
    while (fake_next_event(pair, side, &event)) {
        moved = true;
        if (http != NULL)
            vel_http_event(http, &event);
    }
    if (http != NULL)
        vel_http_send(http);
    return moved;
}

void fake_run(struct fake_pair *pair, struct vel_http *client, struct vel_http *server)
{
    /* Quiet twice: what one side sends last is the other's event in the next round. */
    for (int quiet = 0; quiet < 2; quiet++) {
        bool moved = run_side(pair, FAKE_CLIENT, client);
        if (run_side(pair, FAKE_SERVER, server) || moved)
            quiet = -1;
    }
}

void fake_write(struct fake_pair *pair, int side, uint64_t id, struct vel_slice bytes, bool fin)
{
    struct vel_bytestreams streams = fake_streams(pair, side);
    size_t accepted;
    if (fake_find(pair, id) == NULL && make_stream(pair, id) == NULL)
        return;
    enum vel_err ignored = streams.ops->write(streams.self, id, bytes, fin, &accepted);
    (void)ignored;
}

size_t fake_peek(struct fake_pair *pair, int side, uint64_t id, uint8_t *bytes, size_t size)
{
    struct fake_stream *stream = fake_find(pair, id);
    size_t used = 0;
    if (stream == NULL)
        return 0;
    for (struct fake_chunk *c = stream->from[1 - side].first; c != NULL; c = c->next) {
        size_t part = c->bytes.len - c->offset;
        part = part < size - used ? part : size - used;
        memcpy(bytes + used, c->bytes.ptr + c->offset, part);
        used += part;
    }
    return used;
}
