/* SPDX-License-Identifier: MIT */
#include "client/pin_store.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { PATH_BYTES = 4096, FILE_MODE = 0600, FOLDER_MODE = 0700 };

OWNED_POINTER(pins_release, struct vel_pins, vel_pins_free)

/* VEL-FB-43 */
static vel_result load(const struct vel_env *env, const char *path, int64_t unix_now,
                       struct vel_pins *pins)
{
    OWNED(vel_buf_free) struct vel_buf text = {.env = env, .limit = VEL_PINS_TEXT_MAX};
    enum vel_err err = vel_file_load(path, &text);
    if (err == VEL_ERR_NOT_FOUND)
        return VEL_OK;
    TRY(err);
    return vel_pins_read(pins, vel_buf_slice(&text), unix_now);
}

vel_result vel_pin_store_load(const struct vel_env *env, const char *path, int64_t unix_now,
                              struct vel_pins **pins)
{
    OWNED(pins_release) struct vel_pins *made = NULL;
    TRY(vel_pins_new(env, &made));
    TRY(load(env, path, unix_now, made));
    *pins = GIVE(made);
    return VEL_OK;
}

static vel_result make_folder_of(const char *path)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return VEL_OK;
    REQUIRE((size_t)(slash - path) < sizeof folder, VEL_ERR_ARGUMENT);
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    return vel_folder_make(folder, FOLDER_MODE);
}

vel_result vel_pin_store_set(const struct vel_env *env, const char *path, const char *host,
                             uint16_t port, uint32_t max_age, int64_t unix_now)
{
    char lock_path[PATH_BYTES];
    int length = snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    REQUIRE(length > 0 && (size_t)length < sizeof lock_path, VEL_ERR_ARGUMENT);
    TRY(make_folder_of(path));
    OWNED(vel_fd_close) int lock = -1;
    TRY(vel_file_lock(lock_path, FILE_MODE, &lock));

    OWNED(pins_release) struct vel_pins *pins = NULL;
    OWNED(vel_buf_free) struct vel_buf text = {.env = env, .limit = VEL_PINS_TEXT_MAX};
    TRY(vel_pin_store_load(env, path, unix_now, &pins));
    TRY(vel_pins_set(pins, host, port, max_age, unix_now));
    TRY(vel_pins_write(pins, &text));
    return vel_file_save(path, vel_buf_slice(&text), FILE_MODE, true);
}
