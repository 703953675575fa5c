/* SPDX-License-Identifier: MIT */
#include "velocity/err.h"

#define TEXT(name, text) [name] = (text),
static const char *const texts[] = {VEL_ERR_MAP(TEXT)};
#undef TEXT

const char *vel_err_text(enum vel_err err)
{
    return (unsigned)err < VEL_ERR_COUNT ? texts[err] : "unknown error";
}
