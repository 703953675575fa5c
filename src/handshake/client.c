/* SPDX-License-Identifier: MIT */
/* The client's side of the Velocity/1 handshake. */
#include "base/own.h"
#include "base/reader.h"
#include "base/try.h"
#include "base/writer.h"
#include "handshake/alpn.h"
#include "handshake/auth.h"

enum { HELLO_MAX = VEL_MSG_HEADER + 16 * 1024 };

/* Which code point without meaning: 0x0a0a, 0x1a1a ... 0xfafa (RFC 8701, VEL-HS-15). */
enum grease { GREASE_SUITE, GREASE_GROUP, GREASE_EXTENSION };

static uint16_t grease(const struct vel_velocity *v, enum grease which)
{
    return (uint16_t)(0x0a0a + (v->grease[which] >> 4) * 0x1010);
}

/* An address instead of a name: RFC 6066 keeps those out of server_name. */
static bool is_address(const char *name)
{
    return strchr(name, ':') != NULL || strspn(name, "0123456789.") == strlen(name);
}

static struct vel_slice asked_name(const struct vel_config *config)
{
    const char *name = config->server_name;
    return vel_slice_text(name == NULL || is_address(name) ? NULL : name);
}

/* ---- ClientHello ---- */

/* The key_share list: a share for v->group, its key kept in v->kem. The first hello also has a
 * greased entry of one byte; the second only what was asked for (RFC 8446 4.1.2). */
static vel_result make_shares(struct vel_velocity *v, struct vel_buf *out)
{
    const struct vel_group *group = v->group;
    TRY(vel_buf_reserve(out, 5 + 4 + group->share_size));
    struct vel_writer w = vel_writer(out->ptr, out->capacity);
    if (!v->base.facts.hello_retry) {
        vel_write_uint(&w, grease(v, GREASE_GROUP), 2);
        vel_write_uint(&w, 1, 2);
        vel_write_uint(&w, 0, 1);
    }
    vel_write_uint(&w, group->code, 2);
    vel_write_uint(&w, group->share_size, 2);
    uint8_t *share = vel_write_space(&w, group->share_size);
    vel_kem_key_free(v->kem);
    v->kem = NULL;
    TRY(vel_kem_generate(v->crypto, v->env, group, &v->kem, share));
    out->len = vel_written(&w);
    return VEL_OK;
}

/* Everything but the shares is the same in both hellos (VEL-HS-22). */
static vel_result make_hello(struct vel_velocity *v, struct vel_buf *out)
{
    const struct vel_config *config = v->config;
    struct vel_offer suites;
    struct vel_offer groups;
    struct vel_offer signatures;
    uint8_t alpn_space[VEL_ALPN_LIST_MAX];
    struct vel_writer alpn = vel_writer(alpn_space, sizeof alpn_space);
    vel_alpn_write(config->alpn, config->alpn_count, VEL_ALPN_VELOCITY, &alpn);
    OWNED(vel_buf_free) struct vel_buf shares = {.env = v->env, .limit = HELLO_MAX};

    vel_offer_suites(&config->profiles, config->prefer_chacha, grease(v, GREASE_SUITE), &suites);
    vel_offer_groups(&config->profiles, grease(v, GREASE_GROUP), &groups);
    vel_offer_signatures(vel_profiles_floor(&config->profiles), &signatures);
    TRY(make_shares(v, &shares));

    const struct vel_client_hello hello = {
        .random = vel_slice(v->random, sizeof v->random),
        .suites = vel_offer_slice(&suites),
        .groups = vel_offer_slice(&groups),
        .signatures = vel_offer_slice(&signatures),
        .alpn = vel_writer_slice(&alpn),
        .server_name = asked_name(config),
        .params = vel_buf_slice(&v->params),
        .shares = vel_buf_slice(&shares),
        .grease = grease(v, GREASE_EXTENSION),
    };
    return vel_client_hello_encode(&hello, out);
}

/* The hash is not known yet, so the hello is kept for the transcript. */
static vel_result start(struct vel_velocity *v)
{
    vel_random(v->env, v->random, sizeof v->random);
    vel_random(v->env, v->grease, sizeof v->grease);
    v->group = vel_profile_group(v->config->profiles.items[0]);
    v->hello = (struct vel_buf){.env = v->env, .limit = HELLO_MAX};
    TRY(make_hello(v, &v->hello));
    return v->sink.write(v->sink.self, VEL_LEVEL_INITIAL, vel_buf_slice(&v->hello));
}

/* ---- ServerHello, HelloRetryRequest ---- */

/* A suite and group that we offered and that belong together (VEL-HS-25). */
static vel_result check_choice(struct vel_velocity *v, const struct vel_server_hello *hello)
{
    struct vel_handshake_failure *why = &v->base.failure;
    const struct vel_suite *suite = vel_suite_find(hello->suite);
    const struct vel_group *group = vel_group_find(hello->group);
    struct vel_offer suites;
    struct vel_offer groups;
    vel_offer_suites(&v->config->profiles, v->config->prefer_chacha, 0, &suites);
    vel_offer_groups(&v->config->profiles, 0, &groups);
    DEMAND(suite != NULL && vel_codes_have(vel_offer_slice(&suites), hello->suite), why,
           ILLEGAL_PARAMETER, "server chose a suite that was not offered");
    DEMAND(group != NULL && vel_codes_have(vel_offer_slice(&groups), hello->group), why,
           ILLEGAL_PARAMETER, "server chose a group that was not offered");
    DEMAND(suite->profile == group->profile, why, ILLEGAL_PARAMETER,
           "server chose suite and group of different profiles");
    return VEL_OK;
}

/* Transcript and schedule begin with the first ClientHello and the hash of the chosen suite. */
static vel_result begin(struct vel_velocity *v, const struct vel_server_hello *hello)
{
    TRY(vel_velocity_begin(v, vel_suite_find(hello->suite)));
    TRY(vel_transcript_add(&v->transcript, vel_buf_slice(&v->hello)));
    vel_buf_free(&v->hello);
    return VEL_OK;
}

static vel_result on_hello_retry(struct vel_velocity *v, const struct vel_message *message)
{
    struct vel_server_hello hello;
    TRY(vel_hello_retry_decode(message->body, &hello, &v->base.failure));
    TRY(check_choice(v, &hello));
    DEMAND(hello.group != v->group->code, &v->base.failure, ILLEGAL_PARAMETER,
           "server asked for the share that it has"); /* VEL-HS-26 */

    TRY(begin(v, &hello));
    TRY(vel_transcript_retry(&v->transcript));
    TRY(vel_transcript_add(&v->transcript, message->whole));
    v->base.facts.hello_retry = true;
    v->group = vel_group_find(hello.group);

    OWNED(vel_buf_free) struct vel_buf again = {.env = v->env, .limit = HELLO_MAX};
    TRY(make_hello(v, &again));
    TRY(vel_velocity_send(v, VEL_LEVEL_INITIAL, vel_buf_slice(&again)));
    v->step = VEL_STEP_HELLO_AGAIN;
    return VEL_OK;
}

/* The shared secret, after which the ephemeral key is gone (VEL-HS-34). */
static vel_result decapsulate(struct vel_velocity *v, struct vel_slice reply,
                              struct vel_secret *shared)
{
    enum vel_err err = vel_kem_decapsulate(v->crypto, v->kem, reply, shared);
    vel_kem_key_free(v->kem);
    v->kem = NULL;
    DEMAND(err != VEL_ERR_MALFORMED, &v->base.failure, ILLEGAL_PARAMETER,
           "server's key share is invalid");
    return err;
}

static vel_result on_server_hello(struct vel_velocity *v, const struct vel_message *message)
{
    struct vel_handshake_failure *why = &v->base.failure;
    struct vel_server_hello hello;
    TRY(vel_server_hello_decode(message->body, &hello, why));
    TRY(check_choice(v, &hello));
    DEMAND(hello.group == v->group->code, why, ILLEGAL_PARAMETER,
           "server answered a share that was not sent");
    DEMAND(v->suite == NULL || v->suite->code == hello.suite, why, ILLEGAL_PARAMETER,
           "server changed the suite after its retry"); /* VEL-HS-23 */
    if (v->suite == NULL)
        TRY(begin(v, &hello));

    OWNED(vel_secret_clear) struct vel_secret shared = {0};
    struct vel_secret hash;
    TRY(decapsulate(v, hello.reply, &shared));
    TRY(vel_transcript_add(&v->transcript, message->whole));
    TRY(vel_transcript_hash(&v->transcript, &hash));
    TRY(vel_schedule_handshake(&v->schedule, vel_secret_slice(&shared), vel_secret_slice(&hash)));
    TRY(vel_velocity_handshake_secrets(v));
    v->base.facts.group = v->group->name;
    v->step = VEL_STEP_EXTENSIONS;
    return VEL_OK;
}

/* ---- the encrypted flight ---- */

static vel_result on_encrypted_extensions(struct vel_velocity *v, const struct vel_message *message)
{
    struct vel_handshake_failure *why = &v->base.failure;
    struct vel_encrypted_extensions ee;
    TRY(vel_encrypted_extensions_decode(message->body, &ee, why));
    bool offered = vel_alpn_has(v->config->alpn, v->config->alpn_count, VEL_ALPN_VELOCITY, ee.alpn);
    DEMAND(offered, why, ILLEGAL_PARAMETER, "server chose a protocol that was not offered");

    TRY(vel_velocity_params(v, ee.params));
    vel_velocity_alpn(v, ee.alpn);
    v->step = VEL_STEP_REQUEST;
    return vel_transcript_add(&v->transcript, message->whole);
}

/* We sign if we have a key of a suite that the server takes and of the profile's level. */
static vel_result on_certificate_request(struct vel_velocity *v, const struct vel_message *message)
{
    struct vel_certificate_request request;
    TRY(vel_certificate_request_decode(message->body, &request, &v->base.failure));
    const struct vel_identity *identity = v->config->identity;
    const struct vel_sig_suite *suite =
        identity == NULL ? NULL : vel_identity_keys(identity)->suite;
    v->send_certificate = true;
    v->sign = suite != NULL && suite->profile >= v->suite->profile &&
              vel_codes_have(request.signatures, suite->code);
    v->step = VEL_STEP_CERTIFICATE;
    return vel_transcript_add(&v->transcript, message->whole);
}

static vel_result on_certificate(struct vel_velocity *v, const struct vel_message *message)
{
    struct vel_handshake_failure *why = &v->base.failure;
    struct vel_certificate certificate;
    TRY(vel_certificate_decode(message->body, &certificate, why));
    DEMAND(certificate.count > 0, why, DECODE_ERROR, "server sent no certificate");
    TRY(vel_auth_check_certificate(v, &certificate));
    v->step = VEL_STEP_VERIFY;
    return vel_transcript_add(&v->transcript, message->whole);
}

static vel_result on_certificate_verify(struct vel_velocity *v, const struct vel_message *message)
{
    TRY(vel_auth_check_verify(v, message));
    v->step = VEL_STEP_FINISHED;
    return VEL_OK;
}

/* The server's data may be read from here on; ours follows our own Finished (VEL-HS-36). */
static vel_result on_finished(struct vel_velocity *v, const struct vel_message *message)
{
    TRY(vel_auth_check_finished(v, message));
    TRY(vel_transcript_add(&v->transcript, message->whole));
    v->base.facts.peer_authenticated = true;

    struct vel_secret hash;
    TRY(vel_transcript_hash(&v->transcript, &hash));
    TRY(vel_schedule_master(&v->schedule, vel_secret_slice(&hash)));
    TRY(vel_velocity_app_secret(v, VEL_READ));
    if (v->send_certificate)
        TRY(vel_auth_send_certificate(v, v->sign ? v->config->identity : NULL));
    v->step = VEL_STEP_SIGNING;
    return v->machine->finish(v);
}

static vel_result finish(struct vel_velocity *v)
{
    if (v->sign)
        TRY(vel_auth_send_verify(v));
    TRY(vel_auth_send_finished(v));
    TRY(vel_velocity_app_secret(v, VEL_WRITE));
    vel_velocity_complete(v);
    return VEL_OK;
}

static const struct vel_row rows[] = {
    {VEL_STEP_HELLO, VEL_MSG_HELLO_RETRY, on_hello_retry},
    {VEL_STEP_HELLO, VEL_MSG_SERVER_HELLO, on_server_hello},
    {VEL_STEP_HELLO_AGAIN, VEL_MSG_SERVER_HELLO, on_server_hello},
    {VEL_STEP_EXTENSIONS, VEL_MSG_ENCRYPTED_EXTENSIONS, on_encrypted_extensions},
    {VEL_STEP_REQUEST, VEL_MSG_CERTIFICATE_REQUEST, on_certificate_request},
    {VEL_STEP_REQUEST, VEL_MSG_CERTIFICATE, on_certificate},
    {VEL_STEP_CERTIFICATE, VEL_MSG_CERTIFICATE, on_certificate},
    {VEL_STEP_VERIFY, VEL_MSG_CERTIFICATE_VERIFY, on_certificate_verify},
    {VEL_STEP_FINISHED, VEL_MSG_FINISHED, on_finished},
};

const struct vel_machine vel_client_machine = {
    .rows = rows,
    .count = sizeof rows / sizeof rows[0],
    .first = VEL_STEP_HELLO,
    .start = start,
    .finish = finish,
};
