/* SPDX-License-Identifier: MIT */
#include "sim/scenario.h"

#include "velocity/config.h"

/* cmocka runs one test at a time; this is how a failure deep inside knows which. */
static const struct scenario *running;
static uint64_t running_seed;

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text == NULL || *text == '\0' ? otherwise : strtoull(text, NULL, 10);
}

uint32_t scenario_version(void)
{
    return running->version != 0 ? running->version : VEL_VERSION_DRAFT;
}

void scenario_run(void **state)
{
    running = *state;
    uint64_t one = number_from("SIM_SEED", 0);
    uint64_t count = number_from("SIM_SEEDS", running->seeds) * number_from("VELOCITY_SOAK", 1);
    uint64_t last = one != 0 ? one : count;
    for (running_seed = one != 0 ? one : 1; running_seed <= last; running_seed++)
        running->run(running_seed);
}

void scenario_fail(const char *file, int line, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_error("%s, seed %llu: %s\n  again: SIM_SEED=%llu, at %s:%d\n", running->name,
                (unsigned long long)running_seed, text, (unsigned long long)running_seed, file,
                line);
    _fail(file, line);
    abort(); /* not reached */
}
