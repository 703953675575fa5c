/* SPDX-License-Identifier: MIT */
#include "handshake/transcript.h"

#include "base/try.h"
#include "base/writer.h"
#include "handshake/messages.h"

enum { PROLOGUE_SIZE = 14 };

/* "Velocity/1" and the version in network order. */
static void write_prologue(uint32_t version, uint8_t out[PROLOGUE_SIZE])
{
    struct vel_writer w = vel_writer(out, PROLOGUE_SIZE);
    vel_write_bytes(&w, vel_slice_text("Velocity/1"));
    vel_write_uint(&w, version, 4);
}

vel_result vel_transcript_start(struct vel_transcript *t, const struct vel_crypto *crypto,
                                enum vel_hash_id hash, uint32_t version)
{
    uint8_t prologue[PROLOGUE_SIZE];
    write_prologue(version, prologue);
    vel_transcript_clear(t);
    *t = (struct vel_transcript){.crypto = crypto, .hash = hash, .version = version};
    TRY(vel_hasher_new(crypto, hash, &t->hasher));
    return vel_hasher_update(t->hasher, vel_slice(prologue, sizeof prologue));
}

vel_result vel_transcript_add(struct vel_transcript *t, struct vel_slice message)
{
    return vel_hasher_update(t->hasher, message);
}

vel_result vel_transcript_retry(struct vel_transcript *t)
{
    struct vel_secret digest;
    TRY(vel_transcript_hash(t, &digest));
    const uint8_t header[VEL_MSG_HEADER] = {VEL_MSG_MESSAGE_HASH, 0, 0, (uint8_t)digest.len};
    TRY(vel_transcript_start(t, t->crypto, t->hash, t->version));
    TRY(vel_transcript_add(t, vel_slice(header, sizeof header)));
    return vel_transcript_add(t, vel_secret_slice(&digest));
}

vel_result vel_transcript_hash(const struct vel_transcript *t, struct vel_secret *out)
{
    TRY(vel_hasher_peek(t->hasher, out->bytes));
    out->len = vel_hash_size(t->hash);
    return VEL_OK;
}

void vel_transcript_clear(struct vel_transcript *t)
{
    vel_hasher_free(t->hasher);
    t->hasher = NULL;
}
