/* SPDX-License-Identifier: MIT */
#include "cli/bench_measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/units.h"

void vel_bench_add(struct bench *bench, double sample)
{
    if (bench->count < BENCH_SAMPLES)
        bench->samples[bench->count++] = sample;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* RssAnon + RssShmem of this process. */
double vel_bench_resident(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    uint64_t total = 0;
    uint64_t kib;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "RssAnon: %" SCNu64, &kib) == 1 ||
            sscanf(line, "RssShmem: %" SCNu64, &kib) == 1)
            total += kib * KIB;
    }
    if (file != NULL)
        fclose(file);
    return (double)total;
}

double vel_bench_at(struct bench *bench, enum vel_bench_rank rank)
{
    const size_t at[] = {0, bench->count / 2, bench->count - 1};
    if (bench->count == 0)
        return 0;
    qsort(bench->samples, bench->count, sizeof bench->samples[0], compare);
    return bench->samples[at[rank]];
}

void vel_bench_print(struct bench *bench)
{
    if (bench->count == 0)
        return;
    printf("%s\t%.6g\t%.6g\t%.6g\t%s\n", bench->key, vel_bench_at(bench, BENCH_LEAST),
           vel_bench_at(bench, BENCH_MEDIAN), vel_bench_at(bench, BENCH_MOST), bench->unit);
    fflush(stdout);
}

double vel_bench_cpu(void)
{
    struct rusage used;
    vel_bench_require("getrusage", getrusage(RUSAGE_THREAD, &used) == 0 ? VEL_OK : VEL_ERR_IO);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

uint64_t vel_bench_option(int argc, char **argv, const char *name, uint64_t fallback)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0 || strcmp(argv[i] + 2, name) != 0)
            continue;
        char *end = NULL;
        errno = 0;
        unsigned long long value = strtoull(argv[i + 1], &end, 10);
        if (errno == 0 && end != argv[i + 1] && *end == '\0' && argv[i + 1][0] != '-')
            return value;
        fprintf(stderr, "%s: '%s' is not a number for --%s\n", argv[0], argv[i + 1], name);
        exit(2);
    }
    return fallback;
}

void vel_bench_require(const char *what, enum vel_err err)
{
    if (err == VEL_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, vel_err_text(err));
    exit(1);
}
