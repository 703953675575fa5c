/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qlog/qlog_file.h"
#include "transport/conn_pair.h"
#include "velocity/log.h"
#include "velocity/qlog.h"

struct world {
    struct conn_pair pair;
    char folder[40];
    struct test_env own; /* of the qlog, which outlives the pair */
    struct vel_env env;  /* with a log */
    struct vel_log log;
    unsigned told;
    struct vel_qlog *qlog;
    struct vel_qlog_setup setup;
};

static void on_log(void *self, const char *name, const struct vel_log_field *fields)
{
    struct world *w = self;
    assert_string_equal(name, "qlog-stopped");
    assert_non_null(vel_log_find(fields, "reason"));
    w->told++;
}

static struct world *world_new(void)
{
    struct world *w = test_calloc(1, sizeof *w);
    pair_init(&w->pair, VEL_PROFILE_BALANCED);
    strcpy(w->folder, "/tmp/velocity-qlog-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    w->log = (struct vel_log){.event = on_log, .self = w};
    test_env_init(&w->own, 1);
    w->env = w->own.env;
    w->env.log = &w->log;
    w->setup = (struct vel_qlog_setup){.env = &w->env, .folder = w->folder};
    return w;
}

static void world_trace(struct world *w)
{
    ASSERT_OK(vel_qlog_new(&w->setup, &w->qlog));
    w->pair.client_config.tracer = w->pair.server_config.tracer = vel_qlog_tracer(w->qlog);
}

/* The names in the folder, sorted; returns how many. */
static unsigned list(const struct world *w, struct dirent ***names)
{
    int count = scandir(w->folder, names, NULL, alphasort);
    assert_true(count >= 2);
    return (unsigned)count - 2; /* . and .. come first */
}

static void free_list(struct dirent **names, unsigned count)
{
    for (unsigned i = 0; i < count + 2; i++)
        free(names[i]);
    free(names);
}

static void world_free(struct world *w)
{
    struct dirent **names;
    unsigned count = list(w, &names);
    for (unsigned i = 0; i < count; i++) {
        char path[320];
        snprintf(path, sizeof path, "%s/%s", w->folder, names[i + 2]->d_name);
        assert_int_equal(unlink(path), 0);
    }
    free_list(names, count);
    assert_int_equal(rmdir(w->folder), 0);
    test_env_done(&w->own);
    test_free(w);
}

static void send_much(struct conn_pair *p, size_t size)
{
    static const uint8_t zeroes[1000];
    uint64_t id;
    size_t accepted = 1;
    ASSERT_OK(vel_stream_open(p->client, true, &id));
    for (size_t sent = 0; sent < size && accepted > 0; sent += accepted)
        ASSERT_OK(
            vel_stream_write(p->client, id, vel_slice(zeroes, sizeof zeroes), false, &accepted));
}

/* A transfer with a loss, a key update and an end. */
static void run_all(struct conn_pair *p)
{
    pair_connect(p);
    send_much(p, 60000);
    pair_run(p, 1 * SECOND);
    p->mute_client = true;
    send_much(p, 5000);
    pair_run(p, p->now + 10 * MS);
    p->mute_client = false;
    pair_run(p, p->now + 5 * SECOND);
    ASSERT_OK(vel_conn_update_keys(p->client));
    pair_run(p, p->now + 1 * SECOND);
    vel_conn_close(p->client, 7, "\"enough\"");
    pair_run(p, p->now + 60 * SECOND);
}

static void both_files_tell_the_same(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->setup.unix_base = 1000 * SECOND;
    world_trace(w);
    run_all(&w->pair);
    struct vel_conn_stats stats;
    vel_conn_get_stats(w->pair.client, &stats);
    pair_done(&w->pair);
    vel_qlog_free(w->qlog);

    struct dirent **names;
    assert_int_equal(list(w, &names), 2);
    const char *client_name = names[2]->d_name, *server_name = names[3]->d_name;
    assert_non_null(strstr(client_name, "_client.sqlog"));
    assert_non_null(strstr(server_name, "_server.sqlog"));
    assert_memory_equal(client_name, server_name, 33); /* the id, and _ */
    json_t *client = qlog_file(w->folder, client_name), *server = qlog_file(w->folder, server_name);
    qlog_check(client);
    qlog_check(server);
    qlog_check_received(client, server);
    qlog_check_received(server, client);

    assert_int_equal(qlog_count(client, "transport:packet_sent"), stats.packets_sent);
    assert_int_equal(qlog_count(client, "transport:packet_received"), stats.packets_received);
    assert_int_equal(qlog_count(client, "transport:datagrams_sent"), stats.datagrams_sent);
    assert_int_equal(qlog_count(client, "recovery:packet_lost"), stats.packets_lost);
    assert_true(stats.packets_lost > 0);
    static const char *const once[] = {
        "connectivity:connection_started", "connectivity:connection_closed",
        "transport:version_information", "transport:alpn_information", "recovery:parameters_set"};
    static const char *const some[] = {"connectivity:connection_state_updated",
                                       "connectivity:connection_id_updated",
                                       "transport:parameters_set",
                                       "recovery:metrics_updated",
                                       "recovery:congestion_state_updated",
                                       "recovery:loss_timer_updated",
                                       "security:key_updated",
                                       "security:key_discarded"};
    for (size_t i = 0; i < VEL_COUNT(once); i++)
        CHECK(once[i], qlog_count(client, once[i]) == 1 && qlog_count(server, once[i]) == 1);
    for (size_t i = 0; i < VEL_COUNT(some); i++)
        CHECK(some[i], qlog_count(client, some[i]) > 0);
    const json_t *why =
        json_object_get(qlog_find(server, "connectivity:connection_closed", 0), "data");
    assert_int_equal(json_integer_value(json_object_get(why, "application_code")), 7);
    assert_string_equal(json_string_value(json_object_get(why, "reason")), "\"enough\"");
    json_decref(client);
    json_decref(server);
    free_list(names, 2);
    world_free(w);
}

static void files_are_for_their_owner(void **state)
{
    (void)state;
    struct world *w = world_new();
    mode_t before = umask(0);
    world_trace(w);
    run_all(&w->pair);
    umask(before);
    pair_done(&w->pair);
    struct dirent **names;
    unsigned count = list(w, &names);
    assert_int_equal(count, 2);
    for (unsigned i = 0; i < count; i++) {
        char path[320];
        struct stat found;
        snprintf(path, sizeof path, "%s/%s", w->folder, names[i + 2]->d_name);
        assert_int_equal(stat(path, &found), 0);
        assert_int_equal(found.st_mode & 07777, 0600);
    }
    free_list(names, count);
    vel_qlog_free(w->qlog);
    world_free(w);
}

static void folders_of_others_are_refused(void **state)
{
    (void)state;
    struct world *w = world_new();
    assert_int_equal(chmod(w->folder, 0770), 0);
    ASSERT_ERR("group", vel_qlog_new(&w->setup, &w->qlog), VEL_ERR_AUTH);
    assert_int_equal(chmod(w->folder, 01777), 0);
    ASSERT_ERR("all", vel_qlog_new(&w->setup, &w->qlog), VEL_ERR_AUTH);
    assert_int_equal(chmod(w->folder, 0700), 0);
    w->setup.folder = "/nowhere/at/all";
    ASSERT_ERR("missing", vel_qlog_new(&w->setup, &w->qlog), VEL_ERR_NOT_FOUND);
    w->setup.folder = "/etc/passwd";
    ASSERT_ERR("a file", vel_qlog_new(&w->setup, &w->qlog), VEL_ERR_IO);
    pair_done(&w->pair);
    world_free(w);
}

/* The second run has the same ids, since its randomness has the same seed. */
static void nothing_is_overwritten(void **state)
{
    (void)state;
    struct world *w = world_new();
    world_trace(w);
    for (unsigned run = 1; run <= 2; run++) {
        run_all(&w->pair);
        pair_done(&w->pair);
        struct dirent **names;
        unsigned count = list(w, &names);
        assert_int_equal(count, 2 * run);
        if (run == 2)
            assert_non_null(strstr(names[2]->d_name, "_client-2.sqlog"));
        free_list(names, count);
        if (run == 2)
            break;
        pair_init(&w->pair, VEL_PROFILE_BALANCED);
        w->pair.client_config.tracer = w->pair.server_config.tracer = vel_qlog_tracer(w->qlog);
    }
    vel_qlog_free(w->qlog);
    world_free(w);
}

static void number_and_size_are_bounded(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->setup.max_files = 1;
    w->setup.max_file_bytes = 20000;
    world_trace(w);
    run_all(&w->pair);
    pair_done(&w->pair);
    struct dirent **names;
    assert_int_equal(list(w, &names), 1);
    json_t *records = qlog_file(w->folder, names[2]->d_name);
    qlog_check(records);
    assert_int_equal(qlog_count(records, "loglevel:warning"), 1);
    char path[320];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", w->folder, names[2]->d_name);
    assert_int_equal(stat(path, &found), 0);
    assert_in_range(found.st_size, 20000, 60000);
    json_decref(records);
    free_list(names, 1);
    vel_qlog_free(w->qlog);
    world_free(w);
}

static unsigned files(const struct world *w)
{
    struct dirent **names;
    unsigned count = list(w, &names);
    free_list(names, count);
    return count;
}

/* Who sends a first packet and no more may be anybody, and anywhere. */
static void a_stranger_fills_no_folder(void **state)
{
    (void)state;
    struct world *w = world_new();
    world_trace(w);
    w->pair.client_config.tracer = NULL;
    pair_connect(&w->pair);
    pair_run(&w->pair, w->pair.now);
    w->pair.mute_client = true;
    pair_run(&w->pair, w->pair.now + 60 * SECOND);
    assert_non_null(w->pair.server);
    assert_true(vel_conn_is_dead(w->pair.server));
    pair_done(&w->pair);
    assert_int_equal(files(w), 0);
    vel_qlog_free(w->qlog);
    world_free(w);
}

/* The nth one: its connection ids are others. */
static void fail_once(struct world *w, unsigned n)
{
    uint8_t dice[32];
    static const struct vel_slice other = {(const uint8_t *)"other", 5};
    pair_init(&w->pair, VEL_PROFILE_LIGHT);
    w->pair.server_config.tracer = vel_qlog_tracer(w->qlog);
    w->pair.client_config.alpn = &other;
    vel_random(&w->pair.env.env, dice, n);
    pair_connect(&w->pair);
    pair_run(&w->pair, w->pair.now + 60 * SECOND);
    assert_int_equal(vel_conn_close_reason(w->pair.server)->code, 0x100 + 120);
    pair_done(&w->pair);
}

/* What fails with its first packet is there to be looked at, and does not fill the folder either. */
static void failures_are_told_so_many_times(void **state)
{
    (void)state;
    struct world *w = world_new();
    world_trace(w);
    pair_done(&w->pair);
    fail_once(w, 0);
    struct dirent **names;
    assert_int_equal(list(w, &names), 1);
    json_t *records = qlog_file(w->folder, names[2]->d_name);
    qlog_check(records);
    assert_int_equal(qlog_count(records, "connectivity:connection_closed"), 1);
    json_decref(records);
    free_list(names, 1);
    for (unsigned i = 1; i < 18; i++)
        fail_once(w, i);
    assert_int_equal(files(w), 16);
    vel_qlog_free(w->qlog);
    world_free(w);
}

/* No more than so many at a time; memory that is short is one that is not traced. */
static void what_cannot_be_traced_goes_on(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->setup.max_open = 1;
    world_trace(w);
    run_all(&w->pair);
    assert_true(vel_conn_is_dead(w->pair.client));
    assert_int_equal(vel_conn_close_reason(w->pair.server)->code, 7);
    pair_done(&w->pair);
    struct dirent **names;
    assert_int_equal(list(w, &names), 1);
    free_list(names, 1);
    vel_qlog_free(w->qlog);
    world_free(w);
}

/* As on a full disk: the transfer goes on, and it is told once. */
static void a_failing_write_ends_the_trace_alone(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct rlimit before, small;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 10000;
    world_trace(w);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    run_all(&w->pair);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(vel_conn_close_reason(w->pair.server)->code, 7);
    assert_int_equal(w->told, 1);
    pair_done(&w->pair);
    vel_qlog_free(w->qlog);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_files_tell_the_same),
        cmocka_unit_test(files_are_for_their_owner),
        cmocka_unit_test(folders_of_others_are_refused),
        cmocka_unit_test(nothing_is_overwritten),
        cmocka_unit_test(number_and_size_are_bounded),
        cmocka_unit_test(a_stranger_fills_no_folder),
        cmocka_unit_test(failures_are_told_so_many_times),
        cmocka_unit_test(what_cannot_be_traced_goes_on),
        cmocka_unit_test(a_failing_write_ends_the_trace_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
