/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli/cmd.h"
#include "velocity/config.h"
#include "velocity/crypto.h"

static int run_version(const struct vel_call *call)
{
    struct vel_crypto *crypto = NULL;
    enum vel_err err = vel_crypto_new(call->env, &crypto);
    if (err != VEL_OK)
        return vel_fail(call, "%s", vel_err_text(err));
    printf("velocity %s\nprotocol velocity/1, wire version 0x%08x\nAES-GCM by %s\n",
           VELOCITY_VERSION, (unsigned)VEL_VERSION_DRAFT, vel_crypto_aes_gcm(crypto));
    vel_crypto_free(crypto);
    return VEL_STATUS_OK;
}

const struct vel_command vel_cmd_version = {
    .name = "version",
    .arguments = "",
    .summary = "Print the version of the program and of the protocol, and what encrypts packets",
    .run = run_version,
};
