/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/units.h"
#include "cli/cert_order.h"
#include "cli/cmd.h"
#include "pki/host.h"

enum { DAY = 24 * 3600, DAYS_MAX = 7300, COMMON_NAME_MAX = 64 };

struct settings {
    const char *out;
    const char *name;
    enum vel_profile profile;
    const char *classical;
    int64_t days;
    struct vel_texts domains;
    bool force;
};

#define FIELD(name) offsetof(struct settings, name)

static const struct vel_option options[] = {
    {"out", 0, vel_parse_text, FIELD(out), "FOLDER", NULL, 1, VEL_CERT_PATH_MAX - 32,
     "where ca.pem and privkey.pem go"},
    {"name", 0, vel_parse_text, FIELD(name), "TEXT", "Velocity CA", 1, COMMON_NAME_MAX,
     "common name of the CA"},
    {"profile", 0, vel_parse_profile, FIELD(profile), "PROFILE", "balanced", 0, 0,
     "light, balanced or secure: what it certifies serves this profile and the lighter ones"},
    {"classical", 0, vel_parse_text, FIELD(classical), "ALGORITHM", NULL, 1, 16,
     "p256, p384 or ed25519 (default: p256, for secure p384)"},
    {"days", 0, vel_parse_number, FIELD(days), "N", "3650", 1, DAYS_MAX, "how long it is valid"},
    {"domain", 0, vel_parse_texts, FIELD(domains), "NAME", NULL, 1, VEL_DNS_NAME_MAX,
     "certify only this domain and names below it (may be repeated)"},
    {"force", 'f', vel_parse_flag, FIELD(force), NULL, NULL, 0, 0, "overwrite a CA and its keys"},
};

OWNED_POINTER(crypto_release, struct vel_crypto, vel_crypto_free)

static int check(const struct vel_call *call, const struct settings *settings,
                 enum vel_sign_alg *classical)
{
    struct vel_host host;
    if (settings->out == NULL) {
        vel_fail(call, "--out is missing: the folder to write to");
        return VEL_STATUS_USAGE;
    }
    for (size_t i = 0; i < settings->domains.count; i++) {
        const char *name = settings->domains.items[i];
        if (vel_host_parse(name, &host) == VEL_OK && host.ip_size == 0)
            continue;
        vel_fail(call, "--domain '%s': not a DNS name", name);
        return VEL_STATUS_USAGE;
    }
    return vel_order_pick_classical(call, settings->classical, settings->profile, classical);
}

static int run_init(const struct vel_call *call)
{
    const struct settings *settings = call->settings;
    OWNED(crypto_release) struct vel_crypto *crypto = NULL;
    struct vel_cert_folder folder;
    struct vel_cert_order order = {.common_name = settings->name,
                                   .permitted = settings->domains.items,
                                   .permitted_count = settings->domains.count,
                                   .profile = settings->profile,
                                   .validity = settings->days * DAY,
                                   .ca = true,
                                   .path_length = 0}; /* these commands make no CA below it */
    int status = check(call, settings, &order.classical);
    if (status == VEL_STATUS_OK)
        status = vel_cert_folder_open(call, settings->out, "ca.pem", &folder);
    if (status != VEL_STATUS_OK)
        return status;
    enum vel_err err = vel_crypto_new(call->env, &crypto);
    if (err != VEL_OK)
        return vel_fail(call, "%s", vel_err_text(err));
    return vel_order_fill(call, crypto, &order, NULL, &folder, settings->force);
}

const struct vel_command vel_cmd_ca_init = {
    .name = "ca init",
    .arguments = "",
    .summary = "Make a hybrid certificate authority",
    .description =
        "The folder gets ca.pem, which clients need (--cacert), and privkey.pem with both private "
        "keys (mode 0600), which only 'cert issue --ca' and 'ca issue' need.",
    .options = options,
    .option_count = VEL_COUNT(options),
    .settings_size = sizeof(struct settings),
    .run = run_init,
};
