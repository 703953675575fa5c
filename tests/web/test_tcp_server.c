/* SPDX-License-Identifier: MIT */
#include "web/tcp_server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/units.h"
#include "runtime/http_link.h"
#include "sys/address.h"
#include "sys/fd.h"
#include "sys/tcp.h"
#include "testing/test.h"
#include "velocity/system.h"
#include "web/site.h"

/* A server on the loopback interface, its clients on the same loop or on raw sockets. */
enum { RAW_MAX = 40 };

struct stage {
    struct test_env t;
    struct vel_crypto *crypto;
    struct vel_identity *identity;
    struct vel_tls *server_tls, *client_tls;
    struct vel_loop *loop;
    struct vel_alarm *look; /* asks `enough` each millisecond */
    bool (*enough)(const struct stage *s);
    char folder[64];
    struct vel_site *site;
    struct vel_web_requests requests;
    struct vel_tcp_server_setup setup;
    struct vel_tcp_server *server;
    struct vel_addr address;
    int raw[RAW_MAX];
    bool gone;
    char logged[256];
    unsigned connections; /* logged */
};

static struct stage s;

static void on_log(void *self, const struct vel_web_record *record)
{
    size_t used = strlen(s.logged);
    (void)self;
    snprintf(s.logged + used, sizeof s.logged - used, "%.*s %u%s ", (int)record->protocol.len,
             (const char *)record->protocol.ptr, record->status, record->complete ? "" : " cut");
}

static void on_gone(void *self)
{
    (void)self;
    s.gone = true;
}

static void look(void *self, vel_time now)
{
    (void)self;
    if (s.enough(&s))
        vel_loop_stop(s.loop);
    else
        vel_alarm_set(s.look, now + MS);
}

static void run_until(bool (*enough)(const struct stage *s))
{
    s.enough = enough;
    vel_alarm_set(s.look, 0);
    vel_loop_run(s.loop);
}

static void put_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", s.folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_tls(void)
{
    ASSERT_OK(vel_crypto_new(&s.t.env, &s.crypto));
    ASSERT_OK(vel_identity_self_signed(&s.t.env, s.crypto, "localhost", VEL_PROFILE_BALANCED,
                                       vel_clock_unix() - 60, NULL, &s.identity));
    const struct vel_identity *const identities[] = {s.identity};
    struct vel_tls_setup setup = {
        .env = &s.t.env, .crypto = s.crypto, .identities = identities, .identity_count = 1};
    ASSERT_OK(vel_tls_new(&setup, &s.server_tls));
    setup = (struct vel_tls_setup){
        .env = &s.t.env, .crypto = s.crypto, .is_client = true, .insecure = true};
    ASSERT_OK(vel_tls_new(&setup, &s.client_tls));
}

static void begin(bool tls)
{
    s = (struct stage){0};
    memset(s.raw, 0xff, sizeof s.raw);
    test_env_init(&s.t, 1);
    if (tls)
        make_tls();
    ASSERT_OK(vel_loop_new(&s.t.env, &s.loop));
    ASSERT_OK(vel_alarm_new(s.loop, look, &s, &s.look));
    snprintf(s.folder, sizeof s.folder, "/tmp/velocity-tcp-XXXXXX");
    assert_non_null(mkdtemp(s.folder));
    put_file("small", "small file");
    const struct vel_site_setup site = {.env = &s.t.env, .root = s.folder};
    ASSERT_OK(vel_site_new(&site, &s.site));
    s.requests = (struct vel_web_requests){
        .env = &s.t.env, .site = s.site, .unix_offset = vel_clock_unix_offset(), .log = on_log};
    s.setup = (struct vel_tcp_server_setup){.env = &s.t.env,
                                            .loop = s.loop,
                                            .requests = &s.requests,
                                            .tls = s.server_tls,
                                            .max_connections = 1000,
                                            .max_per_source = 1000,
                                            .unix_offset = vel_clock_unix_offset(),
                                            .gone = on_gone};
}

static void serve(void)
{
    struct vel_addr any;
    ASSERT_OK(vel_addr_parse("127.0.0.1:0", &any));
    ASSERT_OK(vel_tcp_listen(&any, VEL_PORT_ALONE, &s.setup.listener, &s.address));
    ASSERT_OK(vel_tcp_server_new(&s.setup, &s.server));
}

static void end(void)
{
    char path[128];
    for (size_t i = 0; i < RAW_MAX; i++)
        vel_fd_close(&s.raw[i]);
    vel_tcp_server_free(s.server);
    vel_site_free(s.site);
    vel_alarm_free(s.look);
    vel_loop_free(s.loop);
    vel_tls_free(s.server_tls);
    vel_tls_free(s.client_tls);
    vel_identity_free(s.identity);
    vel_crypto_free(s.crypto);
    snprintf(path, sizeof path, "%s/small", s.folder);
    unlink(path);
    rmdir(s.folder);
    test_env_done(&s.t);
}

static void knock(size_t count)
{
    struct sockaddr_storage storage;
    socklen_t length = vel_addr_to_system(&s.address, false, &storage);
    for (size_t i = 0; i < count; i++) {
        s.raw[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(s.raw[i], (struct sockaddr *)&storage, length), 0);
    }
}

/* Sockets that the server has not ended. */
static size_t open_sockets(size_t count)
{
    size_t open = 0;
    for (size_t i = 0; i < count; i++) {
        char byte;
        open += recv(s.raw[i], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
    }
    return open;
}

static bool saw_thirty(const struct stage *stage)
{
    struct vel_tcp_server_stats stats;
    vel_tcp_server_get_stats(stage->server, &stats);
    return stats.accepted + stats.refused == 30;
}

static void what_is_beyond_a_bound_is_reset(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t max_connections, max_per_source, max_handshakes;
        uint64_t accepted, refused, evicted;
        size_t open;
    } rows[] = {
        {"no bound", 100, 100, 100, 30, 0, 0, 30},
        {"in all", 10, 100, 100, 10, 20, 0, 10},
        {"of one source", 100, 10, 100, 10, 20, 0, 10},
        {"handshakes", 100, 100, 10, 30, 0, 20, 10},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_tcp_server_stats stats;
        begin(true);
        s.setup.max_connections = rows[i].max_connections;
        s.setup.max_per_source = rows[i].max_per_source;
        s.setup.max_handshakes = rows[i].max_handshakes;
        serve();
        knock(30);
        run_until(saw_thirty);
        vel_tcp_server_get_stats(s.server, &stats);
        CHECK(rows[i].what, stats.accepted == rows[i].accepted);
        CHECK(rows[i].what, stats.refused == rows[i].refused);
        CHECK(rows[i].what, stats.evicted == rows[i].evicted);
        CHECK(rows[i].what, stats.connections == rows[i].open);
        CHECK(rows[i].what, open_sockets(30) == rows[i].open);
        end();
    }
}

/* ---- a client of our own ---- */

struct fetch {
    struct vel_http_link *link;
    enum vel_http_version version;
    unsigned status;
    char body[64], location[128];
    bool complete, over;
    bool stays;  /* when it has what it asked for */
    bool pauses; /* at the head of an answer */
    struct vel_tls_stream_end end;
};

static struct fetch f;

static void on_head(void *self, struct vel_exchange *exchange)
{
    const struct vel_response *response = vel_exchange_response(exchange);
    const struct vel_slice *location = vel_fields_find(response->fields, "location");
    (void)self;
    f.status = response->status;
    if (location != NULL)
        snprintf(f.location, sizeof f.location, "%.*s", (int)location->len,
                 (const char *)location->ptr);
    if (f.pauses)
        vel_exchange_pause(exchange);
}

static bool answered(const struct stage *stage)
{
    (void)stage;
    return f.status != 0;
}

static void on_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    (void)self;
    (void)exchange;
    snprintf(f.body, sizeof f.body, "%.*s", (int)bytes.len, (const char *)bytes.ptr);
}

static void on_closed(void *self, struct vel_exchange *exchange, const struct vel_exchange_end *how)
{
    (void)self;
    (void)exchange;
    f.complete = how->complete;
    if (f.status != 0 && !f.stays)
        vel_http_link_finish(f.link);
}

static void on_ready(void *self, struct vel_http_link *link)
{
    struct vel_request request = {.method = vel_slice_text("GET"),
                                  .scheme = vel_slice_text("https"),
                                  .authority = vel_slice_text("localhost:8"),
                                  .path = vel_slice_text("/small?q")};
    struct vel_exchange *exchange;
    (void)self;
    f.version = vel_http_version(vel_http_link_session(link));
    ASSERT_OK(vel_http_request(vel_http_link_session(link), &request, NULL, NULL, &exchange));
}

static void on_over(void *self, struct vel_http_link *link, const struct vel_tls_stream_end *how)
{
    (void)self;
    assert_null(vel_http_link_session(link));
    f.over = true;
    f.end = *how;
}

static void fetch(const struct vel_slice *alpn, size_t alpn_count)
{
    f = (struct fetch){0};
    const struct vel_http_link_setup setup = {
        .stream = {.env = &s.t.env,
                   .loop = s.loop,
                   .tls = s.client_tls,
                   .server_name = "localhost",
                   .alpn = alpn,
                   .alpn_count = alpn_count,
                   .unix_offset = vel_clock_unix_offset()},
        .http = {.events = {.head = on_head, .body = on_body, .closed = on_closed}},
        .events = {.ready = on_ready, .over = on_over}};
    ASSERT_OK(vel_http_link_connect(&setup, &s.address, &f.link));
}

static bool fetched(const struct stage *stage)
{
    (void)stage;
    return f.over;
}

static const struct vel_slice names[] = {{(const uint8_t *)"h2", 2},
                                         {(const uint8_t *)"http/1.1", 8}};

static void a_file_arrives_over_every_version(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        bool tls;
        size_t first;
        enum vel_http_version version;
        const char *log;
    } rows[] = {
        {"h2", true, 0, VEL_HTTP_2, "h2 200 "},
        {"http/1.1", true, 1, VEL_HTTP_1_1, "http/1.1 200 "},
        {"plain", false, 1, VEL_HTTP_1_1, "http/1.1 200 "},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        begin(rows[i].tls);
        serve();
        fetch(names + rows[i].first, 1);
        run_until(fetched);
        CHECK(rows[i].what, f.version == rows[i].version);
        CHECK(rows[i].what, f.status == 200 && f.complete);
        CHECK(rows[i].what, strcmp(f.body, "small file") == 0);
        CHECK(rows[i].what, f.end.reason == VEL_TLS_STREAM_FINISHED);
        CHECK(rows[i].what, strcmp(s.logged, rows[i].log) == 0);
        vel_http_link_free(f.link);
        end();
    }
}

static void redirects_keep_the_host_and_change_the_port(void **state)
{
    (void)state;
    begin(false);
    s.setup.redirect_port = 4433;
    serve();
    fetch(names, 2);
    run_until(fetched);
    assert_int_equal(f.status, 308);
    assert_string_equal(f.location, "https://localhost:4433/small?q");
    vel_http_link_free(f.link);
    end();
}

static bool is_gone(const struct stage *stage)
{
    return stage->gone && (f.link == NULL || f.over);
}

static bool client_ready(const struct stage *stage)
{
    (void)stage;
    return f.status != 0;
}

static void finishing_drops_handshakes_and_closes_what_is_idle(void **state)
{
    (void)state;
    begin(true);
    serve();
    knock(30);
    run_until(saw_thirty);
    fetch(names, 2);
    run_until(client_ready);
    vel_tcp_server_finish(s.server);
    run_until(is_gone);
    assert_int_equal(open_sockets(30), 0);
    assert_int_equal(f.end.reason, VEL_TLS_STREAM_FINISHED);
    vel_http_link_free(f.link);
    end();
}

static void on_connection(void *self, const struct vel_web_connection *connection)
{
    struct stage *stage = self;
    stage->connections++;
    assert_null(connection->ended); /* we did */
    assert_int_equal(connection->tally.requests, 1);
    assert_int_equal(connection->protocol.len, strlen("h2"));
}

/* Also of what is cut off when the server is gone; who has not said hello was no connection. */
static void the_end_is_logged(void **state)
{
    (void)state;
    begin(true);
    s.requests.log_connection = on_connection;
    s.requests.log_self = &s;
    serve();
    knock(30);
    run_until(saw_thirty);
    fetch(names, 2);
    f.stays = true;
    run_until(client_ready);
    vel_tcp_server_free(s.server);
    s.server = NULL;
    assert_int_equal(s.connections, 1);
    vel_http_link_free(f.link);
    end();
}

static void on_connection_cut(void *self, const struct vel_web_connection *connection)
{
    struct stage *stage = self;
    stage->connections++;
    assert_true(connection->tally.body_bytes > 0);
    assert_string_equal(stage->logged, "h2 200 cut ");
}

/* With what was sent of an answer that was running. */
static void what_was_cut_off_is_counted(void **state)
{
    enum { SIZE = 20000000 };
    char path[128];
    (void)state;
    begin(true);
    snprintf(path, sizeof path, "%s/small", s.folder);
    assert_int_equal(truncate(path, SIZE), 0);
    s.requests.log_connection = on_connection_cut;
    s.requests.log_self = &s;
    serve();
    fetch(names, 1);
    f.pauses = true;
    run_until(answered);
    vel_tcp_server_free(s.server);
    s.server = NULL;
    assert_int_equal(s.connections, 1);
    vel_http_link_free(f.link);
    end();
}

static bool one_accepted(const struct stage *stage)
{
    struct vel_tcp_server_stats stats;
    vel_tcp_server_get_stats(stage->server, &stats);
    return stats.accepted == 1;
}

static bool nobody_left(const struct stage *stage)
{
    struct vel_tcp_server_stats stats;
    vel_tcp_server_get_stats(stage->server, &stats);
    return stats.connections == 0;
}

/* A link that is given up in the middle takes its request with it. */
static void a_client_that_leaves_is_forgotten(void **state)
{
    (void)state;
    begin(true);
    serve();
    fetch(names, 2);
    run_until(one_accepted);
    vel_http_link_free(f.link);
    f.link = NULL;
    run_until(nobody_left);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_beyond_a_bound_is_reset),
        cmocka_unit_test(a_file_arrives_over_every_version),
        cmocka_unit_test(redirects_keep_the_host_and_change_the_port),
        cmocka_unit_test(finishing_drops_handshakes_and_closes_what_is_idle),
        cmocka_unit_test(the_end_is_logged),
        cmocka_unit_test(what_was_cut_off_is_counted),
        cmocka_unit_test(a_client_that_leaves_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
