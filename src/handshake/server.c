/* SPDX-License-Identifier: MIT */
/* The server's side of the Velocity/1 handshake. */
#include "base/own.h"
#include "base/try.h"
#include "handshake/auth.h"

enum { HELLO_MAX = VEL_MSG_HEADER + 16 * 1024, SHARE_HEADER = 4 };

/* Nothing to say before the client has spoken. */
static vel_result start(struct vel_velocity *v)
{
    (void)v;
    return VEL_OK;
}

/* ---- ClientHello ---- */

static vel_result fixed_digest(const struct vel_velocity *v, const struct vel_client_hello *hello,
                               uint8_t out[VEL_HASH_MAX])
{
    return vel_digest(v->crypto, VEL_SHA256, hello->fixed, 2, out);
}

/* A second hello repeats the first but for its key share, and brings the one that was asked for and
 * no other (VEL-HS-22). */
static vel_result check_second(struct vel_velocity *v, const struct vel_client_hello *hello,
                               const struct vel_choice *choice)
{
    uint8_t digest[VEL_HASH_MAX];
    TRY(fixed_digest(v, hello, digest));
    DEMAND(memcmp(digest, v->first_hello, vel_hash_size(VEL_SHA256)) == 0, &v->base.failure,
           ILLEGAL_PARAMETER, "second ClientHello differs from the first");
    DEMAND(!choice->retry && choice->suite == v->suite && choice->group == v->group,
           &v->base.failure, ILLEGAL_PARAMETER, "second ClientHello lacks the share asked for");
    DEMAND(hello->shares.len == SHARE_HEADER + choice->share.len, &v->base.failure,
           ILLEGAL_PARAMETER, "second ClientHello has a share that was not asked for");
    return VEL_OK;
}

static vel_result send_hello_retry(struct vel_velocity *v, const struct vel_client_hello *hello)
{
    const struct vel_server_hello retry = {.suite = v->suite->code, .group = v->group->code};
    OWNED(vel_buf_free) struct vel_buf out = {.env = v->env, .limit = HELLO_MAX};
    TRY(fixed_digest(v, hello, v->first_hello));
    TRY(vel_transcript_retry(&v->transcript));
    TRY(vel_hello_retry_encode(&retry, &out));
    TRY(vel_velocity_send(v, VEL_LEVEL_INITIAL, vel_buf_slice(&out)));
    v->base.facts.hello_retry = true;
    v->step = VEL_STEP_CLIENT_HELLO_AGAIN;
    return VEL_OK;
}

/* Encapsulate to the client's share, send ServerHello, install the handshake keys. */
static vel_result send_server_hello(struct vel_velocity *v, struct vel_slice share)
{
    OWNED(vel_secret_clear) struct vel_secret shared = {0};
    OWNED(vel_buf_free) struct vel_buf reply = {.env = v->env, .limit = HELLO_MAX};
    OWNED(vel_buf_free) struct vel_buf out = {.env = v->env, .limit = HELLO_MAX};
    struct vel_secret hash;

    uint8_t random[VEL_RANDOM_SIZE];
    vel_random(v->env, random, sizeof random);
    TRY(vel_buf_reserve(&reply, v->group->reply_size));
    enum vel_err err = vel_kem_encapsulate(v->crypto, v->env, v->group, share, reply.ptr, &shared);
    DEMAND(err != VEL_ERR_MALFORMED, &v->base.failure, ILLEGAL_PARAMETER,
           "client's key share is invalid"); /* VEL-HS-34 */
    TRY(err);

    const struct vel_server_hello hello = {
        .random = vel_slice(random, sizeof random),
        .suite = v->suite->code,
        .group = v->group->code,
        .reply = vel_slice(reply.ptr, v->group->reply_size),
    };
    TRY(vel_server_hello_encode(&hello, &out));
    TRY(vel_velocity_send(v, VEL_LEVEL_INITIAL, vel_buf_slice(&out)));
    TRY(vel_transcript_hash(&v->transcript, &hash));
    TRY(vel_schedule_handshake(&v->schedule, vel_secret_slice(&shared), vel_secret_slice(&hash)));
    v->base.facts.group = v->group->name;
    return vel_velocity_handshake_secrets(v);
}

static vel_result send_encrypted_extensions(struct vel_velocity *v)
{
    const struct vel_handshake_facts *facts = &v->base.facts;
    const struct vel_encrypted_extensions ee = {
        .alpn = vel_slice(facts->alpn, facts->alpn_len),
        .params = vel_buf_slice(&v->params),
    };
    OWNED(vel_buf_free) struct vel_buf out = {.env = v->env, .limit = HELLO_MAX};
    TRY(vel_encrypted_extensions_encode(&ee, &out));
    return vel_velocity_send(v, VEL_LEVEL_HANDSHAKE, vel_buf_slice(&out));
}

static vel_result send_certificate_request(struct vel_velocity *v)
{
    struct vel_offer signatures;
    vel_offer_signatures(v->suite->profile, &signatures);
    const struct vel_certificate_request request = {.signatures = vel_offer_slice(&signatures)};
    OWNED(vel_buf_free) struct vel_buf out = {.env = v->env, .limit = HELLO_MAX};
    TRY(vel_certificate_request_encode(&request, &out));
    return vel_velocity_send(v, VEL_LEVEL_HANDSHAKE, vel_buf_slice(&out));
}

/* Everything up to the signature; the rest follows in finish, now or when the signer is done. */
static vel_result send_flight(struct vel_velocity *v, struct vel_slice share)
{
    TRY(send_server_hello(v, share));
    TRY(send_encrypted_extensions(v));
    if (v->config->client_auth != VEL_CLIENT_AUTH_NONE)
        TRY(send_certificate_request(v));
    TRY(vel_auth_send_certificate(v, v->config->identity));
    v->step = VEL_STEP_SIGNING;
    return v->machine->finish(v);
}

static void note_server_name(struct vel_velocity *v, struct vel_slice name)
{
    if (name.len > 0)
        memcpy(v->base.facts.server_name, name.ptr, name.len);
    v->base.facts.server_name[name.len] = '\0';
}

/* Cheapest checks first: shape, policy, protocol, parameters; only then key exchange and
 * signature (PROTOCOL section 8). */
static vel_result on_client_hello(struct vel_velocity *v, const struct vel_message *message)
{
    struct vel_handshake_failure *why = &v->base.failure;
    const struct vel_config *config = v->config;
    bool second = v->step == VEL_STEP_CLIENT_HELLO_AGAIN;
    struct vel_client_hello hello;
    struct vel_choice choice;
    struct vel_slice alpn;

    TRY(vel_client_hello_decode(message->body, &hello, why));
    TRY(vel_negotiate(&config->profiles, vel_identity_keys(config->identity)->suite, &hello,
                      &choice, why));
    TRY(vel_negotiate_alpn(config->alpn, config->alpn_count, hello.alpn, &alpn, why));
    if (second) {
        TRY(check_second(v, &hello, &choice));
    } else {
        v->group = choice.group;
        note_server_name(v, hello.server_name);
        TRY(vel_velocity_begin(v, choice.suite));
    }
    memcpy(v->random, hello.random.ptr, sizeof v->random);
    TRY(vel_transcript_add(&v->transcript, message->whole));
    if (choice.retry)
        return send_hello_retry(v, &hello);

    vel_velocity_alpn(v, alpn);
    TRY(vel_velocity_params(v, hello.params));
    return send_flight(v, choice.share);
}

/* The signature, Finished, and the key that both allow; the one to read with waits for the client's
 * Finished (VEL-HS-36). */
static vel_result finish(struct vel_velocity *v)
{
    struct vel_secret hash;
    TRY(vel_auth_send_verify(v));
    TRY(vel_auth_send_finished(v));
    TRY(vel_transcript_hash(&v->transcript, &hash));
    TRY(vel_schedule_master(&v->schedule, vel_secret_slice(&hash)));
    TRY(vel_velocity_app_secret(v, VEL_WRITE));
    v->step =
        v->config->client_auth == VEL_CLIENT_AUTH_NONE ? VEL_STEP_FINISHED : VEL_STEP_CERTIFICATE;
    return VEL_OK;
}

/* ---- the client's answer ---- */

/* An empty certificate is an answer, unless we require one (VEL-HS-44). */
static vel_result on_certificate(struct vel_velocity *v, const struct vel_message *message)
{
    struct vel_handshake_failure *why = &v->base.failure;
    struct vel_certificate certificate;
    TRY(vel_certificate_decode(message->body, &certificate, why));
    if (certificate.count > 0) {
        TRY(vel_auth_check_certificate(v, &certificate));
        v->step = VEL_STEP_VERIFY;
    } else {
        DEMAND(v->config->client_auth == VEL_CLIENT_AUTH_REQUEST, why, CERTIFICATE_REQUIRED,
               "client sent no certificate");
        v->step = VEL_STEP_FINISHED;
    }
    return vel_transcript_add(&v->transcript, message->whole);
}

static vel_result on_certificate_verify(struct vel_velocity *v, const struct vel_message *message)
{
    TRY(vel_auth_check_verify(v, message));
    v->step = VEL_STEP_FINISHED;
    return VEL_OK;
}

static vel_result on_finished(struct vel_velocity *v, const struct vel_message *message)
{
    TRY(vel_auth_check_finished(v, message));
    v->base.facts.peer_authenticated = v->base.facts.signature != NULL;
    TRY(vel_velocity_app_secret(v, VEL_READ));
    vel_velocity_complete(v);
    return VEL_OK;
}

static const struct vel_row rows[] = {
    {VEL_STEP_CLIENT_HELLO, VEL_MSG_CLIENT_HELLO, on_client_hello},
    {VEL_STEP_CLIENT_HELLO_AGAIN, VEL_MSG_CLIENT_HELLO, on_client_hello},
    {VEL_STEP_CERTIFICATE, VEL_MSG_CERTIFICATE, on_certificate},
    {VEL_STEP_VERIFY, VEL_MSG_CERTIFICATE_VERIFY, on_certificate_verify},
    {VEL_STEP_FINISHED, VEL_MSG_FINISHED, on_finished},
};

const struct vel_machine vel_server_machine = {
    .rows = rows,
    .count = sizeof rows / sizeof rows[0],
    .first = VEL_STEP_CLIENT_HELLO,
    .start = start,
    .finish = finish,
};
