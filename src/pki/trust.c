/* SPDX-License-Identifier: MIT */
#include "pki/trust.h"

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "pki/pem.h"
#include "pki/signature.h"
#include "pki/verify.h"

struct vel_trust {
    const struct vel_env *env;
    const struct vel_crypto *crypto;
    struct vel_anchor *anchors;
    size_t count;
    size_t capacity;
};

enum { FIRST_CAPACITY = 16 };

vel_result vel_trust_new(const struct vel_env *env, const struct vel_crypto *crypto,
                         struct vel_trust **trust)
{
    struct vel_trust *made = vel_alloc(env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = env;
    made->crypto = crypto;
    *trust = made;
    return VEL_OK;
}

static void anchor_clear(struct vel_anchor *anchor)
{
    vel_dual_key_clear(&anchor->keys);
    vel_buf_free(&anchor->der);
}

static void drop_from(struct vel_trust *trust, size_t count)
{
    while (trust->count > count)
        anchor_clear(&trust->anchors[--trust->count]);
}

static vel_result make_room(struct vel_trust *trust)
{
    REQUIRE(trust->count < VEL_ANCHORS_MAX, VEL_ERR_LIMIT);
    if (trust->count < trust->capacity)
        return VEL_OK;
    size_t capacity = trust->capacity == 0 ? FIRST_CAPACITY : 2 * trust->capacity;
    struct vel_anchor *moved = vel_alloc(trust->env, capacity * sizeof *moved);
    REQUIRE(moved != NULL, VEL_ERR_NOMEM);
    if (trust->count > 0)
        memcpy(moved, trust->anchors, trust->count * sizeof *moved);
    vel_release(trust->env, trust->anchors, trust->capacity * sizeof *moved);
    trust->anchors = moved;
    trust->capacity = capacity;
    return VEL_OK;
}

/* Decode and judge; a failed check is a finding, not an error. */
static vel_result judge(const struct vel_trust *trust, struct vel_anchor *anchor)
{
    enum vel_err err = vel_cert_keys(trust->crypto, &anchor->cert, &anchor->state, &anchor->keys);
    if (err == VEL_OK && vel_cert_is_self_issued(&anchor->cert))
        err = vel_cert_signed_by(trust->env, trust->crypto, &anchor->cert, &anchor->keys,
                                 &anchor->state);
    if (err == VEL_OK)
        anchor->state = VEL_CERT_OK;
    return err == VEL_ERR_AUTH ? VEL_OK : err;
}

static vel_result add(struct vel_trust *trust, struct vel_reader *text)
{
    OWNED(anchor_clear)
    struct vel_anchor made = {.der = {.env = trust->env, .limit = VEL_CERT_MAX_BYTES}};
    TRY(vel_pem_next(text, VEL_PEM_CERTIFICATE, &made.der));
    TRY(vel_cert_parse(vel_buf_slice(&made.der), &made.cert));
    TRY(judge(trust, &made));
    TRY(make_room(trust));
    trust->anchors[trust->count++] = made;
    made = (struct vel_anchor){0};
    return VEL_OK;
}

vel_result vel_trust_add_pem(struct vel_trust *trust, struct vel_slice pem)
{
    size_t before = trust->count;
    struct vel_reader text = vel_reader(pem);
    enum vel_err err = VEL_OK;
    while (err == VEL_OK)
        err = add(trust, &text);
    if (err == VEL_ERR_NOT_FOUND && trust->count > before)
        return VEL_OK;
    drop_from(trust, before);
    return err == VEL_ERR_NOT_FOUND ? VEL_ERR_MALFORMED : err;
}

void vel_trust_free(struct vel_trust *trust)
{
    if (trust == NULL)
        return;
    drop_from(trust, 0);
    vel_release(trust->env, trust->anchors, trust->capacity * sizeof *trust->anchors);
    vel_release(trust->env, trust, sizeof *trust);
}

const struct vel_anchor *vel_trust_anchor(const struct vel_trust *trust, size_t n)
{
    return n < trust->count ? &trust->anchors[n] : NULL;
}
