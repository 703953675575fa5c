/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/own.h"
#include "base/units.h"
#include "cli/cert_order.h"
#include "cli/cmd.h"
#include "pki/host.h"

enum { DAY = 24 * 3600, DAYS_SELF_SIGNED = 90, DAYS_UNDER_CA = 10, DAYS_MAX = 3650 };

struct settings {
    struct vel_texts dns;
    struct vel_texts ip;
    const char *out;
    const char *ca;
    enum vel_profile profile;
    const char *classical;
    int64_t days; /* 0: not given */
    bool force;
};

#define FIELD(name) offsetof(struct settings, name)

static const struct vel_option options[] = {
    {"dns", 0, vel_parse_texts, FIELD(dns), "NAME", NULL, 1, VEL_DNS_NAME_MAX,
     "DNS name to certify, perhaps *.example.org (may be repeated)"},
    {"ip", 0, vel_parse_texts, FIELD(ip), "ADDRESS", NULL, 1, 64,
     "IP address to certify (may be repeated)"},
    {"out", 0, vel_parse_text, FIELD(out), "FOLDER", NULL, 1, VEL_CERT_PATH_MAX - 32,
     "where fullchain.pem and privkey.pem go"},
    {"ca", 0, vel_parse_text, FIELD(ca), "FOLDER", NULL, 1, VEL_CERT_PATH_MAX - 32,
     "folder of the CA that signs, from 'ca init'; without it self-signed"},
    {"profile", 0, vel_parse_profile, FIELD(profile), "PROFILE", "balanced", 0, 0,
     "light, balanced or secure: the level of the ML-DSA key"},
    {"classical", 0, vel_parse_text, FIELD(classical), "ALGORITHM", NULL, 1, 16,
     "p256, p384 or ed25519 (default: p256, for secure p384)"},
    {"days", 0, vel_parse_number, FIELD(days), "N", NULL, 1, DAYS_MAX,
     "how long it is valid (default: 10 under a CA, 90 self-signed)"},
    {"force", 'f', vel_parse_flag, FIELD(force), NULL, NULL, 0, 0,
     "overwrite a certificate and keys"},
};

OWNED_POINTER(crypto_release, struct vel_crypto, vel_crypto_free)
OWNED_POINTER(identity_release, struct vel_identity, vel_identity_free)

static int wrong(const struct vel_call *call, const char *option, const char *value)
{
    vel_fail(call, "--%s '%s': %s", option, value,
             strcmp(option, "ip") == 0 ? "not an IP address" : "not a DNS name");
    return VEL_STATUS_USAGE;
}

static int collect_names(const struct vel_call *call, const struct settings *settings,
                         const char *names[VEL_ISSUE_NAMES_MAX], size_t *count)
{
    struct vel_host host;
    *count = 0;
    if (settings->dns.count + settings->ip.count == 0 ||
        settings->dns.count + settings->ip.count > VEL_ISSUE_NAMES_MAX) {
        vel_fail(call, "give 1 to %d names with --dns and --ip", VEL_ISSUE_NAMES_MAX);
        return VEL_STATUS_USAGE;
    }
    for (size_t i = 0; i < settings->dns.count; i++) {
        const char *name = settings->dns.items[i];
        if (vel_host_parse_pattern(name, &host) != VEL_OK || host.ip_size > 0)
            return wrong(call, "dns", name);
        names[(*count)++] = name;
    }
    for (size_t i = 0; i < settings->ip.count; i++) {
        const char *name = settings->ip.items[i];
        if (vel_host_parse(name, &host) != VEL_OK || host.ip_size == 0)
            return wrong(call, "ip", name);
        names[(*count)++] = name;
    }
    return VEL_STATUS_OK;
}

static int issue(const struct vel_call *call, const struct settings *settings,
                 struct vel_cert_order *order)
{
    OWNED(crypto_release) struct vel_crypto *crypto = NULL;
    OWNED(identity_release) struct vel_identity *ca = NULL;
    struct vel_cert_folder out;
    struct vel_cert_folder ca_folder;
    enum vel_err err = vel_crypto_new(call->env, &crypto);
    if (err != VEL_OK)
        return vel_fail(call, "%s", vel_err_text(err));
    int status = vel_cert_folder_open(call, settings->out, "fullchain.pem", &out);
    if (status == VEL_STATUS_OK && settings->ca != NULL)
        status = vel_cert_folder_open(call, settings->ca, "ca.pem", &ca_folder);
    if (status == VEL_STATUS_OK && settings->ca != NULL)
        status = vel_cert_folder_read(call, crypto, &ca_folder, &ca);
    if (status != VEL_STATUS_OK)
        return status;
    return vel_order_fill(call, crypto, order, ca, &out, settings->force);
}

static int run_issue(const struct vel_call *call)
{
    const struct settings *settings = call->settings;
    const char *names[VEL_ISSUE_NAMES_MAX];
    struct vel_cert_order order = {.names = names, .profile = settings->profile, .path_length = -1};
    if (settings->out == NULL) {
        vel_fail(call, "--out is missing: the folder to write to");
        return VEL_STATUS_USAGE;
    }
    int status = collect_names(call, settings, names, &order.name_count);
    if (status == VEL_STATUS_OK)
        status = vel_order_pick_classical(call, settings->classical, settings->profile,
                                          &order.classical);
    if (status != VEL_STATUS_OK)
        return status;
    int64_t days = settings->ca != NULL ? DAYS_UNDER_CA : DAYS_SELF_SIGNED;
    order.validity = (settings->days > 0 ? settings->days : days) * DAY;
    return issue(call, settings, &order);
}

static int run_ca_issue(const struct vel_call *call)
{
    const struct settings *settings = call->settings;
    if (settings->ca != NULL)
        return run_issue(call);
    vel_fail(call, "--ca is missing: the folder that 'ca init' made");
    return VEL_STATUS_USAGE;
}

const struct vel_command vel_cmd_cert_issue = {
    .name = "cert issue",
    .arguments = "",
    .summary = "Make a hybrid certificate with its private keys",
    .description =
        "Draws a classical and an ML-DSA key pair and certifies both, signed by a CA's two keys "
        "or, without --ca, by its own. The folder gets fullchain.pem (the certificate) and "
        "privkey.pem (both keys, mode 0600).\n\n"
        "Clients trust a self-signed certificate when they get it with --cacert.",
    .options = options,
    .option_count = VEL_COUNT(options),
    .settings_size = sizeof(struct settings),
    .run = run_issue,
};

const struct vel_command vel_cmd_ca_issue = {
    .name = "ca issue",
    .arguments = "",
    .summary = "Make a hybrid certificate signed by a CA ('cert issue --ca')",
    .options = options,
    .option_count = VEL_COUNT(options),
    .settings_size = sizeof(struct settings),
    .run = run_ca_issue,
};
