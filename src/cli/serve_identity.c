/* SPDX-License-Identifier: MIT */
#include "cli/serve_identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "cli/identity_files.h"
#include "cli/key_log.h"
#include "pki/host.h"
#include "pki/identity.h"
#include "pki/issue.h"
#include "pki/verify.h"
#include "sys/file.h"
#include "velocity/system.h"

enum {
    DAY = 24 * 3600,
    VALIDITY = 90 * DAY,
    RENEW_BEFORE = 1 * DAY, /* a certificate that ends sooner is replaced at start */
    NAMES_MAX = 5,
    HOST_NAME_SIZE = 256,
    CLIENT_CA_MAX = 4 * 1024 * 1024
};

OWNED_POINTER(release_identity, struct vel_identity, vel_identity_free)
OWNED_POINTER(release_trust, struct vel_trust, vel_trust_free)

/* The names to serve, the first one first. */
struct names {
    const char *items[NAMES_MAX];
    size_t count;
    char host_name[HOST_NAME_SIZE];
};

static bool has_name(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static void add_name(struct names *names, const char *name)
{
    struct vel_host host;
    if (vel_host_parse(name, &host) == VEL_OK && !has_name(names, name))
        names->items[names->count++] = name;
}

static void collect_names(struct names *names, const char *address)
{
    add_name(names, "localhost");
    add_name(names, "127.0.0.1");
    add_name(names, "::1");
    if (gethostname(names->host_name, sizeof names->host_name) == 0) {
        names->host_name[sizeof names->host_name - 1] = '\0';
        add_name(names, names->host_name);
    }
    if (address != NULL)
        add_name(names, address);
}

vel_result vel_serve_identity_tls(const struct vel_call *call, const struct vel_crypto *crypto,
                                  const char *chain_path, const char *key_path,
                                  struct vel_identity **out)
{
    char message[VEL_IDENTITY_MESSAGE];
    enum vel_err err = vel_identity_load(call->env, crypto, chain_path, key_path, message, out);
    if (err != VEL_OK)
        vel_fail(call, "%s", message);
    return err;
}

vel_result vel_serve_identity_load(const struct vel_call *call, const struct vel_crypto *crypto,
                                   const char *chain_path, const char *key_path,
                                   struct vel_serve_identity *out)
{
    OWNED(release_identity) struct vel_identity *identity = NULL;
    TRY(vel_serve_identity_tls(call, crypto, chain_path, key_path, &identity));
    if (vel_identity_keys(identity)->suite == NULL) {
        vel_fail(
            call,
            "certificate %s has no post-quantum half: make one with 'velocity cert issue'; one "
            "for TLS alone goes to --tls-cert",
            chain_path);
        return VEL_ERR_UNSUPPORTED;
    }
    out->identity = GIVE(identity);
    out->issued = false;
    snprintf(out->chain_path, sizeof out->chain_path, "%s", chain_path);
    return VEL_OK;
}

vel_result vel_serve_tls_new(const struct vel_call *call, const struct vel_crypto *crypto,
                             const struct vel_identity *classical,
                             const struct vel_identity *hybrid,
                             const struct vel_serve_clients *clients, FILE *key_log,
                             struct vel_tls **tls)
{
    static const enum vel_tls_client_auth auths[] = {
        [VEL_CLIENT_AUTH_NONE] = VEL_TLS_CLIENT_AUTH_NONE,
        [VEL_CLIENT_AUTH_REQUEST] = VEL_TLS_CLIENT_AUTH_REQUEST,
        [VEL_CLIENT_AUTH_REQUIRE] = VEL_TLS_CLIENT_AUTH_REQUIRE};
    const struct vel_identity *const both[] = {classical, hybrid};
    bool alone = classical == NULL;
    const struct vel_tls_setup setup = {
        .env = call->env,
        .crypto = crypto,
        .identities = alone ? &both[1] : both,
        .identity_count = alone ? 1 : 2,
        .trust_pem = vel_buf_slice(&clients->pem),
        .client_auth = auths[clients->auth],
        .key_log = key_log != NULL ? vel_key_log_line : NULL,
        .key_log_self = key_log,
    };
    enum vel_err err = vel_tls_new(&setup, tls);
    if (err != VEL_OK)
        vel_fail(call, "TLS: %s", vel_err_text(err));
    return err;
}

/* ---- whom clients must be certified by ---- */

static vel_result read_clients(const struct vel_call *call, const struct vel_crypto *crypto,
                               const char *path, struct vel_serve_clients *clients)
{
    OWNED(release_trust) struct vel_trust *trust = NULL;
    OWNED(vel_buf_free) struct vel_buf pem = {.env = call->env, .limit = CLIENT_CA_MAX};
    TRY(vel_file_load(path, &pem));
    TRY(vel_trust_new(call->env, crypto, &trust));
    TRY(vel_trust_add_pem(trust, vel_buf_slice(&pem)));
    clients->trust = GIVE(trust);
    clients->pem = pem;
    pem = (struct vel_buf){0};
    return VEL_OK;
}

vel_result vel_serve_clients_load(const struct vel_call *call, const struct vel_crypto *crypto,
                                  enum vel_client_auth auth, const char *path,
                                  struct vel_serve_clients *clients)
{
    clients->auth = auth;
    if (auth == VEL_CLIENT_AUTH_NONE)
        return VEL_OK;
    enum vel_err err = read_clients(call, crypto, path, clients);
    if (err != VEL_OK)
        vel_fail(call, "--client-ca %s: %s", path,
                 err == VEL_ERR_IO          ? strerror(errno)
                 : err == VEL_ERR_MALFORMED ? "holds no certificate in PEM that parses"
                                            : vel_err_text(err));
    return err;
}

void vel_serve_clients_clear(struct vel_serve_clients *clients)
{
    vel_trust_free(clients->trust);
    vel_buf_free(&clients->pem);
}

/* ---- the state folder ---- */

/* Where the files of one profile are. */
struct place {
    char folder[VEL_PATH_TEXT], chain[VEL_PATH_TEXT], key[VEL_PATH_TEXT];
};

static vel_result set_path(char *out, const char *folder, const char *rest)
{
    int length = snprintf(out, VEL_PATH_TEXT, "%s%s", folder, rest);
    return length > 0 && length < VEL_PATH_TEXT ? VEL_OK : VEL_ERR_ARGUMENT;
}

static vel_result find_place(const char *folder, enum vel_profile profile, struct place *place)
{
    TRY(vel_state_path(folder, vel_profile_name(profile), place->folder));
    TRY(set_path(place->chain, place->folder, "/fullchain.pem"));
    return set_path(place->key, place->folder, "/privkey.pem");
}

/* The stored certificate as a client would see it: for all names, tomorrow still. */
static vel_result check_names(const struct vel_call *call, const struct vel_crypto *crypto,
                              struct vel_slice chain_pem, const struct vel_identity *identity,
                              enum vel_profile profile, const struct names *names)
{
    OWNED(release_trust) struct vel_trust *trust = NULL;
    TRY(vel_trust_new(call->env, crypto, &trust));
    TRY(vel_trust_add_pem(trust, chain_pem));
    for (size_t i = 0; i < names->count; i++) {
        struct vel_cert_verdict verdict;
        OWNED(vel_dual_key_clear) struct vel_dual_key leaf = {0};
        struct vel_cert_request request = {.name = names->items[i],
                                           .use = VEL_USE_SERVER,
                                           .level = profile,
                                           .unix_time = vel_clock_unix() + RENEW_BEFORE};
        request.chain = vel_identity_chain(identity, &request.count);
        TRY(vel_cert_verify(call->env, crypto, trust, &request, &verdict, &leaf));
    }
    return VEL_OK;
}

/* Any reason not to use what is stored leads to a new one. */
static vel_result load_stored(const struct vel_call *call, const struct vel_crypto *crypto,
                              const struct place *place, enum vel_profile profile,
                              const struct names *names, struct vel_identity **identity)
{
    OWNED(vel_buf_free) struct vel_buf chain = {.env = call->env, .limit = VEL_CHAIN_PEM_MAX};
    OWNED(vel_buf_free) struct vel_buf key = {.env = call->env, .limit = VEL_KEY_PEM_MAX};
    OWNED(release_identity) struct vel_identity *made = NULL;
    TRY(vel_file_load(place->chain, &chain));
    TRY(vel_file_load(place->key, &key));
    TRY(vel_identity_parse(call->env, crypto, vel_buf_slice(&chain), vel_buf_slice(&key), &made));
    TRY(check_names(call, crypto, vel_buf_slice(&chain), made, profile, names));
    *identity = GIVE(made);
    return VEL_OK;
}

/* Key first: a chain without its key would look usable to a client. */
static vel_result store(const struct place *place, struct vel_slice chain, struct vel_slice key)
{
    TRY(vel_folder_make(place->folder, 0700));
    TRY(vel_file_save(place->key, key, 0600, true));
    return vel_file_save(place->chain, chain, 0644, true);
}

static vel_result issue(const struct vel_call *call, const struct vel_crypto *crypto,
                        const struct place *place, enum vel_profile profile,
                        const struct names *names, struct vel_identity **identity)
{
    OWNED(vel_buf_free) struct vel_buf chain = {.env = call->env, .limit = VEL_CHAIN_PEM_MAX};
    OWNED(vel_buf_free) struct vel_buf key = {.env = call->env, .limit = VEL_KEY_PEM_MAX};
    const struct vel_cert_order order = {.names = names->items,
                                         .name_count = names->count,
                                         .classical = vel_order_classical(profile),
                                         .profile = profile,
                                         .not_before = vel_clock_unix() - 60,
                                         .validity = VALIDITY};
    TRY(vel_cert_issue(call->env, crypto, &order, NULL, &chain, &key));
    TRY(store(place, vel_buf_slice(&chain), vel_buf_slice(&key)));
    return vel_identity_parse(call->env, crypto, vel_buf_slice(&chain), vel_buf_slice(&key),
                              identity);
}

vel_result vel_serve_identity_state(const struct vel_call *call, const struct vel_crypto *crypto,
                                    const char *folder, enum vel_profile profile,
                                    const char *address, struct vel_serve_identity *out)
{
    struct place place = {0};
    struct names names = {0};
    struct vel_serve_identity made = {0};
    collect_names(&names, address);

    enum vel_err err = find_place(folder, profile, &place);
    if (err == VEL_OK)
        made.issued = load_stored(call, crypto, &place, profile, &names, &made.identity) != VEL_OK;
    if (err == VEL_OK && made.issued)
        err = issue(call, crypto, &place, profile, &names, &made.identity);
    if (err != VEL_OK) {
        vel_fail(call, "a certificate in %s: %s (--state chooses another folder)", place.folder,
                 err == VEL_ERR_IO ? strerror(errno) : vel_err_text(err));
        return err;
    }
    snprintf(made.chain_path, sizeof made.chain_path, "%s", place.chain);
    *out = made;
    return VEL_OK;
}
