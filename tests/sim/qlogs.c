/* SPDX-License-Identifier: MIT */
#include "sim/qlogs.h"

#include "testing/test.h"
#include "velocity/qlog.h"

const struct vel_tracer *qlogs_tracer(void)
{
    static struct vel_qlog
        *qlog; /* of the program: connections of a failed scenario still use it */
    static struct test_env env;
    const char *folder = getenv("SIM_QLOG");
    if (folder == NULL || folder[0] == '\0')
        return NULL;
    if (qlog == NULL) {
        test_env_init(&env, 1);
        ASSERT_OK(vel_qlog_new(
            &(struct vel_qlog_setup){.env = &env.env, .folder = folder, .at_once = true}, &qlog));
    }
    return vel_qlog_tracer(qlog);
}
