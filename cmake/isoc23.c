/* SPDX-License-Identifier: MIT */

/*
 * Debian 13's libcrypto.a was compiled against a newer libc, whose headers rename strtol to its
 * C23 form. On Debian 12 this gives it the older one; the two differ only for the prefix "0b",
 * which libcrypto does not use.
 */
#include <stdlib.h>

long __isoc23_strtol(const char *restrict text, char **restrict end, int base);

long __isoc23_strtol(const char *restrict text, char **restrict end, int base)
{
    return strtol(text, end, base);
}
