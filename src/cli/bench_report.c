/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/bench.h"
#include "sys/terminal.h"

/* Three significant digits, whole from a hundred on. */
static const char *figure(double value, char text[32])
{
    int digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
    snprintf(text, 32, "%.*f", digits, value);
    return text;
}

static void print_network(const struct vel_bench_impairment *network)
{
    char text[32];
    if (!vel_bench_is_impaired(network))
        return;
    printf("through a relay");
    if (network->loss > 0)
        printf(", loss %g %%", (double)network->loss / 1e4);
    if (network->delay > 0)
        printf(", delay %s ms each way", figure((double)network->delay / (double)MS, text));
    if (network->rate > 0)
        printf(", rate %s Mbit/s", figure((double)network->rate / 1e6, text));
    printf(", seed %lld\n", (long long)network->seed);
}

static void print_row(struct vel_bench_row *row)
{
    char least[32], median[32], most[32], client[32], server[32];
    printf("%-32s %10s %10s %10s  %-20s", row->title,
           figure(vel_bench_at(&row->value, BENCH_LEAST), least),
           figure(vel_bench_at(&row->value, BENCH_MEDIAN), median),
           figure(vel_bench_at(&row->value, BENCH_MOST), most), row->value.unit);
    if (row->client.count > 0)
        printf(" %8s %8s  %s", figure(vel_bench_at(&row->client, BENCH_MEDIAN), client),
               row->server.count > 0 ? figure(vel_bench_at(&row->server, BENCH_MEDIAN), server)
                                     : "-",
               row->client.unit);
    if (row->tail.count > 0)
        printf(", 99th of a hundred %s", figure(vel_bench_at(&row->tail, BENCH_MEDIAN), client));
    if (row->arrived.count > 0)
        printf(", %.1f %% arrived", 100 * vel_bench_at(&row->arrived, BENCH_MEDIAN));
    if (row->refused > 0)
        printf(", %" PRIu64 " refused", row->refused);
    printf("\n");
}

void vel_bench_report_text(const struct vel_bench_settings *settings,
                           const struct vel_bench_subject *subject, struct vel_bench_row *rows,
                           size_t count)
{
    if (subject == NULL)
        printf("a client and a server on this machine, profile %s, %lld round(s) each\n",
               vel_profile_name(settings->profile), (long long)settings->rounds);
    else
        printf("%s over %s (%s), %lld round(s) each\n", subject->url, subject->protocol,
               subject->version, (long long)settings->rounds);
    print_network(&settings->network);
    printf("\n%-32s %10s %10s %10s  %-20s %8s %8s\n", "", "minimum", "median", "maximum", "",
           "client", "server");
    for (size_t i = 0; i < count; i++)
        print_row(&rows[i]);
}

static json_t *ranks(struct bench *bench)
{
    json_t *made = json_object();
    json_object_set_new(made, "min", json_real(vel_bench_at(bench, BENCH_LEAST)));
    json_object_set_new(made, "median", json_real(vel_bench_at(bench, BENCH_MEDIAN)));
    json_object_set_new(made, "max", json_real(vel_bench_at(bench, BENCH_MOST)));
    json_object_set_new(made, "unit", bench->unit != NULL ? json_string(bench->unit) : json_null());
    return made;
}

static json_t *result(struct vel_bench_row *row, bool of_url)
{
    json_t *made = ranks(&row->value);
    if (row->client.count > 0) {
        json_object_set_new(made, "client_cpu", ranks(&row->client));
        json_object_set_new(made, "server_cpu",
                            row->server.count > 0 ? ranks(&row->server) : json_null());
    }
    if (row->tail.count > 0)
        json_object_set_new(made, "p99", json_real(vel_bench_at(&row->tail, BENCH_MEDIAN)));
    if (row->arrived.count > 0)
        json_object_set_new(made, "arrived", json_real(vel_bench_at(&row->arrived, BENCH_MEDIAN)));
    if (of_url)
        json_object_set_new(made, "refused", json_integer((json_int_t)row->refused));
    return made;
}

static json_t *network_of(const struct vel_bench_impairment *network)
{
    json_t *made = json_object();
    json_object_set_new(made, "loss", json_real((double)network->loss / 1e6));
    json_object_set_new(made, "delay_ms", json_real((double)network->delay / (double)MS));
    json_object_set_new(made, "rate_bit_s",
                        network->rate > 0 ? json_integer(network->rate) : json_null());
    json_object_set_new(made, "seed", json_integer(network->seed));
    return made;
}

static void describe_ourselves(const struct vel_bench_settings *settings, json_t *root)
{
    const struct vel_bench_impairment *network = &settings->network;
    json_object_set_new(root, "profile", json_string(vel_profile_name(settings->profile)));
    json_object_set_new(root, "network",
                        vel_bench_is_impaired(network) ? network_of(network) : json_null());
}

static void describe_other(const struct vel_bench_subject *subject, json_t *root)
{
    json_object_set_new(root, "url", json_string(subject->url));
    json_object_set_new(root, "protocol", json_string(subject->protocol));
    json_object_set_new(root, "version", json_string(subject->version));
}

void vel_bench_report_json(const struct vel_bench_settings *settings,
                           const struct vel_bench_subject *subject, struct vel_bench_row *rows,
                           size_t count)
{
    json_t *root = json_object(), *results = json_object();
    if (subject == NULL)
        describe_ourselves(settings, root);
    else
        describe_other(subject, root);
    json_object_set_new(root, "rounds", json_integer(settings->rounds));
    for (size_t i = 0; i < count; i++)
        json_object_set_new(results, rows[i].name, result(&rows[i], subject != NULL));
    json_object_set_new(root, "results", results);
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(root);
}

void vel_bench_show_progress(const char *title, size_t done, size_t count)
{
    if (!vel_is_terminal(STDERR_FILENO))
        return;
    if (title != NULL)
        fprintf(stderr, "\r\033[K%zu of %zu: %s ...", done + 1, count, title);
    else
        fputs("\r\033[K", stderr);
    fflush(stderr);
}
