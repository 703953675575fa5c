/* SPDX-License-Identifier: MIT */
#include "client/exit.h"

#include "base/units.h"
#include "transport/error.h"

const char *vel_exit_name(enum vel_exit status)
{
    switch (status) {
#define NAME_CASE(name, number, label, text)                                                       \
    case name:                                                                                     \
        return label;
        VEL_EXIT_MAP(NAME_CASE)
#undef NAME_CASE
    }
    return "unknown";
}

const char *vel_exit_text(enum vel_exit status)
{
    switch (status) {
#define TEXT_CASE(name, number, label, text)                                                       \
    case name:                                                                                     \
        return text;
        VEL_EXIT_MAP(TEXT_CASE)
#undef TEXT_CASE
    }
    return "unknown exit status";
}

enum vel_exit vel_exit_of_failure(enum vel_client_failure failure)
{
    static const enum vel_exit exits[] = {
        [VEL_CLIENT_OK] = VEL_EXIT_OK,
        [VEL_CLIENT_CONNECT] = VEL_EXIT_CONNECT,
        [VEL_CLIENT_TIMEOUT] = VEL_EXIT_TIMEOUT,
        [VEL_CLIENT_HANDSHAKE] = VEL_EXIT_HANDSHAKE,
        [VEL_CLIENT_CERTIFICATE] = VEL_EXIT_CERTIFICATE,
        [VEL_CLIENT_PROFILE] = VEL_EXIT_PROFILE,
        [VEL_CLIENT_DOWNGRADE] = VEL_EXIT_DOWNGRADE,
        [VEL_CLIENT_RECORD] = VEL_EXIT_RECORD,
        [VEL_CLIENT_HTTP_STATUS] = VEL_EXIT_HTTP_STATUS,
        [VEL_CLIENT_PROTOCOL] = VEL_EXIT_HTTP,
        [VEL_CLIENT_PARTIAL] = VEL_EXIT_PARTIAL,
        [VEL_CLIENT_EMPTY] = VEL_EXIT_EMPTY,
        [VEL_CLIENT_SEND] = VEL_EXIT_READ,
        [VEL_CLIENT_WRITE] = VEL_EXIT_WRITE,
        [VEL_CLIENT_MEMORY] = VEL_EXIT_MEMORY,
    };
    return (size_t)failure < VEL_COUNT(exits) ? exits[failure] : VEL_EXIT_RECEIVE;
}

/* Closes during the handshake whose code says more than that it failed. `by_peer`: also when the
 * peer sent it; a certificate that the *server* refuses is no verdict on the server's. */
static const struct {
    uint64_t code;
    enum vel_client_failure failure;
    bool by_peer;
} handshake_codes[] = {
    {VEL_WIRE_CONNECTION_REFUSED, VEL_CLIENT_CONNECT, true},
    {VEL_WIRE_VERSION_NEGOTIATION_ERROR, VEL_CLIENT_CONNECT, true},
    {VEL_WIRE_NO_VIABLE_PATH, VEL_CLIENT_CONNECT, true},
    {VEL_WIRE_PROFILE_POLICY_VIOLATION, VEL_CLIENT_PROFILE, true},
    {VEL_WIRE_CRYPTO_ERROR + 71, VEL_CLIENT_PROFILE, true}, /* insufficient_security */
    {VEL_WIRE_CERT_PQ_VALIDATION_FAILED, VEL_CLIENT_CERTIFICATE, false},
    {VEL_WIRE_CRYPTO_ERROR + 42, VEL_CLIENT_CERTIFICATE, false}, /* bad_certificate */
    {VEL_WIRE_CRYPTO_ERROR + 45, VEL_CLIENT_CERTIFICATE, false}, /* certificate_expired */
    {VEL_WIRE_CRYPTO_ERROR + 46, VEL_CLIENT_CERTIFICATE, false}, /* certificate_unknown */
    {VEL_WIRE_CRYPTO_ERROR + 48, VEL_CLIENT_CERTIFICATE, false}, /* unknown_ca */
};

static enum vel_client_failure failure_of_handshake(const struct vel_close *close)
{
    if (close->verdict.check != VEL_CERT_OK)
        return VEL_CLIENT_CERTIFICATE;
    bool by_peer = close->origin == VEL_CLOSE_PEER;
    /* The version lists of both sides do not tell the same story (RFC 9368 4). */
    if (!by_peer && !close->application && close->code == VEL_WIRE_VERSION_NEGOTIATION_ERROR)
        return VEL_CLIENT_DOWNGRADE;
    for (size_t i = 0; i < VEL_COUNT(handshake_codes); i++)
        if (!close->application && close->code == handshake_codes[i].code &&
            (!by_peer || handshake_codes[i].by_peer))
            return handshake_codes[i].failure;
    return VEL_CLIENT_HANDSHAKE;
}

enum vel_client_failure vel_client_failure_of_close(const struct vel_close *close, bool connected)
{
    if (close == NULL)
        return VEL_CLIENT_OK;
    if (close->origin == VEL_CLOSE_IDLE || close->origin == VEL_CLOSE_TIMEOUT)
        return VEL_CLIENT_TIMEOUT;
    if (close->origin == VEL_CLOSE_VERSION)
        return VEL_CLIENT_CONNECT;
    if (!connected)
        return failure_of_handshake(close);
    if (close->application && close->code == VEL_H3_NO_ERROR)
        return VEL_CLIENT_OK;
    return VEL_CLIENT_PROTOCOL;
}
