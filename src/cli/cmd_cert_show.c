/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "pki/algorithm.h"
#include "pki/pem.h"
#include "pki/show.h"
#include "pki/time.h"
#include "pki/verify.h"
#include "sys/file.h"

enum { FILE_MAX_BYTES = 1024 * 1024, SHOWN_MAX = 1024, HEX_MAX = 2 * VEL_FINGERPRINT + 1 };

struct settings {
    bool json;
};

static const struct vel_option options[] = {
    {"json", 0, vel_parse_flag, offsetof(struct settings, json), NULL, NULL, 0, 0,
     "print one JSON object"},
};

OWNED_POINTER(crypto_release, struct vel_crypto, vel_crypto_free)
OWNED_POINTER(json_release, json_t, json_decref)

/* The certificates of a file. */
struct shown {
    struct vel_buf bufs[SHOWN_MAX];
    struct vel_slice ders[SHOWN_MAX];
    size_t count;
};

static void shown_clear(struct shown *shown)
{
    for (size_t i = 0; i < shown->count; i++)
        vel_buf_free(&shown->bufs[i]);
}

static void hex(struct vel_slice bytes, char text[HEX_MAX])
{
    text[0] = '\0';
    for (size_t i = 0; i < bytes.len && i < VEL_FINGERPRINT; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes.ptr[i]);
}

/* PEM blocks; a file that does not begin as text is one certificate in DER. */
static vel_result split(const struct vel_call *call, struct vel_slice file, struct shown *shown)
{
    struct vel_reader text = vel_reader(file);
    enum vel_err err = VEL_OK;
    while (err == VEL_OK) {
        struct vel_buf der = {.env = call->env, .limit = VEL_CERT_MAX_BYTES};
        bool raw = shown->count == 0 && file.len > 0 && file.ptr[0] == 0x30;
        err = raw ? vel_buf_append(&der, vel_read_rest(&text))
                  : vel_pem_next(&text, VEL_PEM_CERTIFICATE, &der);
        if (err == VEL_OK && shown->count == SHOWN_MAX)
            err = VEL_ERR_LIMIT;
        if (err != VEL_OK) {
            vel_buf_free(&der);
            break;
        }
        shown->ders[shown->count] = vel_buf_slice(&der);
        shown->bufs[shown->count++] = der;
        if (raw)
            break;
    }
    return err == VEL_ERR_NOT_FOUND && shown->count > 0 ? VEL_OK : err;
}

static int load(const struct vel_call *call, const char *path, struct shown *shown)
{
    OWNED(vel_buf_free) struct vel_buf file = {.env = call->env, .limit = FILE_MAX_BYTES};
    enum vel_err err = vel_file_load(path, &file);
    if (err == VEL_ERR_NOT_FOUND)
        return vel_fail(call, "%s: no such file", path);
    if (err != VEL_OK)
        return vel_fail(call, "%s: %s", path,
                        err == VEL_ERR_IO ? strerror(errno) : vel_err_text(err));
    err = split(call, vel_buf_slice(&file), shown);
    if (err == VEL_ERR_LIMIT)
        return vel_fail(call, "%s: a certificate of more than %d bytes, or more than %d of them",
                        path, VEL_CERT_MAX_BYTES, SHOWN_MAX);
    if (err != VEL_OK)
        return vel_fail(call, "%s: holds no certificate in PEM or DER", path);
    return VEL_STATUS_OK;
}

/* ---- text ---- */

static void print_half(const char *title, const struct vel_half_info *half)
{
    if (!half->present && half->signature_size == 0) {
        printf("  %-12s none\n", title);
        return;
    }
    printf("  %-12s key %s (%zu bytes), signed with %s (%zu bytes): %s\n", title,
           half->present ? vel_algorithm_name(half->key) : "none", half->key_size,
           half->signature_size > 0 ? vel_algorithm_name(half->signature) : "nothing",
           half->signature_size, vel_signed_name(half->state));
}

static void print_names(const struct vel_cert *cert)
{
    char name[VEL_NAME_TEXT];
    struct vel_reader names = vel_reader(cert->names);
    printf("  %-12s", "names");
    bool any = false;
    while (vel_cert_next_name(&names, name)) {
        printf(" %s", name);
        any = true;
    }
    puts(any ? "" : " none");
}

static void print_text(const struct vel_cert_info *info, size_t index)
{
    char from[VEL_TIME_TEXT], until[VEL_TIME_TEXT], digits[HEX_MAX];
    vel_time_text(info->cert.not_before, from);
    vel_time_text(info->cert.not_after, until);
    printf("certificate %zu (%zu bytes)\n", index, info->cert.der.len);
    printf("  %-12s %s\n", "subject", info->subject);
    printf("  %-12s %s%s\n", "issuer", info->issuer, info->self_issued ? " (itself)" : "");
    hex(info->cert.serial, digits);
    printf("  %-12s %s\n", "serial", digits);
    print_names(&info->cert);
    printf("  %-12s %s to %s\n", "valid", from, until);
    printf("  %-12s %s\n", "CA", info->cert.ca ? "yes" : "no");
    print_half("classical", &info->classical);
    print_half("alternative", &info->alternative);
    printf("  %-12s %s\n", "suite",
           info->suite != NULL ? info->suite->label : "none: cannot serve Velocity");
    if (info->suite != NULL)
        printf("  %-12s %s\n", "profile", vel_profile_name(info->suite->profile));
    hex(vel_slice(info->fingerprint, VEL_FINGERPRINT), digits);
    printf("  %-12s %s\n", "SHA-256", digits);
}

/* ---- JSON ---- */

static json_t *half_json(const struct vel_half_info *half)
{
    return json_pack(
        "{s:s?, s:I, s:s?, s:I, s:s}", "key", half->present ? vel_algorithm_name(half->key) : NULL,
        "key_bytes", (json_int_t)half->key_size, "signed_with",
        half->signature_size > 0 ? vel_algorithm_name(half->signature) : NULL, "signature_bytes",
        (json_int_t)half->signature_size, "signature", vel_signed_name(half->state));
}

static json_t *names_json(const struct vel_cert *cert)
{
    char name[VEL_NAME_TEXT];
    struct vel_reader names = vel_reader(cert->names);
    json_t *list = json_array();
    while (vel_cert_next_name(&names, name))
        json_array_append_new(list, json_string(name));
    return list;
}

static json_t *info_json(const struct vel_cert_info *info)
{
    char from[VEL_TIME_TEXT], until[VEL_TIME_TEXT], serial[HEX_MAX], digits[HEX_MAX];
    vel_time_text(info->cert.not_before, from);
    vel_time_text(info->cert.not_after, until);
    hex(info->cert.serial, serial);
    hex(vel_slice(info->fingerprint, VEL_FINGERPRINT), digits);
    return json_pack("{s:s, s:s, s:b, s:s, s:o, s:s, s:s, s:b, s:o, s:o, s:s?, s:s?, s:s, s:I}",
                     "subject", info->subject, "issuer", info->issuer, "self_issued",
                     info->self_issued, "serial", serial, "names", names_json(&info->cert),
                     "not_before", from, "not_after", until, "ca", info->cert.ca, "classical",
                     half_json(&info->classical), "alternative", half_json(&info->alternative),
                     "suite", info->suite != NULL ? info->suite->label : NULL, "profile",
                     info->suite != NULL ? vel_profile_name(info->suite->profile) : NULL, "sha256",
                     digits, "bytes", (json_int_t)info->cert.der.len);
}

static int show(const struct vel_call *call, const struct vel_crypto *crypto,
                const struct shown *shown, json_t *list)
{
    for (size_t i = 0; i < shown->count; i++) {
        struct vel_cert_info info;
        enum vel_err err =
            vel_cert_describe(call->env, crypto, shown->ders[i], shown->ders, shown->count, &info);
        if (err != VEL_OK)
            return vel_fail(call, "certificate %zu of %s: %s", i, call->arguments[0],
                            vel_err_text(err));
        if (list != NULL)
            json_array_append_new(list, info_json(&info));
        else
            print_text(&info, i);
    }
    return VEL_STATUS_OK;
}

static int run_show(const struct vel_call *call)
{
    const struct settings *settings = call->settings;
    OWNED(crypto_release) struct vel_crypto *crypto = NULL;
    OWNED(shown_clear) struct shown shown = {0};
    OWNED(json_release) json_t *whole = NULL;
    json_t *list = NULL;
    enum vel_err err = vel_crypto_new(call->env, &crypto);
    if (err != VEL_OK)
        return vel_fail(call, "%s", vel_err_text(err));
    if (settings->json) {
        list = json_array();
        whole = json_pack("{s:o}", "certificates", list);
    }
    int status = load(call, call->arguments[0], &shown);
    if (status == VEL_STATUS_OK)
        status = show(call, crypto, &shown, list);
    if (status == VEL_STATUS_OK && whole != NULL) {
        json_dumpf(whole, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    return status;
}

const struct vel_command vel_cmd_cert_show = {
    .name = "cert show",
    .arguments = "FILE",
    .summary = "Print what the certificates of a file say, both halves",
    .description =
        "FILE holds certificates in PEM, or one in DER. Each signature is checked under the keys "
        "of its issuer when that is in the file, or under its own when it is self-signed, and is "
        "valid, broken, missing or unchecked. This is no verification: trust, names and dates "
        "are not judged.",
    .options = options,
    .option_count = VEL_COUNT(options),
    .settings_size = sizeof(struct settings),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run_show,
};
