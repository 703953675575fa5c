/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void bench_add(struct bench *bench, double sample)
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

void bench_print(struct bench *bench)
{
    if (bench->count == 0)
        return;
    qsort(bench->samples, bench->count, sizeof bench->samples[0], compare);
    printf("%s\t%.6g\t%.6g\t%.6g\t%s\n", bench->key, bench->samples[0],
           bench->samples[bench->count / 2], bench->samples[bench->count - 1], bench->unit);
    fflush(stdout);
}

double bench_cpu(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

uint64_t bench_option(int argc, char **argv, const char *name, uint64_t fallback)
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

void bench_require(const char *what, enum vel_err err)
{
    if (err == VEL_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, vel_err_text(err));
    exit(1);
}
