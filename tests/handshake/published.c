/* SPDX-License-Identifier: MIT */
#include "handshake/published.h"

#include <string.h>

#include "base/reader.h"
#include "base/units.h"
#include "crypto/kem.h"
#include "handshake/schedule.h"
#include "handshake/seed.h"
#include "handshake/transcript.h"
#include "pki/identity.h"
#include "pki/issue.h"

const struct transcript_plan transcript_plans[TRANSCRIPT_COUNT] = {
    {"balanced", "VEL1-MLDSA65-P256", "balanced", "light,balanced,secure", VEL_CLIENT_AUTH_NONE},
    {"secure", "VEL1-MLDSA87-P384", "secure", "light,balanced,secure", VEL_CLIENT_AUTH_NONE},
    {"retry", "VEL1-MLDSA44-Ed25519", "balanced,light", "light", VEL_CLIENT_AUTH_REQUIRE},
};

enum { MESSAGES_MAX = 12, LINE_MAX_BYTES = 32 * 1024, LIFETIME = 90 * 24 * 3600 };

/* One run, while it is written down. */
struct run {
    const struct transcript_plan *plan;
    struct vel_buf *out;
    struct pair pair;
    char seeds[3][64];
    struct seed_env certificate, client, server;
    struct vel_buf chain_pem, key_pem, draws[2];
    struct vel_buf messages; /* all of them, in order */
    struct {
        bool by_client;
        enum vel_level level;
        size_t start, size;
    } sent[MESSAGES_MAX];
    size_t count;
    struct vel_identity *identity;
    struct vel_trust *trust;
};

/* ---- text ---- */

static void put(struct run *run, const char *text)
{
    ASSERT_OK(vel_buf_append(run->out, vel_slice_text(text)));
}

static void put_hex(struct run *run, const char *name, struct vel_slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    put(run, name);
    put(run, ": ");
    ASSERT_OK(vel_buf_reserve(run->out, 2 * bytes.len));
    for (size_t i = 0; i < bytes.len; i++) {
        const char pair[2] = {digits[bytes.ptr[i] >> 4], digits[bytes.ptr[i] & 15]};
        ASSERT_OK(vel_buf_append(run->out, vel_slice(pair, sizeof pair)));
    }
    put(run, "\n");
}

static void put_text(struct run *run, const char *name, const char *value)
{
    put(run, name);
    put(run, ": ");
    put(run, value);
    put(run, "\n");
}

static void put_secret(struct run *run, const char *name, const struct vel_secret *secret)
{
    put_hex(run, name, vel_secret_slice(secret));
}

/* ---- the run ---- */

/* Transport parameters as RFC 9000 has them: connection ids, idle time-out of 30 s, 16 MiB of
 * connection window, version_information. */
static const uint8_t client_params[] = {
    0x0f, 0x08, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0x01, 0x04, 0x80, 0x00, 0x75, 0x30,
    0x04, 0x04, 0x81, 0x00, 0x00, 0x00, 0x11, 0x08, 0x56, 0x55, 0x31, 0x02, 0x56, 0x55, 0x31, 0x02};
static const uint8_t server_params[] = {
    0x00, 0x08, 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08, 0x0f, 0x08, 0x51, 0x52,
    0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x01, 0x04, 0x80, 0x00, 0x75, 0x30, 0x04, 0x04,
    0x81, 0x00, 0x00, 0x00, 0x11, 0x08, 0x56, 0x55, 0x31, 0x02, 0x56, 0x55, 0x31, 0x02};

static void init_buffers(struct run *run)
{
    const struct vel_env *env = &run->pair.harness.env;
    struct vel_buf *const buffers[] = {&run->chain_pem, &run->key_pem, &run->draws[0],
                                       &run->draws[1], &run->messages};
    for (size_t i = 0; i < VEL_COUNT(buffers); i++)
        *buffers[i] = (struct vel_buf){.env = env, .limit = VEL_CHAIN_PEM_MAX};
}

static void free_buffers(struct run *run)
{
    vel_buf_free(&run->chain_pem);
    vel_buf_free(&run->key_pem);
    vel_buf_free(&run->draws[0]);
    vel_buf_free(&run->draws[1]);
    vel_buf_free(&run->messages);
}

static void issue_certificate(struct run *run)
{
    const struct vel_sig_suite *kind = pair_kind(run->plan->kind);
    const char *const names[] = {"localhost"};
    const struct vel_cert_order order = {
        .names = names,
        .name_count = VEL_COUNT(names),
        .classical = kind->classical,
        .profile = kind->profile,
        .not_before = PAIR_DATE,
        .validity = LIFETIME,
        .path_length = -1,
        .mode = VEL_SIGN_DETERMINISTIC,
    };
    ASSERT_OK(vel_cert_issue(&run->certificate.env, pair_crypto(), &order, NULL, &run->chain_pem,
                             &run->key_pem));
}

/* The value of a line of an earlier transcript, with line breaks in place of bars. */
static void take_pem(const char *published, const char *name, struct vel_buf *out)
{
    const char *line = strstr(published, name);
    if (line == NULL)
        fail_msg("no line '%s'", name);
    for (const char *c = line + strlen(name); *c != '\0' && *c != '\n'; c++)
        ASSERT_OK(vel_buf_append(out, vel_slice(*c == '|' ? "\n" : c, 1)));
}

static void load_certificate(struct run *run)
{
    const struct vel_crypto *crypto = pair_crypto();
    const struct vel_env *env = &run->certificate.env;
    ASSERT_OK(vel_identity_parse(env, crypto, vel_buf_slice(&run->chain_pem),
                                 vel_buf_slice(&run->key_pem), &run->identity));
    ASSERT_OK(vel_trust_new(env, crypto, &run->trust));
    ASSERT_OK(vel_trust_add_pem(run->trust, vel_buf_slice(&run->chain_pem)));
}

static void record(struct pair *pair, bool by_client, enum vel_level *level,
                   struct vel_buf *message)
{
    struct run *run = pair->context;
    assert_true(run->count < MESSAGES_MAX);
    run->sent[run->count].by_client = by_client;
    run->sent[run->count].level = *level;
    run->sent[run->count].start = run->messages.len;
    run->sent[run->count++].size = message->len;
    ASSERT_OK(vel_buf_append(&run->messages, vel_buf_slice(message)));
}

static void configure(struct run *run)
{
    struct vel_config *client = &run->pair.client.config;
    struct vel_config *server = &run->pair.server.config;
    ASSERT_OK(vel_profile_list_parse(run->plan->offered, &client->profiles));
    ASSERT_OK(vel_profile_list_parse(run->plan->permit, &server->profiles));
    client->deterministic = server->deterministic = true;
    server->identity = run->identity;
    client->trust = run->trust;
    if (run->plan->client_auth != VEL_CLIENT_AUTH_NONE)
        pair_authenticate_client(&run->pair, run->plan->client_auth);
    run->pair.client.env = &run->client.env;
    run->pair.server.env = &run->server.env;
    run->pair.client.local_params = vel_slice(client_params, sizeof client_params);
    run->pair.server.local_params = vel_slice(server_params, sizeof server_params);
    run->pair.tamper = record;
    run->pair.context = run;
}

static void perform(struct run *run, const char *published)
{
    static const char *const roles[] = {"certificate", "client", "server"};
    struct seed_env *const envs[] = {&run->certificate, &run->client, &run->server};
    pair_init(&run->pair, run->plan->kind, 0);
    init_buffers(run);
    for (size_t i = 0; i < VEL_COUNT(envs); i++) {
        snprintf(run->seeds[i], sizeof run->seeds[i], "Velocity/1 transcript %s %s",
                 run->plan->name, roles[i]);
        seed_env_init(envs[i], pair_crypto(), run->seeds[i]);
    }
    run->client.draws = &run->draws[0];
    run->server.draws = &run->draws[1];
    if (published == NULL) {
        issue_certificate(run);
    } else {
        take_pem(published, "\ncertificate pem: ", &run->chain_pem);
        take_pem(published, "\nprivate keys pem: ", &run->key_pem);
    }
    load_certificate(run);
    configure(run);
    pair_run(&run->pair);
    if (run->pair.server.hs->state != VEL_HS_COMPLETE ||
        run->pair.client.hs->state != VEL_HS_COMPLETE)
        fail_msg("%s does not complete", run->plan->name);
}

static void clean(struct run *run)
{
    vel_handshake_free(run->pair.client.hs);
    vel_handshake_free(run->pair.server.hs);
    run->pair.client.hs = run->pair.server.hs = NULL;
    vel_identity_free(run->identity);
    vel_trust_free(run->trust);
    free_buffers(run);
    pair_done(&run->pair);
    seed_env_done(&run->certificate);
    seed_env_done(&run->client);
    seed_env_done(&run->server);
}

/* ---- what went in ---- */

static void put_draws(struct run *run, const char *who, const struct vel_buf *draws)
{
    struct vel_reader r = vel_reader(vel_buf_slice(draws));
    for (unsigned n = 1; vel_left(&r) > 0; n++) {
        char name[64];
        snprintf(name, sizeof name, "%s random %u", who, n);
        put_hex(run, name, vel_read_vector(&r, 4));
    }
}

/* Both PKCS#8 documents, as PEM without its line breaks. */
static void put_pem(struct run *run, const char *name, const struct vel_buf *pem)
{
    put(run, name);
    put(run, ": ");
    for (size_t i = 0; i < pem->len; i++) {
        const char *c = (const char *)&pem->ptr[i];
        ASSERT_OK(vel_buf_append(run->out, *c == '\n' ? vel_slice_text("|") : vel_slice(c, 1)));
    }
    put(run, "\n");
}

static void put_setting(struct run *run)
{
    const struct vel_handshake_facts *facts = &run->pair.client.hs->facts;
    char number[32];
    put(run,
        "# Velocity/1, a handshake from seeds; spec/velocity-1.md, section 13, says how to read "
        "it.\n");
    put_text(run, "wire version", "56553102");
    put_text(run, "client offers", run->plan->offered);
    put_text(run, "server permits", run->plan->permit);
    put_text(run, "suite", facts->suite);
    put_text(run, "group", facts->group);
    put_text(run, "signature suite", facts->signature);
    snprintf(number, sizeof number, "%d", PAIR_DATE);
    put_text(run, "unix time", number);
    put_text(run, "server name", "localhost");
    put_text(run, "alpn", "velocity/1");
    put_text(run, "client seed", run->seeds[1]);
    put_text(run, "server seed", run->seeds[2]);
    put_pem(run, "certificate pem", &run->chain_pem);
    put_pem(run, "private keys pem", &run->key_pem);
    put_hex(run, "client transport parameters", vel_slice(client_params, sizeof client_params));
    put_hex(run, "server transport parameters", vel_slice(server_params, sizeof server_params));
    put_draws(run, "client", &run->draws[0]);
    put_draws(run, "server", &run->draws[1]);
}

/* ---- messages ---- */

static struct vel_slice message(const struct run *run, size_t i)
{
    return vel_slice(run->messages.ptr + run->sent[i].start, run->sent[i].size);
}

static void put_messages(struct run *run)
{
    static const char *const names[256] = {
        [VEL_MSG_CLIENT_HELLO] = "ClientHello",
        [VEL_MSG_SERVER_HELLO] = "ServerHello",
        [VEL_MSG_HELLO_RETRY] = "HelloRetryRequest",
        [VEL_MSG_ENCRYPTED_EXTENSIONS] = "EncryptedExtensions",
        [VEL_MSG_CERTIFICATE_REQUEST] = "CertificateRequest",
        [VEL_MSG_CERTIFICATE] = "Certificate",
        [VEL_MSG_CERTIFICATE_VERIFY] = "CertificateVerify",
        [VEL_MSG_FINISHED] = "Finished",
    };
    static const char *const levels[VEL_LEVEL_COUNT] = {
        [VEL_LEVEL_INITIAL] = "Initial", [VEL_LEVEL_HANDSHAKE] = "Handshake"};
    for (size_t i = 0; i < run->count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s %s %s", run->sent[i].by_client ? "client" : "server",
                 levels[run->sent[i].level], names[message(run, i).ptr[0]]);
        put_hex(run, name, message(run, i));
    }
}

/* ---- values on the way, computed again ---- */

/* The client's last key pair and the server's reply give the shared secret once more. */
static void shared_secret(const struct run *run, struct vel_secret *out)
{
    const struct vel_crypto *crypto = pair_crypto();
    struct vel_handshake_failure why = {0};
    struct seed_env again;
    seed_env_init(&again, crypto, run->seeds[1]);
    uint8_t drawn[VEL_RANDOM_SIZE + 3]; /* ClientHello.random and GREASE */
    vel_random(&again.env, drawn, sizeof drawn);

    for (size_t i = 0; i < run->count; i++) {
        struct vel_slice body = {message(run, i).ptr + VEL_MSG_HEADER,
                                 message(run, i).len - VEL_MSG_HEADER};
        static struct vel_kem_key *key;
        uint8_t share[2048];
        if (message(run, i).ptr[0] == VEL_MSG_CLIENT_HELLO) {
            struct vel_client_hello hello;
            ASSERT_OK(vel_client_hello_decode(body, &hello, &why));
            for (size_t g = 0; g < VEL_GROUP_COUNT; g++) {
                if (vel_client_hello_share(&hello, vel_groups[g].code).ptr == NULL)
                    continue;
                vel_kem_key_free(key);
                ASSERT_OK(vel_kem_generate(crypto, &again.env, &vel_groups[g], &key, share));
            }
        }
        if (message(run, i).ptr[0] == VEL_MSG_SERVER_HELLO) {
            struct vel_server_hello hello;
            ASSERT_OK(vel_server_hello_decode(body, &hello, &why));
            ASSERT_OK(vel_kem_decapsulate(crypto, key, hello.reply, out));
            vel_kem_key_free(key);
            key = NULL;
        }
    }
    seed_env_done(&again);
}

/* RFC 9001 5.1 with our prefix. */
static void put_packet_keys(struct run *run, const struct vel_suite *suite, const char *who,
                            const struct vel_secret *secret)
{
    const struct {
        const char *name, *label;
        size_t size;
    } rows[] = {
        {"key", "quic key", vel_aead_key_size(suite->aead)},
        {"iv", "quic iv", VEL_AEAD_IV},
        {"hp", "quic hp", vel_aead_key_size(suite->aead)},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t bytes[VEL_AEAD_KEY_MAX];
        char name[64];
        snprintf(name, sizeof name, "%s %s", who, rows[i].name);
        ASSERT_OK(vel_hkdf_expand_label(pair_crypto(), suite->hash, vel_secret_slice(secret),
                                        "vel1 ", rows[i].label, (struct vel_slice){0}, bytes,
                                        rows[i].size));
        put_hex(run, name, vel_slice(bytes, rows[i].size));
    }
}

static const struct vel_suite *suite_of(const struct run *run)
{
    for (size_t i = 0; i < VEL_SUITE_COUNT; i++)
        if (strcmp(vel_suites[i].name, run->pair.client.hs->facts.suite) == 0)
            return &vel_suites[i];
    fail_msg("no suite");
    return NULL;
}

static void put_hash(struct run *run, const char *name, const struct vel_transcript *t,
                     struct vel_secret *hash)
{
    ASSERT_OK(vel_transcript_hash(t, hash));
    put_secret(run, name, hash);
}

/* The schedule once more, over the messages as they were seen. */
static void put_secrets(struct run *run)
{
    const struct vel_suite *suite = suite_of(run);
    struct vel_transcript t = {0};
    struct vel_schedule s;
    struct vel_secret shared;
    struct vel_secret hash;
    ASSERT_OK(vel_transcript_start(&t, pair_crypto(), suite->hash, VEL_VERSION_DRAFT));
    ASSERT_OK(vel_schedule_start(&s, pair_crypto(), suite->hash));
    put_secret(run, "early secret", &s.main);
    shared_secret(run, &shared);
    put_secret(run, "shared secret", &shared);

    for (size_t i = 0; i < run->count; i++) {
        uint8_t type = message(run, i).ptr[0];
        if (type == VEL_MSG_HELLO_RETRY)
            ASSERT_OK(vel_transcript_retry(&t));
        ASSERT_OK(vel_transcript_add(&t, message(run, i)));
        if (type == VEL_MSG_SERVER_HELLO) {
            put_hash(run, "transcript hash to ServerHello", &t, &hash);
            ASSERT_OK(
                vel_schedule_handshake(&s, vel_secret_slice(&shared), vel_secret_slice(&hash)));
            put_secret(run, "handshake secret", &s.main);
            put_secret(run, "client handshake traffic secret", &s.client_handshake);
            put_packet_keys(run, suite, "client handshake", &s.client_handshake);
            put_secret(run, "server handshake traffic secret", &s.server_handshake);
            put_packet_keys(run, suite, "server handshake", &s.server_handshake);
        }
        if (type == VEL_MSG_FINISHED && !run->sent[i].by_client) {
            put_hash(run, "transcript hash to server Finished", &t, &hash);
            ASSERT_OK(vel_schedule_master(&s, vel_secret_slice(&hash)));
            put_secret(run, "client application traffic secret", &s.client_app);
            put_packet_keys(run, suite, "client application", &s.client_app);
            put_secret(run, "server application traffic secret", &s.server_app);
            put_packet_keys(run, suite, "server application", &s.server_app);
            put_secret(run, "exporter secret", &s.exporter);
        }
    }
    /* What both ends really used. */
    const struct pair_side *c = &run->pair.client;
    assert_true(vel_equal_secret(vel_secret_slice(&s.client_app),
                                 vel_secret_slice(&c->secret[VEL_LEVEL_APP][VEL_WRITE])));
    assert_true(vel_equal_secret(vel_secret_slice(&s.server_app),
                                 vel_secret_slice(&c->secret[VEL_LEVEL_APP][VEL_READ])));
    vel_transcript_clear(&t);
}

static void put_export(struct run *run)
{
    uint8_t bytes[48];
    struct vel_handshake *client = run->pair.client.hs;
    ASSERT_OK(client->ops->export(client, "EXPORTER-transcript", vel_slice_text("context"), bytes,
                                  sizeof bytes));
    put_text(run, "exporter label", "EXPORTER-transcript");
    put_text(run, "exporter context", "context");
    put_hex(run, "exported", vel_slice(bytes, sizeof bytes));
}

void transcript_write(const struct transcript_plan *plan, const char *published,
                      struct vel_buf *out)
{
    struct run run = {.plan = plan, .out = out};
    perform(&run, published);
    put_setting(&run);
    put_messages(&run);
    put_secrets(&run);
    put_export(&run);
    clean(&run);
}
