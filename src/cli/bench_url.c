/* SPDX-License-Identifier: MIT */
#include "cli/bench_url.h"

#include <string.h>

#include "base/units.h"
#include "cli/bench_run.h"

static void download(struct vel_bench_run *run, struct vel_bench_row *row)
{
    row->value.unit = "Gbit/s";
    row->client.unit = "CPU s/GB";
    run->together = 1;
    run->cut = true;
    for (int64_t i = 0; i < run->settings->rounds && !run->failed; i++) {
        struct vel_bench_spent spent = vel_bench_run_round(run);
        double gigabytes = (double)run->received * 1e-9;
        row->refused += run->refused;
        vel_bench_add(&row->value, gigabytes * 8 / spent.seconds);
        vel_bench_add(&row->client, spent.cpu / VEL_MAX(gigabytes, 1e-9));
        run->over |=
            run->facts.http == VEL_HTTP_1_1; /* what is cut off there ends its connection */
    }
    run->cut = false;
}

static void add_rate(struct vel_bench_row *row, const struct vel_bench_spent *spent, uint64_t count)
{
    vel_bench_add(&row->value, (double)count / spent->seconds);
    vel_bench_add(&row->client, spent->cpu / (double)VEL_MAX(count, 1u) * 1e6);
}

static void requests(struct vel_bench_run *run, struct vel_bench_row *row)
{
    row->value.unit = "1/s";
    row->client.unit = "CPU us each";
    run->together = VEL_BENCH_TOGETHER;
    for (int64_t i = 0; i < run->settings->rounds && !run->failed; i++) {
        struct vel_bench_spent spent = vel_bench_run_round(run);
        row->refused += run->refused;
        add_rate(row, &spent, run->answered);
    }
}

/* Minimum, median and maximum are of all requests. */
static void latency(struct vel_bench_run *run, struct vel_bench_row *row)
{
    struct vel_bench_spread spread = {0};
    row->value.unit = row->tail.unit = "us each";
    row->client.unit = "CPU us each";
    run->together = 1;
    run->spread = &spread;
    for (int64_t i = 0; i < run->settings->rounds && !run->failed; i++) {
        struct vel_bench_spent spent = vel_bench_run_round(run);
        row->refused += run->refused;
        vel_bench_add(&row->client, spent.cpu / (double)VEL_MAX(run->answered, 1u) * 1e6);
    }
    run->spread = NULL;
    double least = (double)spread.least / 1000, most = (double)spread.most / 1000;
    vel_bench_add(&row->value, least);
    vel_bench_add(&row->value, VEL_MIN(VEL_MAX(vel_bench_spread_at(&spread, 0.5), least), most));
    vel_bench_add(&row->value, most);
    vel_bench_add(&row->tail, VEL_MIN(vel_bench_spread_at(&spread, 0.99), most));
}

static void handshakes(struct vel_bench_run *run, struct vel_bench_row *row)
{
    row->value.unit = "1/s";
    row->client.unit = "CPU us each";
    run->connecting = true;
    for (int64_t i = 0; i < run->settings->rounds && !run->failed; i++) {
        struct vel_bench_spent spent = vel_bench_run_round(run);
        add_rate(row, &spent, run->connections);
    }
    run->connecting = false;
}

/* The names are among those of the tests against ourselves. */
static const struct {
    const char *name, *title;
    void (*measure)(struct vel_bench_run *run, struct vel_bench_row *row);
} tests[] = {
    {"download", "the resource, again and again", download},
    {"requests", "requests, 16 at a time", requests},
    {"latency", "requests, one at a time", latency},
    {"handshakes", "new connections, 16 at a time", handshakes},
};

static size_t find_test(const char *name)
{
    size_t at = 0;
    while (at < VEL_COUNT(tests) && strcmp(tests[at].name, name) != 0)
        at++;
    return at;
}

bool vel_bench_url_has(const char *name)
{
    return find_test(name) < VEL_COUNT(tests);
}

static void run_tests(struct vel_bench_run *run, const bool wanted[BENCH_TESTS],
                      struct vel_bench_row rows[BENCH_TESTS], size_t *count)
{
    size_t all = 0;
    for (size_t i = 0; i < BENCH_TESTS; i++)
        all += wanted[i];
    for (size_t i = 0; i < BENCH_TESTS && !run->failed; i++) {
        if (!wanted[i])
            continue;
        size_t at = find_test(vel_bench_test_name(i));
        vel_bench_show_progress(tests[at].title, *count, all);
        rows[*count] = (struct vel_bench_row){.name = tests[at].name, .title = tests[at].title};
        tests[at].measure(run, &rows[(*count)++]);
    }
    vel_bench_show_progress(NULL, *count, all);
}

vel_result vel_bench_url(struct vel_bench_site *site, const bool wanted[BENCH_TESTS],
                         struct vel_bench_row rows[BENCH_TESTS], size_t *count,
                         struct vel_attempt_facts *facts)
{
    struct vel_bench_run run;
    size_t done = 0;
    vel_bench_run_open(&run, site);
    if (!run.failed)
        run_tests(&run, wanted, rows, &done);
    bool good = !run.failed;
    *facts = run.facts;
    *count = done;
    vel_bench_run_clear(&run);
    return good ? VEL_OK : VEL_ERR_IO;
}
