/* SPDX-License-Identifier: MIT */
#include "handshake/schedule.h"

#include "base/own.h"
#include "base/try.h"
#include "handshake/exporter.h"

static const char prefix[] = "vel1 ";

/* HKDF-Expand-Label to one hash length. */
static vel_result expand(const struct vel_schedule *s, const struct vel_secret *secret,
                         const char *label, struct vel_slice context, struct vel_secret *out)
{
    OWNED(vel_secret_clear) struct vel_secret made = {.len = vel_hash_size(s->hash)};
    TRY(vel_hkdf_expand_label(s->crypto, s->hash, vel_secret_slice(secret), prefix, label, context,
                              made.bytes, made.len));
    *out = made;
    return VEL_OK;
}

static vel_result digest(const struct vel_schedule *s, struct vel_slice bytes,
                         struct vel_secret *out)
{
    TRY(vel_digest(s->crypto, s->hash, &bytes, 1, out->bytes));
    out->len = vel_hash_size(s->hash);
    return VEL_OK;
}

/* Derive-Secret over an empty transcript. */
static vel_result derive_from_nothing(const struct vel_schedule *s, const struct vel_secret *secret,
                                      const char *label, struct vel_secret *out)
{
    struct vel_secret nothing;
    TRY(digest(s, (struct vel_slice){0}, &nothing));
    return expand(s, secret, label, vel_secret_slice(&nothing), out);
}

/* main = Extract(Derive-Secret(main, "derived", ""), input) */
static vel_result advance(struct vel_schedule *s, struct vel_slice input)
{
    OWNED(vel_secret_clear) struct vel_secret salt = {0};
    OWNED(vel_secret_clear) struct vel_secret next = {0};
    TRY(derive_from_nothing(s, &s->main, "derived", &salt));
    TRY(vel_hkdf_extract(s->crypto, s->hash, vel_secret_slice(&salt), input, &next));
    s->main = next;
    return VEL_OK;
}

/* Hash-length zero bytes, where TLS has no secret to put in. */
static struct vel_slice zeroes(const struct vel_schedule *s)
{
    static const uint8_t zero[VEL_HASH_MAX];
    return vel_slice(zero, vel_hash_size(s->hash));
}

vel_result vel_schedule_start(struct vel_schedule *s, const struct vel_crypto *crypto,
                              enum vel_hash_id hash)
{
    struct vel_schedule made = {.crypto = crypto, .hash = hash};
    TRY(vel_hkdf_extract(crypto, hash, (struct vel_slice){0}, zeroes(&made), &made.main));
    *s = made;
    vel_schedule_clear(&made);
    return VEL_OK;
}

vel_result vel_schedule_handshake(struct vel_schedule *s, struct vel_slice shared,
                                  struct vel_slice transcript)
{
    TRY(advance(s, shared));
    TRY(expand(s, &s->main, "c hs traffic", transcript, &s->client_handshake));
    return expand(s, &s->main, "s hs traffic", transcript, &s->server_handshake);
}

vel_result vel_schedule_master(struct vel_schedule *s, struct vel_slice transcript)
{
    TRY(advance(s, zeroes(s)));
    TRY(expand(s, &s->main, "c ap traffic", transcript, &s->client_app));
    TRY(expand(s, &s->main, "s ap traffic", transcript, &s->server_app));
    TRY(expand(s, &s->main, "exp master", transcript, &s->exporter));
    vel_secret_clear(&s->main);
    return VEL_OK;
}

vel_result vel_schedule_finished(const struct vel_schedule *s, const struct vel_secret *traffic,
                                 struct vel_slice transcript, struct vel_secret *out)
{
    OWNED(vel_secret_clear) struct vel_secret key = {0};
    TRY(expand(s, traffic, "finished", (struct vel_slice){0}, &key));
    TRY(vel_hmac(s->crypto, s->hash, vel_secret_slice(&key), transcript, out->bytes));
    out->len = vel_hash_size(s->hash);
    return VEL_OK;
}

vel_result vel_schedule_export(const struct vel_schedule *s, const char *label,
                               struct vel_slice context, uint8_t *out, size_t size)
{
    return vel_exporter_derive(s->crypto, s->hash, prefix, &s->exporter, label, context, out, size);
}

void vel_schedule_clear(struct vel_schedule *s)
{
    vel_wipe(s, sizeof *s);
}
