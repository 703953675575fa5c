/* SPDX-License-Identifier: MIT */
#include "handshake/handshake.h"

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "handshake/alpn.h"
#include "handshake/auth.h"
#include "handshake/key_log.h"
#include "handshake/velocity_internal.h"

enum { PARAMS_MAX = 2048 };

/* The CRYPTO stream that each step reads; COUNT: none. */
static const enum vel_level step_level[VEL_STEP_COUNT] = {
    [VEL_STEP_START] = VEL_LEVEL_COUNT,
    [VEL_STEP_HELLO] = VEL_LEVEL_INITIAL,
    [VEL_STEP_HELLO_AGAIN] = VEL_LEVEL_INITIAL,
    [VEL_STEP_CLIENT_HELLO] = VEL_LEVEL_INITIAL,
    [VEL_STEP_CLIENT_HELLO_AGAIN] = VEL_LEVEL_INITIAL,
    [VEL_STEP_EXTENSIONS] = VEL_LEVEL_HANDSHAKE,
    [VEL_STEP_REQUEST] = VEL_LEVEL_HANDSHAKE,
    [VEL_STEP_CERTIFICATE] = VEL_LEVEL_HANDSHAKE,
    [VEL_STEP_VERIFY] = VEL_LEVEL_HANDSHAKE,
    [VEL_STEP_FINISHED] = VEL_LEVEL_HANDSHAKE,
    [VEL_STEP_SIGNING] = VEL_LEVEL_COUNT,
    [VEL_STEP_DONE] = VEL_LEVEL_COUNT,
};

static struct vel_velocity *velocity(struct vel_handshake *hs)
{
    return (struct vel_velocity *)hs; /* base is the first member */
}

/* ---- what both sides use ---- */

vel_result vel_velocity_send(struct vel_velocity *v, enum vel_level level, struct vel_slice message)
{
    TRY(vel_transcript_add(&v->transcript, message));
    return v->sink.write(v->sink.self, level, message);
}

static vel_result give_secret(struct vel_velocity *v, enum vel_level level,
                              enum vel_direction direction, const struct vel_secret *client,
                              const struct vel_secret *server)
{
    bool of_client = v->is_client == (direction == VEL_WRITE);
    const struct vel_secret *secret = of_client ? client : server;
    vel_key_log_secret(v->config, level, of_client, vel_slice(v->random, sizeof v->random), secret);
    return v->sink.secret(v->sink.self, level, direction, v->suite, secret);
}

vel_result vel_velocity_handshake_secrets(struct vel_velocity *v)
{
    const struct vel_schedule *s = &v->schedule;
    TRY(give_secret(v, VEL_LEVEL_HANDSHAKE, VEL_WRITE, &s->client_handshake, &s->server_handshake));
    return give_secret(v, VEL_LEVEL_HANDSHAKE, VEL_READ, &s->client_handshake,
                       &s->server_handshake);
}

vel_result vel_velocity_app_secret(struct vel_velocity *v, enum vel_direction direction)
{
    const struct vel_schedule *s = &v->schedule;
    return give_secret(v, VEL_LEVEL_APP, direction, &s->client_app, &s->server_app);
}

vel_result vel_velocity_begin(struct vel_velocity *v, const struct vel_suite *suite)
{
    TRY(vel_transcript_start(&v->transcript, v->crypto, suite->hash, v->base.facts.version));
    TRY(vel_schedule_start(&v->schedule, v->crypto, suite->hash));
    v->suite = suite;
    v->base.facts.profile = suite->profile;
    v->base.facts.suite = suite->name;
    return VEL_OK;
}

/* VEL-HS-29 */
vel_result vel_velocity_params(struct vel_velocity *v, struct vel_slice params)
{
    enum vel_err err = v->sink.peer_params(v->sink.self, params);
    DEMAND(err == VEL_OK || err == VEL_ERR_NOMEM, &v->base.failure, TRANSPORT_PARAMETER_ERROR,
           "transport parameters are invalid");
    return err;
}

void vel_velocity_alpn(struct vel_velocity *v, struct vel_slice name)
{
    memcpy(v->base.facts.alpn, name.ptr, name.len);
    v->base.facts.alpn_len = name.len;
}

void vel_velocity_complete(struct vel_velocity *v)
{
    v->step = VEL_STEP_DONE;
    v->base.state = VEL_HS_COMPLETE;
    vel_transcript_clear(&v->transcript);
    vel_buf_free(&v->params);
    vel_secret_clear(&v->schedule.client_handshake);
    vel_secret_clear(&v->schedule.server_handshake);
    vel_secret_clear(&v->schedule.client_app);
    vel_secret_clear(&v->schedule.server_app);
}

/* ---- the verbs ---- */

static const struct vel_row *find_row(const struct vel_velocity *v, uint8_t type)
{
    for (size_t i = 0; i < v->machine->count; i++)
        if (v->machine->rows[i].step == v->step && v->machine->rows[i].type == type)
            return &v->machine->rows[i];
    return NULL;
}

/* The next message, refused by type and length before its body is kept (VEL-HS-02, -03). */
static vel_result take_message(struct vel_velocity *v, struct vel_slice *in)
{
    struct vel_handshake_failure *why = &v->base.failure;
    struct vel_message message;
    uint8_t type;
    size_t size;
    TRY(vel_framer_header(&v->framer, in, &type, &size));
    const struct vel_row *row = find_row(v, type);
    DEMAND(row != NULL, why, UNEXPECTED_MESSAGE, "handshake message out of order");
    DEMAND(size <= vel_message_max(type), why, DECODE_ERROR, "handshake message is too long");
    TRY(vel_framer_body(&v->framer, in, &message));
    enum vel_err err = row->handle(v, &message);
    vel_framer_next(&v->framer);
    return err;
}

/* Bytes belong to the level that the step reads; so a level that is over takes no more, not even
 * the rest of a message (VEL-HS-04). */
static vel_result take_all(struct vel_velocity *v, enum vel_level level, struct vel_slice in)
{
    while (in.len > 0) {
        DEMAND(step_level[v->step] == level, &v->base.failure, UNEXPECTED_MESSAGE,
               "handshake bytes at the wrong level");
        enum vel_err err = take_message(v, &in);
        if (err == VEL_ERR_AGAIN && v->step != VEL_STEP_SIGNING)
            return VEL_OK; /* the rest of the message is not there yet */
        if (err == VEL_ERR_AGAIN && in.len > 0)
            continue; /* bytes after a message that we must answer first: refused above */
        TRY(err);
    }
    return VEL_OK;
}

/* Everything that the handshake holds besides what its transport may still look at. */
static void drop_contents(struct vel_velocity *v)
{
    vel_kem_key_free(v->kem);
    v->kem = NULL;
    vel_dual_key_clear(&v->peer);
    vel_transcript_clear(&v->transcript);
    vel_schedule_clear(&v->schedule);
    vel_buf_free(&v->params);
    vel_buf_free(&v->framer.buf);
    vel_buf_free(&v->hello);
}

/* Turn the outcome of a step into the state. A failure without a wire code is ours; after one
 * nothing secret stays while the connection closes. */
static vel_result settle(struct vel_velocity *v, enum vel_err err)
{
    if (err == VEL_ERR_AGAIN) {
        v->base.state = VEL_HS_SIGNING;
    } else if (err != VEL_OK) {
        v->base.state = VEL_HS_FAILED;
        drop_contents(v);
        vel_note_failure(&v->base.failure, VEL_ALERT_INTERNAL_ERROR, vel_err_text(err));
    }
    return err;
}

static vel_result velocity_start(struct vel_handshake *hs)
{
    struct vel_velocity *v = velocity(hs);
    REQUIRE(v->step == VEL_STEP_START, VEL_ERR_UNEXPECTED);
    v->step = v->machine->first;
    return settle(v, v->machine->start(v));
}

static vel_result velocity_receive(struct vel_handshake *hs, enum vel_level level,
                                   struct vel_slice bytes)
{
    struct vel_velocity *v = velocity(hs);
    REQUIRE(hs->state != VEL_HS_FAILED, VEL_ERR_CLOSED);
    return settle(v, take_all(v, level, bytes));
}

static vel_result velocity_resume(struct vel_handshake *hs)
{
    struct vel_velocity *v = velocity(hs);
    REQUIRE(hs->state != VEL_HS_FAILED, VEL_ERR_CLOSED);
    if (hs->state != VEL_HS_SIGNING)
        return VEL_OK;
    hs->state = VEL_HS_RUNNING;
    return settle(v, v->machine->finish(v));
}

static vel_result velocity_to_sign(struct vel_handshake *hs, struct vel_to_sign *out)
{
    const struct vel_velocity *v = velocity(hs);
    REQUIRE(hs->state == VEL_HS_SIGNING && v->defer_signature, VEL_ERR_UNEXPECTED);
    return vel_auth_to_sign(v, out);
}

static vel_result velocity_take_signature(struct vel_handshake *hs, enum vel_err err,
                                          const struct vel_signature *signature)
{
    struct vel_velocity *v = velocity(hs);
    REQUIRE(hs->state == VEL_HS_SIGNING && v->defer_signature, VEL_ERR_UNEXPECTED);
    hs->state = VEL_HS_RUNNING;
    if (err != VEL_OK) {
        vel_note_failure(&hs->failure, VEL_ALERT_INTERNAL_ERROR, "the signature was not made");
        return settle(v, err);
    }
    v->signature = signature;
    err = v->machine->finish(v);
    v->signature = NULL;
    return settle(v, err);
}

static vel_result velocity_export(struct vel_handshake *hs, const char *label,
                                  struct vel_slice context, uint8_t *out, size_t size)
{
    REQUIRE(hs->state == VEL_HS_COMPLETE, VEL_ERR_UNEXPECTED);
    return vel_schedule_export(&velocity(hs)->schedule, label, context, out, size);
}

static void velocity_free(struct vel_handshake *hs)
{
    struct vel_velocity *v = velocity(hs);
    drop_contents(v);
    vel_release(v->env, v, sizeof *v);
}

static const struct vel_handshake_ops velocity_ops = {
    .start = velocity_start,
    .receive = velocity_receive,
    .resume = velocity_resume,
    .to_sign = velocity_to_sign,
    .take_signature = velocity_take_signature,
    .export = velocity_export,
    .free = velocity_free,
};

/* ---- making one ---- */

static bool usable_config(const struct vel_config *config, bool is_client)
{
    if (config->crypto == NULL || config->profiles.count < 1 ||
        !vel_alpn_usable(config->alpn, config->alpn_count, VEL_ALPN_VELOCITY))
        return false;
    if (is_client)
        return config->insecure || (config->trust != NULL && config->server_name != NULL);
    return config->identity != NULL && vel_identity_keys(config->identity)->suite != NULL &&
           (config->client_auth == VEL_CLIENT_AUTH_NONE || config->trust != NULL);
}

vel_result vel_handshake_velocity_new(const struct vel_handshake_setup *setup,
                                      struct vel_handshake **hs)
{
    const struct vel_config *config = setup->config;
    REQUIRE(usable_config(config, setup->is_client), VEL_ERR_ARGUMENT);
    REQUIRE(setup->local_params.len <= PARAMS_MAX, VEL_ERR_ARGUMENT);
    struct vel_velocity *v = vel_alloc(setup->env, sizeof *v);
    REQUIRE(v != NULL, VEL_ERR_NOMEM);

    *v = (struct vel_velocity){
        .base = {.ops = &velocity_ops,
                 .facts = {.version = setup->version},
                 .verifies = setup->is_client || config->client_auth != VEL_CLIENT_AUTH_NONE},
        .env = setup->env,
        .config = config,
        .crypto = config->crypto,
        .machine = setup->is_client ? &vel_client_machine : &vel_server_machine,
        .sink = setup->sink,
        .is_client = setup->is_client,
        .defer_signature = setup->defer_signature,
        .unix_time = setup->unix_time,
        .params = {.env = setup->env, .limit = PARAMS_MAX},
        .framer = {.buf = {.env = setup->env, .limit = VEL_FRAMER_MAX}},
    };
    if (setup->is_client)
        v->base.hello_datagrams = vel_profile_hello_datagrams(config->profiles.items[0]);
    enum vel_err err = vel_buf_append(&v->params, setup->local_params);
    if (err != VEL_OK) {
        velocity_free(&v->base);
        return err;
    }
    *hs = &v->base;
    return VEL_OK;
}

void vel_handshake_free(struct vel_handshake *hs)
{
    if (hs != NULL)
        hs->ops->free(hs);
}
