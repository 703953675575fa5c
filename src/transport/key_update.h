/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_KEY_UPDATE_H
#define TRANSPORT_KEY_UPDATE_H

#include "base/secret.h"
#include "base/units.h"
#include "handshake/handshake.h"
#include "transport/keys.h"

/*
 * Key update of 1-RTT packets, RFC 9001 section 6, VEL-TR-21, VEL-TR-22: the keys of the application space wear out and
 * are replaced by their successors, generation after generation, without a message. The Key Phase
 * bit of a packet is the lowest bit of its generation.
 *
 *      last  <-  this  ->  next            keys to open packets with; to seal there is only this
 *
 * `next` is made ahead, so that a packet that begins a generation takes as long to open, or to be
 * refused, as any other (9.5). `last` opens packets that were overtaken; it is wiped three probe
 * time-outs after the first packet of this generation came. The header mask never changes.
 *
 * Either side may begin; the other one follows with the first packet it opens with `next`. Who has
 * begun waits until the peer acknowledges a packet of this generation, and then three times the
 * largest probe time-out, before it begins again (6.1, 6.5).
 *
 * VEL-TR-55: packet numbers are a track's (transport/track.h), keys are the connection's: what decides between the
 * keys is kept for each track in a struct vel_key_phase, and begins anew with each generation.
 *
 * All zero is "no secrets yet": then there is nothing to open with `next`. Release with
 * vel_key_update_clear. The keys it replaces are the caller's and stay where they are.
 */
enum vel_key_generation { VEL_KEYS_THIS, VEL_KEYS_LAST, VEL_KEYS_NEXT };

/* The packets of this generation on one track. */
struct vel_key_phase {
    uint64_t first_sent;       /* our first packet number of this generation */
    uint64_t first_received;   /* the peer's lowest; VEL_NUMBER_NONE: nothing came yet */
    uint64_t largest_received; /* the peer's largest; meaningful when something came */
};

struct vel_key_update {
    const struct vel_crypto *crypto;
    const struct vel_version *version;
    const struct vel_suite *suite;
    struct vel_keys *read, *write; /* of this generation */
    struct vel_secret read_secret; /* of the next generation */
    struct vel_secret write_secret;
    struct vel_aead *last, *next;
    vel_time last_until; /* when `last` is wiped; VEL_NEVER: there is none, or not known yet */
    vel_time not_before; /* when we may begin again; VEL_NEVER: unknown, or it has passed */
    uint64_t count;      /* updates so far */
    bool told;           /* we acknowledged a packet of this generation */
    bool confirmed;      /* the peer did */
    bool rested;         /* and not_before has passed */
    bool asleep;         /* the contexts may be at rest */
    enum vel_key_generation opened; /* keys of the packet that was opened last */
};

/* `read` and `write` are the application space's and outlive the update. */
void vel_key_update_init(struct vel_key_update *u, const struct vel_crypto *crypto,
                         struct vel_keys *read, struct vel_keys *write);
void vel_key_update_clear(struct vel_key_update *u);

/* The handshake gave the first traffic secret of a direction, whose keys are in place. suite is a
 * row of a constant table. VEL_ERR_CRYPTO, VEL_ERR_NOMEM: the connection cannot go on */
vel_result vel_key_update_set_secret(struct vel_key_update *u, const struct vel_version *version,
                                     const struct vel_suite *suite, enum vel_direction direction,
                                     const struct vel_secret *secret);

/* The connection is quiet: all contexts keep nothing but their keys (crypto/aead.h). The next packet wakes
 * those of all generations, whatever its own is: its time does not tell. */
void vel_key_update_rest(struct vel_key_update *u);

/* VEL_BIT_KEY_PHASE or 0: for the short header of what is sealed now. */
uint8_t vel_key_update_bit(const struct vel_key_update *u);

/* A generation begins on a track whose next packet number is `next_sent`: every track's phase is begun
 * when u->count has changed. The first one begins with {0, VEL_NUMBER_NONE, 0}. */
struct vel_key_phase vel_key_phase_begin(uint64_t next_sent);

/* Open a 1-RTT packet of a track with the keys that its number and phase ask for. Parameters and
 * errors as for vel_packet_open. Which keys they were is kept in u->opened. */
vel_result vel_key_update_open(struct vel_key_update *u, const struct vel_key_phase *phase,
                               uint32_t path, uint64_t largest, uint8_t *packet,
                               size_t number_offset, size_t size, struct vel_opened *opened);

/* The second step alone, of a packet whose header is open: `found`, as vel_packet_unprotect leaves it. Sets
 * the payload. Errors as for vel_packet_decrypt. */
vel_result vel_key_update_decrypt(struct vel_key_update *u, const struct vel_key_phase *phase,
                                  uint32_t path, uint8_t *packet, size_t size,
                                  struct vel_opened *found);

/*
 * The packet that was opened is authentic. When it begins a generation, follow: seal with the new
 * keys from now on; the phases of the other tracks are the caller's to begin, that of this one has
 * begun, with `next_sent`, its next packet number of ours. pto: the largest probe time-out.
 * VEL_ERR_UNEXPECTED  the peer began twice without waiting, or went back to old keys: close with
 *                     KEY_UPDATE_ERROR
 * VEL_ERR_CRYPTO, VEL_ERR_NOMEM  the connection cannot go on
 */
vel_result vel_key_update_received(struct vel_key_update *u, struct vel_key_phase *phase,
                                   uint64_t number, uint64_t next_sent, vel_time now, vel_time pto);

/* The same, as far as it takes neither a time nor new keys, which nearly no packet does. False: it is to be
 * told with vel_key_update_received. */
static inline bool vel_key_update_goes_on(const struct vel_key_update *u,
                                          struct vel_key_phase *phase, uint64_t number)
{
    bool clock_starts = u->last != NULL && u->last_until == VEL_NEVER;
    if (u->opened != VEL_KEYS_THIS || clock_starts || number < phase->first_received)
        return false;
    phase->largest_received = VEL_MAX(phase->largest_received, number);
    return true;
}

/* An ACK frame of a track up to `largest` leaves, sealed with this generation's keys. */
void vel_key_update_told(struct vel_key_update *u, const struct vel_key_phase *phase,
                         uint64_t largest);

/* An ACK frame of a track up to `largest` came in the packet opened last.
 * VEL_ERR_UNEXPECTED  it acknowledges new keys under old ones (6.2): KEY_UPDATE_ERROR */
vel_result vel_key_update_acked(struct vel_key_update *u, const struct vel_key_phase *phase,
                                uint64_t largest, vel_time now, vel_time pto);

/* May we begin a generation? The caller knows that the handshake is confirmed. */
bool vel_key_update_is_allowed(const struct vel_key_update *u);

/* Begin one; the phases of all tracks are the caller's to begin. Nothing changes on failure.
 * VEL_ERR_CRYPTO, VEL_ERR_NOMEM */
vel_result vel_key_update_begin(struct vel_key_update *u);

/* When the last generation's keys must go, or the next one may begin; VEL_NEVER. */
static inline vel_time vel_key_update_deadline(const struct vel_key_update *u)
{
    return VEL_MIN(u->last_until, u->not_before);
}
void vel_key_update_expire(struct vel_key_update *u, vel_time now);

#endif
