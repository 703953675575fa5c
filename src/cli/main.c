/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "cli/cli.h"
#include "velocity/heap.h"
#include "velocity/system.h"

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, with a message */
    struct vel_heap *heap = NULL;
    struct vel_env env = vel_heap_new(&heap) == VEL_OK ? vel_heap_env(heap) : vel_env_system();
    int status = vel_cli_run(&env, argc, argv);
    vel_heap_free(heap);
    return status;
}
