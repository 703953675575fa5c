/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "handshake/alert.h"
#include "handshake/exporter.h"
#include "handshake/tls_internal.h"

enum { PARAMS_MAX = 2048 };

/* TLS 1.3 as the handshake of QUIC (RFC 9001 4): libssl without its record layer. */
struct vel_tls_handshake {
    struct vel_handshake base; /* first: the part that the transport sees */
    const struct vel_env *env;
    struct vel_handshake_sink sink;
    struct vel_buf params;    /* ours; libssl reads them when it writes its message */
    struct vel_tls_conn conn; /* its SSL is NULL once a server has no use for it */
    const struct vel_crypto *crypto;
    enum vel_hash_id hash;   /* of its exporter, then */
    enum vel_level level[2]; /* by direction, where libssl reads and writes now */
    struct vel_slice in;     /* borrowed for one receive: what libssl has not taken */
    enum vel_err err;        /* of a callback that failed */
    unsigned hellos;         /* messages written at the Initial level: two with a retry */
    bool params_seen;
};

static struct vel_tls_handshake *tls_handshake(struct vel_handshake *hs)
{
    return (struct vel_tls_handshake *)hs; /* base is the first member */
}

static struct vel_tls_handshake *of(void *arg)
{
    return arg;
}

/* ---- libssl's callbacks: 1 is success, 0 ends the handshake with v->err ---- */

static int note(struct vel_tls_handshake *v, enum vel_err err)
{
    if (err != VEL_OK && v->err == VEL_OK)
        v->err = err;
    return err == VEL_OK;
}

static int on_send(SSL *ssl, const unsigned char *bytes, size_t size, size_t *consumed, void *arg)
{
    struct vel_tls_handshake *v = of(arg);
    (void)ssl;
    v->hellos += v->level[VEL_WRITE] == VEL_LEVEL_INITIAL;
    *consumed = size;
    return note(v, v->sink.write(v->sink.self, v->level[VEL_WRITE], vel_slice(bytes, size)));
}

static int on_receive(SSL *ssl, const unsigned char **bytes, size_t *size, void *arg)
{
    struct vel_tls_handshake *v = of(arg);
    (void)ssl;
    *bytes = v->in.ptr;
    *size = v->in.len;
    return 1;
}

/* libssl is done with all that on_receive showed. */
static int on_release(SSL *ssl, size_t size, void *arg)
{
    struct vel_tls_handshake *v = of(arg);
    (void)ssl;
    if (size > v->in.len)
        return note(v, VEL_ERR_CRYPTO);
    v->in = vel_slice(v->in.ptr + size, v->in.len - size);
    return 1;
}

/* RFC 9001 8.1, 8.2: what QUIC demands of the hello that TLS does not. Due when the peer's message
 * with it is read: on a server before the first key, on a client before the last ones. */
static vel_result check_hello(struct vel_tls_handshake *v)
{
    const unsigned char *name = NULL;
    unsigned size = 0;
    SSL_get0_alpn_selected(v->conn.ssl, &name, &size);
    DEMAND(v->params_seen, &v->base.failure, MISSING_EXTENSION,
           "peer sent no transport parameters");
    DEMAND(size > 0, &v->base.failure, NO_APPLICATION_PROTOCOL,
           "no application protocol was negotiated");
    return VEL_OK;
}

static vel_result give_secret(struct vel_tls_handshake *v, enum vel_level level,
                              enum vel_direction direction, struct vel_slice bytes)
{
    OWNED(vel_secret_clear) struct vel_secret secret = {.len = bytes.len};
    const struct vel_suite *suite = vel_tls_conn_suite(&v->conn);
    REQUIRE(suite != NULL && bytes.len <= sizeof secret.bytes, VEL_ERR_CRYPTO);
    if (SSL_is_server(v->conn.ssl) || level == VEL_LEVEL_APP)
        TRY(check_hello(v));
    memcpy(secret.bytes, bytes.ptr, bytes.len);
    v->level[direction] = level;
    return v->sink.secret(v->sink.self, level, direction, suite, &secret);
}

static int on_secret(SSL *ssl, uint32_t protection, int direction, const unsigned char *secret,
                     size_t size, void *arg)
{
    static const enum vel_level levels[] = {
        [OSSL_RECORD_PROTECTION_LEVEL_NONE] = VEL_LEVEL_COUNT,
        [OSSL_RECORD_PROTECTION_LEVEL_EARLY] = VEL_LEVEL_COUNT,
        [OSSL_RECORD_PROTECTION_LEVEL_HANDSHAKE] = VEL_LEVEL_HANDSHAKE,
        [OSSL_RECORD_PROTECTION_LEVEL_APPLICATION] = VEL_LEVEL_APP,
    };
    struct vel_tls_handshake *v = of(arg);
    (void)ssl;
    if (protection >= VEL_COUNT(levels) || levels[protection] == VEL_LEVEL_COUNT)
        return note(v, VEL_ERR_CRYPTO);
    return note(v, give_secret(v, levels[protection], direction == 1 ? VEL_WRITE : VEL_READ,
                               vel_slice(secret, size)));
}

static int on_params(SSL *ssl, const unsigned char *bytes, size_t size, void *arg)
{
    struct vel_tls_handshake *v = of(arg);
    (void)ssl;
    if (v->params_seen) /* the second hello repeats them (RFC 8446 4.1.2) */
        return 1;
    v->params_seen = true;
    enum vel_err err = v->sink.peer_params(v->sink.self, vel_slice(bytes, size));
    if (err == VEL_ERR_UNSUPPORTED)
        vel_note_failure(&v->base.failure, VEL_ALERT_VERSION_NEGOTIATION_ERROR,
                         "version_information does not fit what happened");
    else if (err != VEL_OK && err != VEL_ERR_NOMEM)
        vel_note_failure(&v->base.failure, VEL_ALERT_TRANSPORT_PARAMETER_ERROR,
                         "transport parameters are invalid");
    return note(v, err);
}

/* libssl skips HelloRequest, which TLS 1.3 has not any more (RFC 8446 4): here it is one message too
 * many. */
static void on_message(int written, int version, int content, const void *bytes, size_t size,
                       SSL *ssl, void *arg)
{
    struct vel_tls_handshake *v = of(arg);
    (void)version, (void)ssl;
    if (!written && content == SSL3_RT_HANDSHAKE && size > 0 &&
        *(const uint8_t *)bytes == SSL3_MT_HELLO_REQUEST)
        note(v, vel_refuse(&v->base.failure, VEL_ALERT_UNEXPECTED_MESSAGE, "HelloRequest"));
}

/* The info callback has noted it. */
static int on_alert(SSL *ssl, unsigned char alert, void *arg)
{
    (void)ssl, (void)alert, (void)arg;
    return 1;
}

static const OSSL_DISPATCH callbacks[] = {
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_SEND, (void (*)(void))on_send},
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RECV_RCD, (void (*)(void))on_receive},
    {OSSL_FUNC_SSL_QUIC_TLS_CRYPTO_RELEASE_RCD, (void (*)(void))on_release},
    {OSSL_FUNC_SSL_QUIC_TLS_YIELD_SECRET, (void (*)(void))on_secret},
    {OSSL_FUNC_SSL_QUIC_TLS_GOT_TRANSPORT_PARAMS, (void (*)(void))on_params},
    {OSSL_FUNC_SSL_QUIC_TLS_ALERT, (void (*)(void))on_alert},
    OSSL_DISPATCH_END,
};

/* ---- the verbs ---- */

/* A callback's own reason comes before what libssl made of it. */
static vel_result fail(struct vel_tls_handshake *v)
{
    struct vel_handshake_failure why;
    vel_tls_conn_failure(&v->conn, &why);
    if (v->err != VEL_OK && v->base.failure.wire_code == 0)
        vel_note_failure(&v->base.failure, VEL_ALERT_INTERNAL_ERROR, vel_err_text(v->err));
    if (v->base.failure.wire_code == 0)
        v->base.failure = why;
    v->base.state = VEL_HS_FAILED;
    vel_tls_conn_close(&v->conn);
    vel_buf_free(&v->params);
    return v->err != VEL_OK ? v->err : vel_alert_err(v->base.failure.wire_code);
}

/* A server gets no more messages: no client may renew keys here, and none is asked for a certificate
 * later (RFC 9001 4.4, 6). So 18 kB of a connection can go; exporting goes on without them. */
static void leave_libssl(struct vel_tls_handshake *v)
{
    const struct vel_suite *suite = vel_tls_conn_suite(&v->conn);
    if (suite == NULL || v->conn.exporter.len != vel_hash_size(suite->hash))
        return;
    v->hash = suite->hash;
    SSL_free(v->conn.ssl);
    v->conn.ssl = NULL;
}

static void complete(struct vel_tls_handshake *v)
{
    vel_tls_conn_facts(&v->conn, &v->base.facts);
    v->base.facts.hello_retry = v->hellos > 1;
    v->base.state = VEL_HS_COMPLETE;
    vel_buf_free(&v->params);
    if (SSL_is_server(v->conn.ssl))
        leave_libssl(v);
}

/* Let libssl go on with what is there; it stops when that is used up. */
static vel_result step(struct vel_tls_handshake *v)
{
    SSL *ssl = v->conn.ssl;
    ERR_clear_error();
    int done = v->base.state == VEL_HS_COMPLETE ? SSL_read(ssl, NULL, 0) : SSL_do_handshake(ssl);
    if (v->err != VEL_OK || (done <= 0 && SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ))
        return fail(v);
    if (done == 1 && v->base.state == VEL_HS_RUNNING)
        complete(v);
    return VEL_OK;
}

static vel_result tls_start(struct vel_handshake *hs)
{
    struct vel_tls_handshake *v = tls_handshake(hs);
    REQUIRE(hs->state == VEL_HS_RUNNING && v->hellos == 0, VEL_ERR_UNEXPECTED);
    return SSL_is_server(v->conn.ssl) ? VEL_OK : step(v);
}

static vel_result refuse_bytes(struct vel_tls_handshake *v, const char *reason)
{
    v->err = vel_refuse(&v->base.failure, VEL_ALERT_UNEXPECTED_MESSAGE, reason);
    return fail(v);
}

static vel_result tls_receive(struct vel_handshake *hs, enum vel_level level,
                              struct vel_slice bytes)
{
    struct vel_tls_handshake *v = tls_handshake(hs);
    REQUIRE(hs->state != VEL_HS_FAILED, VEL_ERR_CLOSED);
    if (level != v->level[VEL_READ])
        return refuse_bytes(v, "handshake bytes at the wrong level");
    if (v->conn.ssl == NULL)
        return refuse_bytes(v, "handshake bytes behind the last message");
    v->in = bytes;
    TRY(step(v));
    if (v->in.len > 0 && hs->state == VEL_HS_COMPLETE && v->conn.ssl != NULL &&
        level == v->level[VEL_READ])
        TRY(step(v)); /* messages behind the handshake */
    if (v->in.len > 0)
        return refuse_bytes(v, "handshake bytes behind the last message");
    v->in = (struct vel_slice){0};
    return VEL_OK;
}

/* Keys are at hand: nothing ever waits. */
static vel_result tls_resume(struct vel_handshake *hs)
{
    return hs->state == VEL_HS_FAILED ? VEL_ERR_CLOSED : VEL_OK;
}

static vel_result tls_export(struct vel_handshake *hs, const char *label, struct vel_slice context,
                             uint8_t *out, size_t size)
{
    REQUIRE(hs->state == VEL_HS_COMPLETE, VEL_ERR_UNEXPECTED);
    const struct vel_tls_handshake *v = tls_handshake(hs);
    if (v->conn.ssl != NULL)
        return vel_tls_conn_export(&v->conn, label, context, out, size);
    return vel_exporter_derive(v->crypto, v->hash, "tls13 ", &v->conn.exporter, label, context, out,
                               size);
}

static vel_result tls_set_params(struct vel_handshake *hs, uint32_t version,
                                 struct vel_slice params)
{
    struct vel_tls_handshake *v = tls_handshake(hs);
    struct vel_buf made = {.env = v->env, .limit = PARAMS_MAX};
    TRY(vel_buf_append(&made, params));
    if (SSL_set_quic_tls_transport_params(v->conn.ssl, made.ptr, made.len) != 1) {
        vel_buf_free(&made);
        SSL_REQUIRE(false, VEL_ERR_UNEXPECTED);
    }
    vel_buf_free(&v->params);
    v->params = made;
    v->base.facts.version = version;
    return VEL_OK;
}

static void tls_free(struct vel_handshake *hs)
{
    struct vel_tls_handshake *v = tls_handshake(hs);
    vel_tls_conn_close(&v->conn);
    vel_buf_free(&v->params);
    vel_release(v->env, v, sizeof *v);
}

static const struct vel_handshake_ops tls_ops = {
    .start = tls_start,
    .receive = tls_receive,
    .resume = tls_resume,
    .export = tls_export,
    .set_params = tls_set_params,
    .free = tls_free,
};

/* ---- making one ---- */

static vel_result open_conn(struct vel_tls_handshake *v, const struct vel_handshake_setup *setup)
{
    const struct vel_config *config = setup->config;
    const struct vel_tls_ask ask = {
        .carrier = VEL_ALPN_QUIC,
        .server_name = config->server_name,
        .alpn = config->alpn,
        .alpn_count = config->alpn_count,
        .unix_time = setup->unix_time,
        .prefer_chacha = config->prefer_chacha,
    };
    TRY(vel_tls_conn_open(config->tls, &ask, &v->conn));
    v->base.verifies = setup->is_client || SSL_get_verify_mode(v->conn.ssl) != SSL_VERIFY_NONE;
    SSL_set_msg_callback(v->conn.ssl, on_message);
    SSL_set_msg_callback_arg(v->conn.ssl, v);
    SSL_REQUIRE(SSL_set_quic_tls_cbs(v->conn.ssl, callbacks, v) == 1, VEL_ERR_CRYPTO);
    return tls_set_params(&v->base, setup->version, setup->local_params);
}

vel_result vel_handshake_tls_new(const struct vel_handshake_setup *setup, struct vel_handshake **hs)
{
    const struct vel_tls *tls = setup->config->tls;
    REQUIRE(tls != NULL && vel_tls_is_client(tls) == setup->is_client, VEL_ERR_ARGUMENT);
    REQUIRE(setup->local_params.len <= PARAMS_MAX, VEL_ERR_ARGUMENT);
    struct vel_tls_handshake *v = vel_alloc(setup->env, sizeof *v);
    REQUIRE(v != NULL, VEL_ERR_NOMEM);
    *v = (struct vel_tls_handshake){
        .base = {.ops = &tls_ops, .facts = {.version = setup->version}},
        .env = setup->env,
        .sink = setup->sink,
        .crypto = tls->crypto,
        .params = {.env = setup->env, .limit = PARAMS_MAX},
    };
    enum vel_err err = open_conn(v, setup);
    if (err != VEL_OK) {
        tls_free(&v->base);
        return err;
    }
    *hs = &v->base;
    return VEL_OK;
}
