/* SPDX-License-Identifier: MIT */
#include "sys/tcp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/units.h"
#include "sys/address.h"
#include "sys/fd.h"
#include "testing/test.h"

/* Blocks until the descriptor has something to tell, as a loop would. */
static void wait_for(int fd, short events)
{
    struct pollfd one = {.fd = fd, .events = events};
    assert_int_equal(poll(&one, 1, 10000), 1);
}

static int listening(const char *text, struct vel_addr *bound)
{
    struct vel_addr local;
    int fd = -1;
    ASSERT_OK(vel_addr_parse(text, &local));
    ASSERT_OK(vel_tcp_listen(&local, VEL_PORT_ALONE, &fd, bound));
    assert_int_not_equal(bound->port, 0);
    return fd;
}

struct pair {
    int listener, client, server;
    struct vel_addr bound, remote;
};

static void join(struct pair *pair, const char *text)
{
    pair->listener = listening(text, &pair->bound);
    ASSERT_OK(vel_tcp_connect(&pair->bound, &pair->client));
    wait_for(pair->client, POLLOUT);
    ASSERT_OK(vel_tcp_connected(pair->client));
    wait_for(pair->listener, POLLIN);
    ASSERT_OK(vel_tcp_accept(pair->listener, &pair->server, &pair->remote));
}

static void part(struct pair *pair)
{
    vel_fd_close(&pair->client);
    vel_fd_close(&pair->server);
    vel_fd_close(&pair->listener);
}

static vel_result write_text(int fd, const char *text, size_t *count)
{
    char copy[64];
    size_t size = strlen(text);
    memcpy(copy, text, size);
    const struct iovec parts[] = {{copy, size / 2}, {copy + size / 2, size - size / 2}};
    return vel_tcp_write(fd, parts, 2, count);
}

static void carries_bytes_and_their_end(void **state)
{
    (void)state;
    struct pair pair;
    join(&pair, "127.0.0.1:0");
    struct vel_addr local = vel_tcp_local(pair.client);
    assert_true(vel_addr_equal(&pair.remote, &local));

    char got[64];
    size_t count = 77;
    ASSERT_ERR("nothing yet", vel_tcp_read(pair.server, got, sizeof got, &count), VEL_ERR_AGAIN);
    assert_int_equal(count, 77);
    ASSERT_OK(write_text(pair.client, "two parts", &count));
    assert_int_equal(count, 9);
    vel_tcp_shutdown(pair.client);
    wait_for(pair.server, POLLIN);
    ASSERT_OK(vel_tcp_read(pair.server, got, sizeof got, &count));
    assert_memory_equal(got, "two parts", 9);
    ASSERT_ERR("the end", vel_tcp_read(pair.server, got, sizeof got, &count), VEL_ERR_CLOSED);

    ASSERT_OK(write_text(pair.server, "answer", &count)); /* the other direction is open */
    wait_for(pair.client, POLLIN);
    ASSERT_OK(vel_tcp_read(pair.client, got, sizeof got, &count));
    assert_int_equal(count, 6);
    part(&pair);
}

static void the_dual_stack_shows_ip4_peers_as_ip4(void **state)
{
    (void)state;
    struct vel_addr bound, remote;
    int listener = listening("[::]:0", &bound), client = -1, server = -1;
    struct vel_addr target;
    ASSERT_OK(vel_addr_parse("127.0.0.1:1", &target));
    target.port = bound.port;
    ASSERT_OK(vel_tcp_connect(&target, &client));
    wait_for(listener, POLLIN);
    ASSERT_OK(vel_tcp_accept(listener, &server, &remote));
    assert_int_equal(remote.family, VEL_ADDR_IP4);
    assert_int_equal(vel_tcp_local(server).family, VEL_ADDR_IP4);
    ASSERT_ERR("nobody else", vel_tcp_accept(listener, &server, &remote), VEL_ERR_AGAIN);
    vel_fd_close(&client);
    vel_fd_close(&server);
    vel_fd_close(&listener);
}

static void tells_why_it_cannot_listen(void **state)
{
    (void)state;
    struct vel_addr taken, local, untouched = {.port = 7};
    int listener = listening("127.0.0.1:0", &taken), fd = 77;
    ASSERT_ERR("in use", vel_tcp_listen(&taken, VEL_PORT_ALONE, &fd, &untouched), VEL_ERR_EXISTS);
    ASSERT_OK(vel_addr_parse("192.0.2.1:0", &local));
    ASSERT_ERR("not ours", vel_tcp_listen(&local, VEL_PORT_ALONE, &fd, &untouched),
               VEL_ERR_NOT_FOUND);
    local = (struct vel_addr){.family = VEL_ADDR_MEMORY};
    ASSERT_ERR("no such family", vel_tcp_listen(&local, VEL_PORT_ALONE, &fd, &untouched),
               VEL_ERR_UNSUPPORTED);
    assert_int_equal(fd, 77);
    assert_int_equal(untouched.port, 7);
    vel_fd_close(&listener);
}

static void tells_that_nobody_listens(void **state)
{
    (void)state;
    struct vel_addr gone;
    int listener = listening("127.0.0.1:0", &gone), fd = -1;
    vel_fd_close(&listener);
    enum vel_err err = vel_tcp_connect(&gone, &fd);
    if (err == VEL_OK) {
        wait_for(fd, POLLOUT);
        err = vel_tcp_connected(fd);
    }
    ASSERT_ERR("refused", err, VEL_ERR_NOT_FOUND);
    vel_fd_close(&fd);
}

static void a_reset_is_an_error_of_both_directions(void **state)
{
    (void)state;
    struct pair pair;
    join(&pair, "[::1]:0");
    vel_tcp_keep_alive(pair.server, 30 * SECOND);
    vel_tcp_reset_on_close(pair.client);
    vel_fd_close(&pair.client);
    wait_for(pair.server, POLLIN);
    char got[8];
    size_t count;
    ASSERT_ERR("read", vel_tcp_read(pair.server, got, sizeof got, &count), VEL_ERR_IO);
    assert_int_equal(errno, ECONNRESET);
    ASSERT_ERR("write", write_text(pair.server, "late", &count), VEL_ERR_IO); /* and no signal */
    part(&pair);
}

static void a_full_socket_says_so(void **state)
{
    (void)state;
    struct pair pair;
    join(&pair, "127.0.0.1:0");
    static char many[256 * 1024];
    const struct iovec one = {many, sizeof many};
    size_t count, total = 0;
    enum vel_err err;
    while ((err = vel_tcp_write(pair.client, &one, 1, &count)) == VEL_OK)
        total += count;
    ASSERT_ERR("full", err, VEL_ERR_AGAIN);
    assert_true(total > 0);
    part(&pair);
}

static void the_limit_of_descriptors_is_raised(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit low = {.rlim_cur = 256, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    size_t room = vel_tcp_raise_limit();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(low.rlim_cur, limit.rlim_max);
    assert_true(room >= 16 && room < low.rlim_cur);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_bytes_and_their_end),
        cmocka_unit_test(the_dual_stack_shows_ip4_peers_as_ip4),
        cmocka_unit_test(tells_why_it_cannot_listen),
        cmocka_unit_test(tells_that_nobody_listens),
        cmocka_unit_test(a_reset_is_an_error_of_both_directions),
        cmocka_unit_test(a_full_socket_says_so),
        cmocka_unit_test(the_limit_of_descriptors_is_raised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
