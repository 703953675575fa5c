/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/try.h"
#include "handshake/tls_internal.h"
#include "pki/pem.h"
#include "pki/verify.h"

/* libssl's notation: '*' sends a share, '/' parts what is wanted more from what is wanted less, even
 * at the price of a retry. The X25519 share costs 36 bytes and saves a round trip with the servers
 * that know nothing better. */
#define GROUPS "*X25519MLKEM768:SecP384r1MLKEM1024/*X25519:P-256"

#define SUITES "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"

enum { TICKETS = 0 };

OWNED_POINTER(tls_release, struct vel_tls, vel_tls_free)

/* Wants one name of its carrier out of the client's list, in the client's order (RFC 7301 3.2). */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                       const unsigned char *in, unsigned in_size, void *arg)
{
    (void)arg;
    const struct vel_tls_conn *conn = vel_tls_conn_of(ssl);
    struct vel_reader r = vel_reader(vel_slice(in, in_size));
    while (vel_left(&r) > 0) {
        struct vel_slice name = vel_read_vector(&r, 1);
        if (vel_alpn_has(conn->alpn, conn->alpn_count, conn->carrier, name)) {
            *out = name.ptr;
            *out_size = (unsigned char)name.len;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static unsigned digit_of(char hex)
{
    return hex <= '9' ? (unsigned)(hex - '0') : (unsigned)(hex - 'a') + 10;
}

/* "EXPORTER_SECRET <client random> <secret>": what libssl would export with, and shows nowhere else. */
static void note_exporter(struct vel_tls_conn *conn, const char *line)
{
    static const char label[] = "EXPORTER_SECRET ";
    if (strncmp(line, label, sizeof label - 1) != 0)
        return;
    const char *hex = strrchr(line, ' ') + 1;
    size_t size = strlen(hex) / 2;
    if (size > sizeof conn->exporter.bytes)
        return;
    for (size_t i = 0; i < size; i++)
        conn->exporter.bytes[i] = (uint8_t)(digit_of(hex[2 * i]) << 4 | digit_of(hex[2 * i + 1]));
    conn->exporter.len = size;
}

static void log_key(const SSL *ssl, const char *line)
{
    const struct vel_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    note_exporter(vel_tls_conn_of(ssl), line);
    if (tls->key_log != NULL)
        tls->key_log(tls->key_log_self, line);
}

static vel_result set_key_log(struct vel_tls *tls, const struct vel_tls_setup *setup)
{
    tls->key_log = setup->key_log;
    tls->key_log_self = setup->key_log_self;
    SSL_REQUIRE(SSL_CTX_set_app_data(tls->ctx, tls) == 1, VEL_ERR_NOMEM);
    SSL_CTX_set_keylog_callback(tls->ctx, log_key);
    return VEL_OK;
}

static vel_result configure(struct vel_tls *tls)
{
    SSL_CTX *ctx = tls->ctx;
    char groups[] = GROUPS; /* libssl's macro drops const */
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify_depth(ctx, VEL_CHAIN_MAX);
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
    SSL_CTX_set_cert_cb(ctx, vel_tls_cert_choose, tls);
    SSL_REQUIRE(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
                    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
                    SSL_CTX_set_ciphersuites(ctx, SUITES) == 1 &&
                    SSL_CTX_set_num_tickets(ctx, TICKETS) == 1 &&
                    SSL_CTX_set1_groups_list(ctx, groups) == 1,
                VEL_ERR_CRYPTO);
    return VEL_OK;
}

/* One block of trust_pem; VEL_ERR_NOT_FOUND behind the last. */
static vel_result trust_next(struct vel_tls *tls, struct vel_reader *text)
{
    OWNED(vel_buf_free) struct vel_buf der = {.env = tls->env, .limit = VEL_CERT_MAX_BYTES};
    enum vel_err err = vel_pem_next(text, VEL_PEM_CERTIFICATE, &der);
    REQUIRE(err != VEL_ERR_LIMIT, VEL_ERR_MALFORMED);
    TRY(err);
    const uint8_t *end = der.ptr;
    X509 *cert = d2i_X509(NULL, &end, (long)der.len);
    SSL_REQUIRE(cert != NULL, VEL_ERR_MALFORMED);
    int added = X509_STORE_add_cert(SSL_CTX_get_cert_store(tls->ctx), cert);
    X509_free(cert);
    SSL_REQUIRE(added == 1, VEL_ERR_NOMEM);
    return VEL_OK;
}

static vel_result trust_pem(struct vel_tls *tls, struct vel_slice pem)
{
    struct vel_reader text = vel_reader(pem);
    enum vel_err err = VEL_ERR_MALFORMED;
    size_t count = 0;
    while ((err = trust_next(tls, &text)) == VEL_OK)
        count++;
    REQUIRE(err == VEL_ERR_NOT_FOUND && count > 0,
            err == VEL_ERR_NOT_FOUND ? VEL_ERR_MALFORMED : err);
    return VEL_OK;
}

static vel_result set_trust(struct vel_tls *tls, const struct vel_tls_setup *setup)
{
    if (setup->trust_pem.len > 0)
        TRY(trust_pem(tls, setup->trust_pem));
    if (setup->system_trust)
        SSL_REQUIRE(SSL_CTX_set_default_verify_paths(tls->ctx) == 1, VEL_ERR_CRYPTO);
    int mode = SSL_VERIFY_NONE;
    if (setup->is_client && !setup->insecure)
        mode = SSL_VERIFY_PEER;
    if (!setup->is_client && setup->client_auth != VEL_TLS_CLIENT_AUTH_NONE)
        mode = SSL_VERIFY_PEER;
    if (!setup->is_client && setup->client_auth == VEL_TLS_CLIENT_AUTH_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(tls->ctx, mode, vel_tls_on_verify);
    return VEL_OK;
}

static vel_result load_identities(struct vel_tls *tls, const struct vel_tls_setup *setup)
{
    for (size_t i = 0; i < setup->identity_count; i++) {
        TRY(vel_tls_cert_load(setup->identities[i], &tls->certs[i]));
        tls->cert_count++;
    }
    return VEL_OK;
}

static bool usable(const struct vel_tls_setup *setup)
{
    bool trusts = setup->trust_pem.len > 0 || setup->system_trust;
    if (setup->is_client)
        return setup->identity_count <= 1 && (trusts || setup->insecure);
    return setup->identity_count >= 1 && setup->identity_count <= VEL_TLS_IDENTITIES_MAX &&
           (trusts || setup->client_auth == VEL_TLS_CLIENT_AUTH_NONE);
}

vel_result vel_tls_new(const struct vel_tls_setup *setup, struct vel_tls **tls)
{
    REQUIRE(usable(setup), VEL_ERR_ARGUMENT);
    OWNED(tls_release) struct vel_tls *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = setup->env;
    made->crypto = setup->crypto;
    made->is_client = setup->is_client;
    made->insecure = setup->is_client && setup->insecure;
    made->ctx = SSL_CTX_new(setup->is_client ? TLS_client_method() : TLS_server_method());
    SSL_REQUIRE(made->ctx != NULL, VEL_ERR_CRYPTO);
    TRY(configure(made));
    TRY(set_key_log(made, setup));
    if (setup->suites != NULL)
        SSL_REQUIRE(SSL_CTX_set_ciphersuites(made->ctx, setup->suites) == 1, VEL_ERR_ARGUMENT);
    TRY(set_trust(made, setup));
    TRY(load_identities(made, setup));
    *tls = GIVE(made);
    return VEL_OK;
}

void vel_tls_free(struct vel_tls *tls)
{
    if (tls == NULL)
        return;
    for (size_t i = 0; i < tls->cert_count; i++)
        vel_tls_cert_clear(&tls->certs[i]);
    SSL_CTX_free(tls->ctx);
    vel_release(tls->env, tls, sizeof *tls);
}

SSL_CTX *vel_tls_ctx(const struct vel_tls *tls)
{
    return tls->ctx;
}

bool vel_tls_is_client(const struct vel_tls *tls)
{
    return tls->is_client;
}
