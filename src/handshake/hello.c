/* SPDX-License-Identifier: MIT */
/* ClientHello, ServerHello and HelloRetryRequest. Every body and list is read to its last byte
 * (VEL-HS-10). */
#include "base/reader.h"
#include "base/try.h"
#include "handshake/messages_internal.h"

enum { HOST_NAME = 0, FIXED_PARTS = 256 }; /* bytes of a hello besides its lists, at most */

/* ---- ClientHello ---- */

static void write_server_name(struct vel_writer *w, struct vel_slice name)
{
    uint8_t *extension = vel_begin_extension(w, VEL_EXT_SERVER_NAME);
    uint8_t *list = vel_begin_vector(w, 2);
    vel_write_uint(w, HOST_NAME, 1);
    vel_write_vector(w, name, 2);
    vel_end_vector(w, list, 2);
    vel_end_vector(w, extension, 2);
}

/* An extension whose body is one vector with a 16-bit length. */
static void write_list(struct vel_writer *w, enum vel_extension extension, struct vel_slice list)
{
    uint8_t *mark = vel_begin_extension(w, extension);
    vel_write_vector(w, list, 2);
    vel_end_vector(w, mark, 2);
}

static void write_params(struct vel_writer *w, struct vel_slice params)
{
    uint8_t *mark = vel_begin_extension(w, VEL_EXT_PARAMS);
    vel_write_bytes(w, params);
    vel_end_vector(w, mark, 2);
}

vel_result vel_client_hello_encode(const struct vel_client_hello *hello, struct vel_buf *out)
{
    struct vel_message_builder b;
    TRY(vel_message_open(&b, out, VEL_MSG_CLIENT_HELLO,
                         FIXED_PARTS + hello->suites.len + hello->groups.len +
                             hello->signatures.len + hello->alpn.len + hello->server_name.len +
                             hello->params.len + hello->shares.len));
    struct vel_writer *w = &b.w;

    vel_write_bytes(w, hello->random);
    vel_write_vector(w, hello->suites, 2);
    uint8_t *list = vel_begin_vector(w, 2);
    if (hello->grease != 0)
        vel_end_vector(w, vel_begin_extension_number(w, hello->grease), 2);
    if (hello->server_name.len > 0)
        write_server_name(w, hello->server_name);
    write_list(w, VEL_EXT_ALPN, hello->alpn);
    write_list(w, VEL_EXT_GROUPS, hello->groups);
    write_list(w, VEL_EXT_SIGNATURES, hello->signatures);
    write_params(w, hello->params);
    write_list(w, VEL_EXT_KEY_SHARE, hello->shares); /* last: VEL-HS-14 */
    vel_end_vector(w, list, 2);
    return vel_message_close(&b);
}

/* Letters, digits, hyphen, underscore and dot: what a host name in the preferred syntax has. */
static bool is_host_name(struct vel_slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return name.len > 0 && name.len <= VEL_NAME_MAX;
}

/* RFC 6066 section 3, with exactly one name, a host name (VEL-HS-28). */
static vel_result decode_server_name(struct vel_slice body, struct vel_slice *name,
                                     struct vel_handshake_failure *why)
{
    struct vel_reader outer = vel_reader(body);
    struct vel_reader r = vel_reader(vel_read_vector(&outer, 2));
    uint64_t kind = vel_read_uint(&r, 1);
    struct vel_slice host = vel_read_vector(&r, 2);
    DEMAND(vel_read_done(&outer) && vel_read_done(&r), why, DECODE_ERROR,
           "server name does not parse");
    DEMAND(kind == HOST_NAME && is_host_name(host), why, ILLEGAL_PARAMETER,
           "server name is not a host name");
    *name = host;
    return VEL_OK;
}

/* RFC 7301 3.1: a list of names of 1 to 255 bytes. */
static vel_result decode_alpn(struct vel_slice body, struct vel_slice *names,
                              struct vel_handshake_failure *why)
{
    struct vel_reader outer = vel_reader(body);
    struct vel_slice list = vel_read_vector(&outer, 2);
    struct vel_reader r = vel_reader(list);
    bool empty_name = list.len == 0;
    while (vel_read_ok(&r) && vel_left(&r) > 0)
        empty_name |= vel_read_vector(&r, 1).len == 0;
    DEMAND(vel_read_done(&outer) && vel_read_done(&r) && !empty_name, why, DECODE_ERROR,
           "ALPN does not parse");
    *names = list;
    return VEL_OK;
}

static vel_result decode_codes(struct vel_slice body, struct vel_slice *codes,
                               struct vel_handshake_failure *why)
{
    struct vel_reader r = vel_reader(body);
    struct vel_slice list = vel_read_codes(&r);
    DEMAND(vel_read_done(&r), why, DECODE_ERROR, "list of code points does not parse");
    *codes = list;
    return VEL_OK;
}

/* RFC 8446 4.2.8. Every share is for an offered group, none twice (VEL-HS-16). */
static vel_result decode_shares(struct vel_slice body, struct vel_slice groups,
                                struct vel_slice *shares, struct vel_handshake_failure *why)
{
    struct vel_reader outer = vel_reader(body);
    struct vel_slice list = vel_read_vector(&outer, 2);
    DEMAND(vel_read_done(&outer), why, DECODE_ERROR, "key share does not parse");

    uint8_t seen_bytes[2 * VEL_SHARES_MAX];
    struct vel_writer seen = vel_writer(seen_bytes, sizeof seen_bytes);
    struct vel_reader r = vel_reader(list);
    while (vel_left(&r) > 0) {
        uint16_t group = (uint16_t)vel_read_uint(&r, 2);
        struct vel_slice share = vel_read_vector(&r, 2);
        DEMAND(vel_read_ok(&r) && share.len > 0, why, DECODE_ERROR, "key share does not parse");
        DEMAND(vel_codes_have(groups, group), why, ILLEGAL_PARAMETER,
               "key share for a group that is not offered");
        DEMAND(!vel_codes_have(vel_writer_slice(&seen), group), why, ILLEGAL_PARAMETER,
               "two key shares for one group");
        vel_write_uint(&seen, group, 2);
        DEMAND(vel_write_ok(&seen), why, ILLEGAL_PARAMETER, "too many key shares");
    }
    *shares = list;
    return VEL_OK;
}

static vel_result decode_hello_extensions(const struct vel_extensions *extensions,
                                          struct vel_client_hello *hello,
                                          struct vel_handshake_failure *why)
{
    const struct vel_slice *body = extensions->body;
    DEMAND(extensions->key_share_last, why, ILLEGAL_PARAMETER, "key share is not last");
    if (body[VEL_EXT_SERVER_NAME].ptr != NULL)
        TRY(decode_server_name(body[VEL_EXT_SERVER_NAME], &hello->server_name, why));
    TRY(decode_alpn(body[VEL_EXT_ALPN], &hello->alpn, why));
    TRY(decode_codes(body[VEL_EXT_GROUPS], &hello->groups, why));
    TRY(decode_codes(body[VEL_EXT_SIGNATURES], &hello->signatures, why));
    hello->params = body[VEL_EXT_PARAMS];
    return decode_shares(body[VEL_EXT_KEY_SHARE], hello->groups, &hello->shares, why);
}

vel_result vel_client_hello_decode(struct vel_slice body, struct vel_client_hello *out,
                                   struct vel_handshake_failure *why)
{
    struct vel_reader r = vel_reader(body);
    struct vel_client_hello hello = {.random = vel_read_bytes(&r, VEL_RANDOM_SIZE)};
    hello.suites = vel_read_codes(&r);
    hello.fixed[0] = vel_slice(body.ptr, body.len - vel_left(&r));
    struct vel_slice list = vel_read_vector(&r, 2);
    DEMAND(vel_read_done(&r), why, DECODE_ERROR, "ClientHello does not parse");

    struct vel_extensions extensions;
    TRY(vel_extensions_decode(list, VEL_IN_CLIENT_HELLO, &extensions, why));
    hello.fixed[1] = extensions.before_last;
    TRY(decode_hello_extensions(&extensions, &hello, why));
    *out = hello;
    return VEL_OK;
}

struct vel_slice vel_client_hello_share(const struct vel_client_hello *hello, uint16_t group)
{
    struct vel_reader r = vel_reader(hello->shares);
    while (vel_left(&r) > 0) {
        uint64_t code = vel_read_uint(&r, 2);
        struct vel_slice share = vel_read_vector(&r, 2);
        if (code == group)
            return share;
    }
    return (struct vel_slice){0};
}

/* ---- ServerHello and HelloRetryRequest ---- */

vel_result vel_server_hello_encode(const struct vel_server_hello *hello, struct vel_buf *out)
{
    struct vel_message_builder b;
    TRY(vel_message_open(&b, out, VEL_MSG_SERVER_HELLO, FIXED_PARTS + hello->reply.len));
    vel_write_bytes(&b.w, hello->random);
    vel_write_uint(&b.w, hello->suite, 2);
    uint8_t *list = vel_begin_vector(&b.w, 2);
    uint8_t *share = vel_begin_extension(&b.w, VEL_EXT_KEY_SHARE);
    vel_write_uint(&b.w, hello->group, 2);
    vel_write_vector(&b.w, hello->reply, 2);
    vel_end_vector(&b.w, share, 2);
    vel_end_vector(&b.w, list, 2);
    return vel_message_close(&b);
}

vel_result vel_server_hello_decode(struct vel_slice body, struct vel_server_hello *out,
                                   struct vel_handshake_failure *why)
{
    struct vel_reader r = vel_reader(body);
    struct vel_server_hello hello = {.random = vel_read_bytes(&r, VEL_RANDOM_SIZE)};
    hello.suite = (uint16_t)vel_read_uint(&r, 2);
    struct vel_slice list = vel_read_vector(&r, 2);
    DEMAND(vel_read_done(&r), why, DECODE_ERROR, "ServerHello does not parse");

    struct vel_extensions extensions;
    TRY(vel_extensions_decode(list, VEL_IN_SERVER_HELLO, &extensions, why));
    struct vel_reader share = vel_reader(extensions.body[VEL_EXT_KEY_SHARE]);
    hello.group = (uint16_t)vel_read_uint(&share, 2);
    hello.reply = vel_read_vector(&share, 2);
    DEMAND(vel_read_done(&share) && hello.reply.len > 0, why, DECODE_ERROR,
           "key share does not parse");
    *out = hello;
    return VEL_OK;
}

vel_result vel_hello_retry_encode(const struct vel_server_hello *hello, struct vel_buf *out)
{
    struct vel_message_builder b;
    TRY(vel_message_open(&b, out, VEL_MSG_HELLO_RETRY, FIXED_PARTS));
    vel_write_uint(&b.w, hello->suite, 2);
    uint8_t *list = vel_begin_vector(&b.w, 2);
    uint8_t *share = vel_begin_extension(&b.w, VEL_EXT_KEY_SHARE);
    vel_write_uint(&b.w, hello->group, 2);
    vel_end_vector(&b.w, share, 2);
    vel_end_vector(&b.w, list, 2);
    return vel_message_close(&b);
}

vel_result vel_hello_retry_decode(struct vel_slice body, struct vel_server_hello *out,
                                  struct vel_handshake_failure *why)
{
    struct vel_reader r = vel_reader(body);
    struct vel_server_hello hello = {.suite = (uint16_t)vel_read_uint(&r, 2)};
    struct vel_slice list = vel_read_vector(&r, 2);
    DEMAND(vel_read_done(&r), why, DECODE_ERROR, "HelloRetryRequest does not parse");

    struct vel_extensions extensions;
    TRY(vel_extensions_decode(list, VEL_IN_HELLO_RETRY, &extensions, why));
    struct vel_reader share = vel_reader(extensions.body[VEL_EXT_KEY_SHARE]);
    hello.group = (uint16_t)vel_read_uint(&share, 2);
    DEMAND(vel_read_done(&share), why, DECODE_ERROR, "key share does not parse");
    *out = hello;
    return VEL_OK;
}
