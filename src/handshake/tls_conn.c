/* SPDX-License-Identifier: MIT */
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "handshake/tls_internal.h"
#include "pki/host.h"

enum { WIRE_ALERT = 0x0100, ALERT_FATAL = 2 };

static const char chacha_first[] =
    "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";

/* ---- opening ---- */

/* Alerts are only seen here: both carriers pass them through. */
static void on_info(const SSL *ssl, int where, int value)
{
    if ((where & SSL_CB_ALERT) == 0 || value >> 8 != ALERT_FATAL)
        return;
    struct vel_tls_conn *conn = vel_tls_conn_of(ssl);
    conn->alert = (uint8_t)(value & 0xff);
    conn->has_alert = true;
    conn->alert_received = (where & SSL_CB_READ) != 0;
}

/* RFC 9525: subject alternative names alone; an address is not sent as a server name (RFC 6066). */
static vel_result set_name(SSL *ssl, const char *server_name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    struct vel_host host;
    REQUIRE(vel_host_parse(server_name, &host) == VEL_OK, VEL_ERR_ARGUMENT);
    if (host.ip_size > 0) {
        SSL_REQUIRE(X509_VERIFY_PARAM_set1_ip(param, host.ip, host.ip_size) == 1, VEL_ERR_CRYPTO);
        return VEL_OK;
    }
    char name[VEL_DNS_NAME_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)host.dns.len, (const char *)host.dns.ptr);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    SSL_REQUIRE(X509_VERIFY_PARAM_set1_host(param, name, host.dns.len) == 1 &&
                    SSL_set_tlsext_host_name(ssl, name) == 1,
                VEL_ERR_CRYPTO);
    return VEL_OK;
}

static vel_result open_client(SSL *ssl, const struct vel_tls_ask *ask)
{
    uint8_t alpn[VEL_ALPN_LIST_MAX];
    struct vel_writer w = vel_writer(alpn, sizeof alpn);
    vel_alpn_write(ask->alpn, ask->alpn_count, ask->carrier, &w);
    VEL_ASSERT(vel_write_ok(&w));
    SSL_set_connect_state(ssl);
    SSL_REQUIRE(SSL_set_alpn_protos(ssl, alpn, (unsigned)vel_written(&w)) == 0, VEL_ERR_CRYPTO);
    if (ask->server_name != NULL)
        TRY(set_name(ssl, ask->server_name));
    return VEL_OK;
}

vel_result vel_tls_conn_open(const struct vel_tls *tls, const struct vel_tls_ask *ask,
                             struct vel_tls_conn *conn)
{
    REQUIRE(vel_alpn_usable(ask->alpn, ask->alpn_count, ask->carrier), VEL_ERR_ARGUMENT);
    REQUIRE(!tls->is_client || tls->insecure || ask->server_name != NULL, VEL_ERR_ARGUMENT);
    OWNED(vel_tls_conn_close)
    struct vel_tls_conn made = {.ssl = SSL_new(tls->ctx),
                                .carrier = ask->carrier,
                                .alpn = ask->alpn,
                                .alpn_count = ask->alpn_count};
    SSL_REQUIRE(made.ssl != NULL, VEL_ERR_CRYPTO);
    SSL_set_info_callback(made.ssl, on_info);
    X509_VERIFY_PARAM_set_time(SSL_get0_param(made.ssl), (time_t)ask->unix_time);
    SSL_REQUIRE(SSL_set_app_data(made.ssl, conn) == 1, VEL_ERR_CRYPTO);
    SSL_REQUIRE(!ask->prefer_chacha || SSL_set_ciphersuites(made.ssl, chacha_first) == 1,
                VEL_ERR_CRYPTO);
    if (tls->is_client)
        TRY(open_client(made.ssl, ask));
    else
        SSL_set_accept_state(made.ssl);
    *conn = made;
    made.ssl = NULL;
    return VEL_OK;
}

void vel_tls_conn_close(struct vel_tls_conn *conn)
{
    SSL_free(conn->ssl);
    conn->ssl = NULL;
    vel_secret_clear(&conn->exporter);
}

/* ---- why it failed ---- */

static const char *reason_of(const struct vel_tls_conn *conn)
{
    if (conn->verdict.check != VEL_CERT_OK && !conn->alert_received)
        return vel_cert_check_text(conn->verdict.check);
    unsigned long error = ERR_peek_error();
    const char *text = ERR_reason_error_string(error); /* constant strings of libssl */
    if (text != NULL)
        return text;
    return conn->has_alert ? SSL_alert_desc_string_long(conn->alert) : "TLS handshake failed";
}

void vel_tls_conn_failure(const struct vel_tls_conn *conn, struct vel_handshake_failure *failure)
{
    *failure = (struct vel_handshake_failure){
        .wire_code = WIRE_ALERT + (conn->has_alert ? conn->alert : SSL_AD_INTERNAL_ERROR),
        .reason = reason_of(conn),
        .verdict = conn->verdict,
    };
    ERR_clear_error();
}

/* ---- what was negotiated ---- */

/* libssl's names become ours: constant strings that outlive it. */
static const struct vel_suite suites[] = {
    {.code = 0x1301, .aead = VEL_AES_128_GCM, .hash = VEL_SHA256, .name = "TLS_AES_128_GCM_SHA256"},
    {.code = 0x1302, .aead = VEL_AES_256_GCM, .hash = VEL_SHA384, .name = "TLS_AES_256_GCM_SHA384"},
    {.code = 0x1303,
     .aead = VEL_CHACHA20_POLY1305,
     .hash = VEL_SHA256,
     .name = "TLS_CHACHA20_POLY1305_SHA256"},
};

static const struct {
    const char *libssl;
    const char *name;
} group_names[] = {
    {"X25519MLKEM768", "X25519MLKEM768"},
    {"SecP384r1MLKEM1024", "SecP384r1MLKEM1024"},
    {"x25519", "X25519"},
    {"secp256r1", "P-256"},
};

/* A scheme, and the algorithm of the key that it is of: one of the last two columns. */
static const struct {
    const char *scheme;
    const char *classical;
    const char *post_quantum;
} signature_names[] = {
    {"ecdsa_secp256r1_sha256", "ECDSA P-256", NULL},
    {"ecdsa_secp384r1_sha384", "ECDSA P-384", NULL},
    {"ecdsa_secp521r1_sha512", "ECDSA P-521", NULL},
    {"ed25519", "Ed25519", NULL},
    {"ed448", "Ed448", NULL},
    {"rsa_pss_rsae_sha256", "RSA", NULL},
    {"rsa_pss_rsae_sha384", "RSA", NULL},
    {"rsa_pss_rsae_sha512", "RSA", NULL},
    {"rsa_pss_pss_sha256", "RSA", NULL},
    {"rsa_pss_pss_sha384", "RSA", NULL},
    {"rsa_pss_pss_sha512", "RSA", NULL},
    {"mldsa44", NULL, "ML-DSA-44"},
    {"mldsa65", NULL, "ML-DSA-65"},
    {"mldsa87", NULL, "ML-DSA-87"},
};

const struct vel_suite *vel_tls_conn_suite(const struct vel_tls_conn *conn)
{
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(conn->ssl);
    for (size_t i = 0; cipher != NULL && i < VEL_COUNT(suites); i++)
        if (suites[i].code == SSL_CIPHER_get_protocol_id(cipher))
            return &suites[i];
    return NULL;
}

static const char *group_of(SSL *ssl)
{
    const char *name = SSL_get0_group_name(ssl);
    for (size_t i = 0; name != NULL && i < VEL_COUNT(group_names); i++)
        if (OPENSSL_strcasecmp(name, group_names[i].libssl) == 0)
            return group_names[i].name;
    return "unknown group";
}

static void note_signature(SSL *ssl, struct vel_handshake_facts *facts)
{
    const char *scheme = NULL;
    if (SSL_get0_peer_certificate(ssl) == NULL || SSL_get0_peer_signature_name(ssl, &scheme) != 1 ||
        scheme == NULL)
        return;
    facts->signature = "unknown signature scheme";
    for (size_t i = 0; i < VEL_COUNT(signature_names); i++) {
        if (OPENSSL_strcasecmp(scheme, signature_names[i].scheme) == 0) {
            facts->signature = signature_names[i].scheme;
            facts->classical = signature_names[i].classical;
            facts->post_quantum = signature_names[i].post_quantum;
        }
    }
}

static void note_chain(const SSL *ssl, struct vel_handshake_facts *facts)
{
    const X509 *leaf = SSL_get0_peer_certificate(ssl);
    const STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        facts->peer_chain_bytes += (size_t)VEL_MAX(i2d_X509(sk_X509_value(chain, i), NULL), 0);
        facts->peer_chain_count++;
    }
    if (leaf != NULL && SSL_is_server(ssl)) { /* libssl's list lacks a client's leaf */
        facts->peer_chain_bytes += (size_t)VEL_MAX(i2d_X509(leaf, NULL), 0);
        facts->peer_chain_count++;
    }
}

static void note_texts(const SSL *ssl, struct vel_handshake_facts *facts)
{
    const unsigned char *alpn = NULL;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &alpn, &size);
    if (size > 0 && size <= sizeof facts->alpn) {
        memcpy(facts->alpn, alpn, size);
        facts->alpn_len = size;
    }
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (SSL_is_server(ssl) && name != NULL)
        snprintf(facts->server_name, sizeof facts->server_name, "%s", name);
}

void vel_tls_conn_facts(const struct vel_tls_conn *conn, struct vel_handshake_facts *facts)
{
    const struct vel_suite *suite = vel_tls_conn_suite(conn);
    facts->suite = suite != NULL ? suite->name : "unknown suite";
    facts->group = group_of(conn->ssl);
    note_signature(conn->ssl, facts);
    note_chain(conn->ssl, facts);
    note_texts(conn->ssl, facts);
    facts->peer_authenticated = facts->signature != NULL;
    ERR_clear_error();
}

vel_result vel_tls_conn_export(const struct vel_tls_conn *conn, const char *label,
                               struct vel_slice context, uint8_t *out, size_t size)
{
    ERR_clear_error();
    int done = SSL_export_keying_material(conn->ssl, out, size, label, strlen(label), context.ptr,
                                          context.len, 1);
    SSL_REQUIRE(done == 1, VEL_ERR_CRYPTO);
    return VEL_OK;
}
