/* SPDX-License-Identifier: MIT */
#include "transport/cids.h"

#include "base/secret.h"
#include "base/try.h"
#include "base/units.h"

void vel_cids_init(struct vel_cids *cids, const struct vel_cid *ours, const struct vel_cid *peer)
{
    *cids = (struct vel_cids){.local_next = 1};
    cids->local[0] = (struct vel_local_cid){.cid = *ours, .in_use = true};
    cids->remote[0] = (struct vel_remote_cid){.cid = *peer, .in_use = true, .taken = true};
    cids->seen = 1;
}

void vel_cids_init_empty(struct vel_cids *cids)
{
    *cids = (struct vel_cids){0};
}

/* Its slot; VEL_CIDS_REMOTE when it is retired. */
static size_t find_remote(const struct vel_cids *cids, uint64_t sequence)
{
    size_t i = 0;
    while (i < VEL_CIDS_REMOTE && !(cids->remote[i].in_use && cids->remote[i].sequence == sequence))
        i++;
    return i;
}

const struct vel_cid *vel_cids_peer(const struct vel_cids *cids, uint64_t sequence)
{
    size_t slot = find_remote(cids, sequence);
    return slot < VEL_CIDS_REMOTE ? &cids->remote[slot].cid : NULL;
}

/* Only a first id can be empty, and it stays alone. */
static bool peer_has_no_ids(const struct vel_cids *cids)
{
    return cids->remote[0].in_use && cids->remote[0].cid.len == 0;
}

void vel_cids_set_peer(struct vel_cids *cids, const struct vel_cid *peer)
{
    cids->remote[0].cid = *peer;
}

void vel_cids_set_peer_token(struct vel_cids *cids, const uint8_t token[VEL_RESET_TOKEN])
{
    memcpy(cids->remote[0].reset_token, token, VEL_RESET_TOKEN);
    cids->remote[0].has_token = true;
}

vel_result vel_cids_take(struct vel_cids *cids, uint64_t *sequence)
{
    if (peer_has_no_ids(cids)) {
        *sequence = cids->remote[0].sequence;
        return VEL_OK;
    }
    struct vel_remote_cid *oldest = NULL;
    for (size_t i = 0; i < VEL_CIDS_REMOTE; i++) {
        struct vel_remote_cid *slot = &cids->remote[i];
        if (slot->in_use && !slot->taken && (oldest == NULL || slot->sequence < oldest->sequence))
            oldest = slot;
    }
    REQUIRE(oldest != NULL, VEL_ERR_AGAIN);
    oldest->taken = true;
    *sequence = oldest->sequence;
    return VEL_OK;
}

static unsigned count_local(const struct vel_cids *cids)
{
    unsigned count = 0;
    for (size_t i = 0; i < VEL_CIDS_LOCAL; i++)
        count += cids->local[i].in_use;
    return count;
}

bool vel_cids_want_local(const struct vel_cids *cids, uint64_t peer_limit)
{
    return count_local(cids) < VEL_MIN(peer_limit, (uint64_t)VEL_CIDS_LOCAL);
}

bool vel_cids_is_local(const struct vel_cids *cids, struct vel_slice id)
{
    for (size_t i = 0; i < VEL_CIDS_LOCAL; i++)
        if (cids->local[i].in_use && vel_slice_equal(vel_cid_slice(&cids->local[i].cid), id))
            return true;
    return false;
}

void vel_cids_add_local(struct vel_cids *cids, const struct vel_cid *cid,
                        const uint8_t reset_token[VEL_RESET_TOKEN])
{
    for (size_t i = 0; i < VEL_CIDS_LOCAL; i++) {
        struct vel_local_cid *slot = &cids->local[i];
        if (slot->in_use)
            continue;
        *slot = (struct vel_local_cid){
            .cid = *cid, .sequence = cids->local_next++, .in_use = true, .due = true};
        memcpy(slot->reset_token, reset_token, VEL_RESET_TOKEN);
        return;
    }
}

vel_result vel_cids_on_retire(struct vel_cids *cids, uint64_t sequence,
                              const struct vel_cid *arrived_on, struct vel_cid *retired)
{
    REQUIRE(sequence < cids->local_next, VEL_ERR_UNEXPECTED);
    *retired = (struct vel_cid){0};
    for (size_t i = 0; i < VEL_CIDS_LOCAL; i++) {
        struct vel_local_cid *slot = &cids->local[i];
        if (!slot->in_use || slot->sequence != sequence)
            continue;
        REQUIRE(!vel_cid_equal(&slot->cid, arrived_on), VEL_ERR_UNEXPECTED);
        *retired = slot->cid;
        *slot = (struct vel_local_cid){0};
        return VEL_OK;
    }
    return VEL_OK;
}

/* RFC 9000 5.1.2: a peer that makes us retire faster than it acknowledges is at fault. */
static vel_result retire(struct vel_cids *cids, uint64_t sequence)
{
    struct vel_retiring_cid *free_slot = NULL;
    for (size_t i = 0; i < VEL_CIDS_RETIRING; i++) {
        struct vel_retiring_cid *slot = &cids->retiring[i];
        if (slot->in_use && slot->sequence == sequence)
            return VEL_OK;
        if (!slot->in_use && free_slot == NULL)
            free_slot = slot;
    }
    REQUIRE(free_slot != NULL, VEL_ERR_LIMIT);
    *free_slot = (struct vel_retiring_cid){.sequence = sequence, .in_use = true, .due = true};
    return VEL_OK;
}

static unsigned count_retirable(const struct vel_cids *cids)
{
    unsigned count = 0;
    for (size_t i = 0; i < VEL_CIDS_RETIRING; i++)
        count += !cids->retiring[i].in_use;
    return count;
}

/* All of them or none: the close that follows a failure still needs an id to be sent to. */
static vel_result retire_below(struct vel_cids *cids, uint64_t retire_prior)
{
    unsigned wanted = 0;
    for (size_t i = 0; i < VEL_CIDS_REMOTE; i++)
        wanted += cids->remote[i].in_use && cids->remote[i].sequence < retire_prior;
    REQUIRE(wanted <= count_retirable(cids), VEL_ERR_LIMIT);
    for (size_t i = 0; i < VEL_CIDS_REMOTE; i++) {
        struct vel_remote_cid *slot = &cids->remote[i];
        if (!slot->in_use || slot->sequence >= retire_prior)
            continue;
        TRY(retire(cids, slot->sequence));
        *slot = (struct vel_remote_cid){0};
    }
    cids->retire_prior = retire_prior;
    return VEL_OK;
}

vel_result vel_cids_give_up(struct vel_cids *cids, uint64_t sequence)
{
    size_t slot = find_remote(cids, sequence);
    if (slot == VEL_CIDS_REMOTE || peer_has_no_ids(cids))
        return VEL_OK;
    TRY(retire(cids, sequence));
    cids->remote[slot] = (struct vel_remote_cid){0};
    return VEL_OK;
}

/* A repeat must be the same in all three (RFC 9000 19.15). */
static vel_result check_repeat(const struct vel_cids *cids, uint64_t sequence,
                               const struct vel_cid *cid, const uint8_t token[VEL_RESET_TOKEN])
{
    for (size_t i = 0; i < VEL_CIDS_REMOTE; i++) {
        const struct vel_remote_cid *slot = &cids->remote[i];
        bool same_id = slot->in_use && vel_cid_equal(&slot->cid, cid);
        if (!slot->in_use || (slot->sequence != sequence && !same_id))
            continue;
        REQUIRE(same_id && slot->sequence == sequence, VEL_ERR_UNEXPECTED);
        REQUIRE(slot->has_token && memcmp(slot->reset_token, token, VEL_RESET_TOKEN) == 0,
                VEL_ERR_UNEXPECTED);
    }
    return VEL_OK;
}

/* True for a sequence number that was never seen before. Those too old to know count as seen: a
 * frame that comes again must not bring back an id that we have retired. */
static bool is_news(struct vel_cids *cids, uint64_t sequence)
{
    enum { WINDOW = 64 };
    if (sequence > cids->newest) {
        uint64_t step = sequence - cids->newest;
        cids->seen = step < WINDOW ? cids->seen << step | 1 : 1;
        cids->newest = sequence;
        return true;
    }
    uint64_t age = cids->newest - sequence;
    if (age >= WINDOW || (cids->seen >> age & 1) != 0)
        return false;
    cids->seen |= UINT64_C(1) << age;
    return true;
}

static vel_result add_remote(struct vel_cids *cids, uint64_t sequence, const struct vel_cid *cid,
                             const uint8_t token[VEL_RESET_TOKEN])
{
    for (size_t i = 0; i < VEL_CIDS_REMOTE; i++) {
        struct vel_remote_cid *slot = &cids->remote[i];
        if (slot->in_use)
            continue;
        *slot = (struct vel_remote_cid){
            .cid = *cid, .sequence = sequence, .in_use = true, .has_token = true};
        memcpy(slot->reset_token, token, VEL_RESET_TOKEN);
        return VEL_OK;
    }
    return VEL_ERR_LIMIT;
}

vel_result vel_cids_on_new(struct vel_cids *cids, uint64_t sequence, uint64_t retire_prior,
                           const struct vel_cid *cid, const uint8_t token[VEL_RESET_TOKEN])
{
    /* RFC 9000 19.15: who chose an empty id has no others. */
    REQUIRE(!peer_has_no_ids(cids), VEL_ERR_UNEXPECTED);
    TRY(check_repeat(cids, sequence, cid, token));
    if (retire_prior > cids->retire_prior)
        TRY(retire_below(cids, retire_prior));
    if (!is_news(cids, sequence))
        return VEL_OK;
    if (sequence < cids->retire_prior)
        return retire(cids, sequence);
    return add_remote(cids, sequence, cid, token);
}

struct vel_local_cid *vel_cids_next_new(struct vel_cids *cids)
{
    for (size_t i = 0; i < VEL_CIDS_LOCAL; i++)
        if (cids->local[i].in_use && cids->local[i].due)
            return &cids->local[i];
    return NULL;
}

struct vel_retiring_cid *vel_cids_next_retire(struct vel_cids *cids)
{
    for (size_t i = 0; i < VEL_CIDS_RETIRING; i++)
        if (cids->retiring[i].in_use && cids->retiring[i].due)
            return &cids->retiring[i];
    return NULL;
}

void vel_cids_new_lost(struct vel_cids *cids, uint64_t sequence)
{
    for (size_t i = 0; i < VEL_CIDS_LOCAL; i++)
        if (cids->local[i].in_use && cids->local[i].sequence == sequence)
            cids->local[i].due = true;
}

void vel_cids_retire_lost(struct vel_cids *cids, uint64_t sequence)
{
    for (size_t i = 0; i < VEL_CIDS_RETIRING; i++)
        if (cids->retiring[i].in_use && cids->retiring[i].sequence == sequence)
            cids->retiring[i].due = true;
}

void vel_cids_retire_acked(struct vel_cids *cids, uint64_t sequence)
{
    for (size_t i = 0; i < VEL_CIDS_RETIRING; i++)
        if (cids->retiring[i].in_use && cids->retiring[i].sequence == sequence)
            cids->retiring[i] = (struct vel_retiring_cid){0};
}

bool vel_cids_is_reset_token(const struct vel_cids *cids, const uint8_t token[VEL_RESET_TOKEN])
{
    bool found = false;
    for (size_t i = 0; i < VEL_CIDS_REMOTE; i++) {
        const struct vel_remote_cid *slot = &cids->remote[i];
        bool equal = vel_equal_secret(vel_slice(slot->reset_token, VEL_RESET_TOKEN),
                                      vel_slice(token, VEL_RESET_TOKEN));
        found |= slot->in_use && slot->taken && slot->has_token && equal;
    }
    return found;
}
