/* SPDX-License-Identifier: MIT */
#include "http/status.h"

#include "velocity/http.h"

const char *vel_http_status_text(unsigned status)
{
    switch (status) {
#define STATUS_CASE(code, text)                                                                    \
    case code:                                                                                     \
        return text;
        VEL_HTTP_STATUS_MAP(STATUS_CASE)
#undef STATUS_CASE
    default:
        return "";
    }
}

const char *vel_h3_error_name(uint64_t code)
{
    switch (code) {
#define ERROR_CASE(name, number, text)                                                             \
    case number:                                                                                   \
        return text;
        VEL_H3_ERROR_MAP(ERROR_CASE)
#undef ERROR_CASE
    default:
        return "unknown HTTP/3 error";
    }
}
