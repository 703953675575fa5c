/* SPDX-License-Identifier: MIT */
#include "cli/serve_counts.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"

static vel_time time_of(const struct timeval *value)
{
    return value->tv_sec * SECOND + value->tv_usec * US;
}

vel_time vel_serve_cpu(const struct rusage *used)
{
    return time_of(&used->ru_utime) + time_of(&used->ru_stime);
}

void vel_serve_counts_add(struct vel_serve_counts *sum, const struct vel_serve_counts *counts)
{
    sum->connections += counts->connections;
    sum->requests += counts->requests;
    sum->resets += counts->resets;
    sum->body_bytes += counts->body_bytes;
    sum->datagrams_lost += counts->datagrams_lost;
    sum->probes += counts->probes;
    sum->cpu += counts->cpu;
}

void vel_serve_counts_print(const char *who, const struct vel_serve_counts *counts)
{
    printf("%s: %" PRIu64 " connections, %" PRIu64 " requests, %" PRIu64
           " bytes of bodies, %" PRIu64 " resets, %" PRIu64 " datagrams lost, %" PRIu64
           " probes, %.3f s of CPU\n",
           who, counts->connections, counts->requests, counts->body_bytes, counts->resets,
           counts->datagrams_lost, counts->probes, (double)counts->cpu / (double)SECOND);
}
