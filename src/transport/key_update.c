/* SPDX-License-Identifier: MIT */
#include "transport/key_update.h"

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"

/* RFC 9001 6.5: how long old keys are kept, and how long the next update waits. */
enum { PTO_COUNT = 3 };

OWNED_POINTER(release_aead, struct vel_aead, vel_aead_free)

void vel_key_update_init(struct vel_key_update *u, const struct vel_crypto *crypto,
                         struct vel_keys *read, struct vel_keys *write)
{
    *u = (struct vel_key_update){
        .crypto = crypto,
        .read = read,
        .write = write,
        .last_until = VEL_NEVER,
        .not_before = VEL_NEVER,
    };
}

void vel_key_update_clear(struct vel_key_update *u)
{
    vel_aead_free(u->last);
    vel_aead_free(u->next);
    vel_secret_clear(&u->read_secret);
    vel_secret_clear(&u->write_secret);
    u->last = u->next = NULL;
    u->suite = NULL;
    u->last_until = u->not_before = VEL_NEVER;
}

vel_result vel_key_update_set_secret(struct vel_key_update *u, const struct vel_version *version,
                                     const struct vel_suite *suite, enum vel_direction direction,
                                     const struct vel_secret *secret)
{
    u->version = version;
    u->suite = suite;
    if (direction == VEL_WRITE) {
        u->write_secret = *secret;
        return VEL_OK;
    }
    OWNED(vel_secret_clear) struct vel_secret next = *secret;
    struct vel_aead *aead = NULL;
    TRY(vel_keys_next(u->crypto, version, suite, VEL_READ, &next, &aead));
    vel_aead_free(u->next);
    u->next = aead;
    u->read_secret = next;
    return VEL_OK;
}

void vel_key_update_rest(struct vel_key_update *u)
{
    struct vel_aead *const aeads[] = {u->read->aead, u->write->aead, u->last, u->next};
    struct vel_header_mask *const masks[] = {u->read->mask, u->write->mask};
    for (size_t i = 0; i < VEL_COUNT(aeads); i++)
        if (aeads[i] != NULL)
            vel_aead_rest(aeads[i]);
    for (size_t i = 0; i < VEL_COUNT(masks); i++)
        if (masks[i] != NULL)
            vel_header_mask_rest(masks[i]);
    u->asleep = true;
}

/* 9.5: whatever the phase of the packet that comes. */
static vel_result wake(struct vel_key_update *u)
{
    struct vel_aead *const aeads[] = {u->read->aead, u->last, u->next};
    for (size_t i = 0; i < VEL_COUNT(aeads); i++)
        if (aeads[i] != NULL)
            TRY(vel_aead_wake(aeads[i]));
    u->asleep = false;
    return VEL_OK;
}

uint8_t vel_key_update_bit(const struct vel_key_update *u)
{
    return u->count % 2 != 0 ? VEL_BIT_KEY_PHASE : 0;
}

/* 6.3, 6.5: the other phase is the last one when the number lies before this generation, else the
 * next one. After `last` is gone nothing old opens any more, which costs as much to find out. */
static enum vel_key_generation choose(const struct vel_key_update *u,
                                      const struct vel_key_phase *phase,
                                      const struct vel_opened *opened)
{
    if ((opened->first_byte & VEL_BIT_KEY_PHASE) == vel_key_update_bit(u) || u->next == NULL)
        return VEL_KEYS_THIS;
    bool before =
        phase->first_received == VEL_NUMBER_NONE || opened->number < phase->first_received;
    return u->last != NULL && before ? VEL_KEYS_LAST : VEL_KEYS_NEXT;
}

struct vel_key_phase vel_key_phase_begin(uint64_t next_sent)
{
    return (struct vel_key_phase){.first_sent = next_sent, .first_received = VEL_NUMBER_NONE};
}

vel_result vel_key_update_open(struct vel_key_update *u, const struct vel_key_phase *phase,
                               uint32_t path, uint64_t largest, uint8_t *packet,
                               size_t number_offset, size_t size, struct vel_opened *opened)
{
    struct vel_opened found;
    TRY(vel_packet_unprotect(u->read->mask, largest, packet, number_offset, size, &found));
    TRY(vel_key_update_decrypt(u, phase, path, packet, size, &found));
    *opened = found;
    return VEL_OK;
}

vel_result vel_key_update_decrypt(struct vel_key_update *u, const struct vel_key_phase *phase,
                                  uint32_t path, uint8_t *packet, size_t size,
                                  struct vel_opened *found)
{
    if (u->asleep)
        TRY(wake(u));
    enum vel_key_generation generation = choose(u, phase, found);
    struct vel_aead *const aeads[] = {
        [VEL_KEYS_THIS] = u->read->aead, [VEL_KEYS_LAST] = u->last, [VEL_KEYS_NEXT] = u->next};
    TRY(vel_packet_decrypt(aeads[generation], path, packet, size, found));
    u->opened = generation;
    return VEL_OK;
}

/* On to the next generation in both directions. */
static vel_result advance(struct vel_key_update *u)
{
    OWNED(vel_secret_clear) struct vel_secret read = u->read_secret;
    OWNED(vel_secret_clear) struct vel_secret write = u->write_secret;
    OWNED(release_aead) struct vel_aead *opener = NULL;
    struct vel_aead *sealer = NULL;
    TRY(vel_keys_next(u->crypto, u->version, u->suite, VEL_READ, &read, &opener));
    TRY(vel_keys_next(u->crypto, u->version, u->suite, VEL_WRITE, &write, &sealer));

    vel_aead_free(u->last);
    u->last = u->read->aead;
    u->read->aead = u->next;
    u->next = GIVE(opener);
    vel_aead_free(u->write->aead);
    u->write->aead = sealer;
    u->read_secret = read;
    u->write_secret = write;

    u->count++;
    u->last_until = u->not_before = VEL_NEVER;
    u->told = u->confirmed = u->rested = false;
    return VEL_OK;
}

/* A packet opened with this generation's keys. The first one on any track starts the clock. */
static void note(struct vel_key_update *u, struct vel_key_phase *phase, uint64_t number,
                 vel_time now, vel_time pto)
{
    if (phase->first_received == VEL_NUMBER_NONE)
        phase->first_received = phase->largest_received = number;
    if (u->last != NULL && u->last_until == VEL_NEVER)
        u->last_until = now + PTO_COUNT * pto;
    phase->first_received = VEL_MIN(phase->first_received, number);
    phase->largest_received = VEL_MAX(phase->largest_received, number);
}

vel_result vel_key_update_received(struct vel_key_update *u, struct vel_key_phase *phase,
                                   uint64_t number, uint64_t next_sent, vel_time now, vel_time pto)
{
    if (u->opened == VEL_KEYS_LAST)
        return VEL_OK;
    if (u->opened == VEL_KEYS_NEXT) {
        /* 6.4: keys only get newer as numbers rise; 6.2: the peer waits for our answer. */
        bool went_back =
            phase->first_received != VEL_NUMBER_NONE && number < phase->largest_received;
        bool in_haste = u->count > 0 && !u->told;
        REQUIRE(!went_back && !in_haste, VEL_ERR_UNEXPECTED);
        TRY(advance(u));
        *phase = vel_key_phase_begin(next_sent);
        u->opened = VEL_KEYS_THIS;
    }
    note(u, phase, number, now, pto);
    return VEL_OK;
}

void vel_key_update_told(struct vel_key_update *u, const struct vel_key_phase *phase,
                         uint64_t largest)
{
    u->told |= phase->first_received != VEL_NUMBER_NONE && largest >= phase->first_received;
}

vel_result vel_key_update_acked(struct vel_key_update *u, const struct vel_key_phase *phase,
                                uint64_t largest, vel_time now, vel_time pto)
{
    if (u->confirmed || largest < phase->first_sent)
        return VEL_OK;
    REQUIRE(u->opened != VEL_KEYS_LAST, VEL_ERR_UNEXPECTED);
    u->confirmed = true;
    if (u->count > 0)
        u->not_before = now + PTO_COUNT * pto;
    return VEL_OK;
}

bool vel_key_update_is_allowed(const struct vel_key_update *u)
{
    return u->next != NULL && u->write_secret.len > 0 && (u->count == 0 || u->rested);
}

vel_result vel_key_update_begin(struct vel_key_update *u)
{
    return advance(u);
}

void vel_key_update_expire(struct vel_key_update *u, vel_time now)
{
    if (u->last_until <= now) {
        vel_aead_free(u->last);
        u->last = NULL;
        u->last_until = VEL_NEVER;
    }
    if (u->not_before <= now) {
        u->rested = true;
        u->not_before = VEL_NEVER;
    }
}
