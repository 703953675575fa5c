/* SPDX-License-Identifier: MIT */
#include "transport/datagrams.h"

#include <string.h>

#include "base/own.h"
#include "base/try.h"

static void release(const struct vel_env *env, struct vel_datagram *datagram)
{
    if (datagram != NULL)
        vel_release(env, datagram, sizeof *datagram + datagram->len);
}

static struct vel_datagram *make(const struct vel_env *env, struct vel_slice bytes)
{
    struct vel_datagram *made = vel_alloc(env, sizeof *made + bytes.len);
    if (made == NULL)
        return NULL;
    *made = (struct vel_datagram){.len = bytes.len};
    if (bytes.len > 0)
        memcpy(made->bytes, bytes.ptr, bytes.len);
    return made;
}

/* Take out the one that `link` points to. */
static struct vel_datagram *unlink_at(struct vel_datagram_queue *queue, struct vel_datagram **link)
{
    struct vel_datagram *found = *link;
    *link = found->next;
    if (found == queue->last)
        queue->last = NULL;
    queue->count--;
    queue->bytes -= found->len;
    return found;
}

/* Behind those that are as urgent: mostly behind them all. A packet may bring hundreds of them. */
static void insert(struct vel_datagram_queue *queue, struct vel_datagram *datagram)
{
    bool behind_all = queue->last != NULL && queue->last->urgency <= datagram->urgency;
    struct vel_datagram **link = behind_all ? &queue->last->next : &queue->first;
    while (*link != NULL && (*link)->urgency <= datagram->urgency)
        link = &(*link)->next;
    datagram->next = *link;
    *link = datagram;
    if (datagram->next == NULL)
        queue->last = datagram;
    queue->count++;
    queue->bytes += datagram->len;
}

static bool has_room(const struct vel_datagram_queue *queue, size_t len)
{
    return queue->count < VEL_DATAGRAMS_WAITING && queue->bytes + len <= VEL_DATAGRAMS_BYTES;
}

static void empty(const struct vel_env *env, struct vel_datagram_queue *queue)
{
    while (queue->first != NULL)
        release(env, unlink_at(queue, &queue->first));
}

void vel_datagrams_clear(struct vel_datagrams *d)
{
    empty(d->env, &d->out);
    empty(d->env, &d->in);
    release(d->env, GIVE(d->shown));
    if (d->seen != NULL)
        vel_release(d->env, d->seen, sizeof *d->seen);
    d->seen = NULL;
    d->arrived = false;
}

static void drop_expired(struct vel_datagrams *d, vel_time now)
{
    struct vel_datagram **link = &d->out.first;
    while (*link != NULL) {
        if ((*link)->expires > now) {
            link = &(*link)->next;
            continue;
        }
        release(d->env, unlink_at(&d->out, link));
        d->stats.expired++;
    }
}

vel_result vel_datagrams_push(struct vel_datagrams *d, const struct vel_datagram_order *order,
                              vel_time now, uint64_t *id)
{
    if (!has_room(&d->out, order->bytes.len))
        drop_expired(d, now);
    REQUIRE(has_room(&d->out, order->bytes.len), VEL_ERR_AGAIN);
    struct vel_datagram *made = make(d->env, order->bytes);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->id = ++d->last_id;
    made->expires = order->expires;
    made->urgency = order->urgency;
    made->choice = (uint8_t)order->choice;
    insert(&d->out, made);
    if (id != NULL)
        *id = made->id;
    return VEL_OK;
}

/* From a link on: that to the first of a set, or the last one. The queue is short. */
static struct vel_datagram **first_of(struct vel_datagram **link, unsigned choices)
{
    while (*link != NULL && (choices >> (*link)->choice & 1) == 0)
        link = &(*link)->next;
    return link;
}

const struct vel_datagram *vel_datagrams_first(const struct vel_datagrams *d, unsigned choices)
{
    struct vel_datagram *first = d->out.first;
    return *first_of(&first, choices);
}

const struct vel_datagram *vel_datagrams_next(struct vel_datagrams *d, unsigned choices,
                                              size_t most, vel_time now)
{
    struct vel_datagram **link;
    while (*(link = first_of(&d->out.first, choices)) != NULL) {
        bool too_long = (*link)->len > most;
        if ((*link)->expires > now && !too_long)
            return *link;
        d->stats.too_long += too_long;
        d->stats.expired += !too_long;
        release(d->env, unlink_at(&d->out, link));
    }
    return NULL;
}

void vel_datagrams_sent(struct vel_datagrams *d, const struct vel_datagram *datagram)
{
    struct vel_datagram **link = &d->out.first;
    while (*link != datagram)
        link = &(*link)->next;
    d->stats.sent++;
    release(d->env, unlink_at(&d->out, link));
}

static uint64_t *word_of(struct vel_datagram_seen *seen, uint64_t number)
{
    return &seen->bits[number % VEL_DATAGRAMS_SEEN / 64];
}

static uint64_t bit_of(uint64_t number)
{
    return UINT64_C(1) << number % 64;
}

/* Numbers up to this one are within reach: nothing is known of the new ones. */
static void reach(struct vel_datagram_seen *seen, uint64_t number)
{
    bool far = number - seen->next >= VEL_DATAGRAMS_SEEN;
    if (far)
        memset(seen->bits, 0, sizeof seen->bits);
    /* A peer that skips numbers pays for it: a word at a time, not a bit. */
    for (uint64_t n = seen->next; !far && n <= number; n = (n | 63) + 1) {
        uint64_t from = UINT64_MAX << n % 64;
        uint64_t to = (n | 63) <= number ? UINT64_MAX : UINT64_MAX >> (63 - number % 64);
        *word_of(seen, n) &= ~(from & to);
    }
    seen->next = number + 1;
}

bool vel_datagrams_is_new(struct vel_datagrams *d, uint64_t number)
{
    if (d->seen == NULL) {
        d->seen = vel_alloc(d->env, sizeof *d->seen);
        if (d->seen == NULL)
            return false;
        *d->seen = (struct vel_datagram_seen){0};
    }
    struct vel_datagram_seen *seen = d->seen;
    if (number >= seen->next)
        reach(seen, number);
    if (seen->next - number > VEL_DATAGRAMS_SEEN)
        return false;
    bool is_new = (*word_of(seen, number) & bit_of(number)) == 0;
    *word_of(seen, number) |= bit_of(number);
    return is_new;
}

void vel_datagrams_received(struct vel_datagrams *d, struct vel_slice bytes)
{
    d->stats.received++;
    struct vel_datagram *made = make(d->env, bytes);
    if (made == NULL) {
        d->stats.overflowed++;
        return;
    }
    while (d->in.first != NULL && !has_room(&d->in, bytes.len)) {
        release(d->env, unlink_at(&d->in, &d->in.first));
        d->stats.overflowed++;
    }
    insert(&d->in, made);
    d->arrived = true;
}

bool vel_datagrams_take(struct vel_datagrams *d, struct vel_slice *bytes)
{
    release(d->env, GIVE(d->shown));
    if (d->in.first == NULL)
        return false;
    d->shown = unlink_at(&d->in, &d->in.first);
    *bytes = vel_slice(d->shown->bytes, d->shown->len);
    return true;
}
