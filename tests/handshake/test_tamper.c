/* SPDX-License-Identifier: MIT */
/* What an attacker on the path can do to the messages themselves: nothing that completes. */
#include "base/units.h"
#include "handshake/alert.h"
#include "handshake/pair.h"

/* Messages of a handshake with client authentication, in order. */
enum { CH, SH, EE, CR, CERT, CV, FIN, CLIENT_CERT, CLIENT_CV, CLIENT_FIN, MESSAGES };

static struct pair pair;

struct change {
    unsigned message;
    size_t position;
    size_t size; /* of the message, learnt on the way */
    enum vel_level level;
};

static void run_with(pair_tamper_fn tamper, struct change *change)
{
    pair_init(&pair, "VEL1-MLDSA44-Ed25519", 3);
    pair_authenticate_client(&pair, VEL_CLIENT_AUTH_REQUIRE);
    pair.client.config.deterministic = true;
    pair.server.config.deterministic = true;
    pair.tamper = tamper;
    pair.context = change;
    pair_run(&pair);
}

static bool is_complete(const struct pair_side *side)
{
    return side->hs->state == VEL_HS_COMPLETE;
}

static bool has_failed(const struct pair_side *side)
{
    return side->hs->state == VEL_HS_FAILED;
}

static void flip_bit(struct pair *p, bool by_client, enum vel_level *level, struct vel_buf *message)
{
    (void)by_client;
    (void)level;
    struct change *change = p->context;
    if (p->delivered != change->message)
        return;
    change->size = message->len;
    if (change->position < message->len)
        message->ptr[change->position] ^= (uint8_t)(1 << change->position % 8);
}

/* Headers, lengths and codes stand at the front; the inside of long keys and signatures is
 * sampled. */
static size_t next_position(size_t position, size_t size)
{
    bool edge = position < 96 || position + 16 > size;
    return position + (edge ? 1 : 61);
}

/* VEL-HS-35: a changed byte anywhere is noticed by who receives it, or for the ClientHello by the
 * client, and never does the server complete. */
static void every_byte_counts(void **state)
{
    (void)state;
    for (unsigned m = 0; m < MESSAGES; m++) {
        struct change change = {.message = m, .size = 1};
        while (change.position < change.size) {
            run_with(flip_bit, &change);
            char what[64];
            snprintf(what, sizeof what, "message %u byte %zu", m, change.position);
            CHECK(what, !is_complete(&pair.server));
            CHECK(what, !is_complete(&pair.client) || m >= CLIENT_CERT);
            /* A longer length in the header only waits for more. */
            if (change.position >= VEL_MSG_HEADER && m == CH)
                CHECK(what, has_failed(&pair.server) || has_failed(&pair.client));
            else if (change.position >= VEL_MSG_HEADER)
                CHECK(what, has_failed(m < CLIENT_CERT ? &pair.client : &pair.server));
            pair_done(&pair);
            change.position = next_position(change.position, change.size);
        }
    }
}

static void drop(struct pair *p, bool by_client, enum vel_level *level, struct vel_buf *message)
{
    (void)by_client;
    (void)level;
    if (p->delivered == ((struct change *)p->context)->message)
        message->len = 0;
}

static void twice(struct pair *p, bool by_client, enum vel_level *level, struct vel_buf *message)
{
    (void)by_client;
    (void)level;
    if (p->delivered != ((struct change *)p->context)->message)
        return;
    ASSERT_OK(vel_buf_reserve(message, message->len));
    ASSERT_OK(vel_buf_append(message, vel_buf_slice(message)));
}

static void other_level(struct pair *p, bool by_client, enum vel_level *level,
                        struct vel_buf *message)
{
    (void)by_client;
    (void)message;
    const struct change *change = p->context;
    if (p->delivered == change->message)
        *level = change->level;
}

static void cut(struct pair *p, bool by_client, enum vel_level *level, struct vel_buf *message)
{
    (void)by_client;
    (void)level;
    if (p->delivered == ((struct change *)p->context)->message)
        message->len--;
}

/* VEL-HS-03, VEL-HS-04: order and level of messages. */
static void order(void **state)
{
    (void)state;
    const struct {
        const char *what;
        pair_tamper_fn tamper;
        struct change change;
        bool server; /* who notices */
    } rows[] = {
        {"no ServerHello", drop, {.message = SH}, false},
        {"no EncryptedExtensions", drop, {.message = EE}, false},
        {"no Certificate", drop, {.message = CERT}, false},
        {"no CertificateVerify", drop, {.message = CV}, false},
        {"no client Certificate", drop, {.message = CLIENT_CERT}, true},
        {"no client CertificateVerify", drop, {.message = CLIENT_CV}, true},
        {"ClientHello twice", twice, {.message = CH}, true},
        {"ServerHello twice", twice, {.message = SH}, false},
        {"EncryptedExtensions twice", twice, {.message = EE}, false},
        {"CertificateRequest twice", twice, {.message = CR}, false},
        {"Certificate twice", twice, {.message = CERT}, false},
        {"CertificateVerify twice", twice, {.message = CV}, false},
        {"Finished twice", twice, {.message = FIN}, false},
        {"client Certificate twice", twice, {.message = CLIENT_CERT}, true},
        {"client CertificateVerify twice", twice, {.message = CLIENT_CV}, true},
        {"client Finished twice", twice, {.message = CLIENT_FIN}, true},
        {"ClientHello in Handshake",
         other_level,
         {.message = CH, .level = VEL_LEVEL_HANDSHAKE},
         true},
        {"ClientHello early", other_level, {.message = CH, .level = VEL_LEVEL_EARLY}, true},
        {"ServerHello in Handshake",
         other_level,
         {.message = SH, .level = VEL_LEVEL_HANDSHAKE},
         false},
        {"Certificate in Initial",
         other_level,
         {.message = CERT, .level = VEL_LEVEL_INITIAL},
         false},
        {"Finished in 1-RTT", other_level, {.message = FIN, .level = VEL_LEVEL_APP}, false},
        {"client Finished in 1-RTT",
         other_level,
         {.message = CLIENT_FIN, .level = VEL_LEVEL_APP},
         true},
        {"client Finished in Initial",
         other_level,
         {.message = CLIENT_FIN, .level = VEL_LEVEL_INITIAL},
         true},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct change change = rows[i].change;
        run_with(rows[i].tamper, &change);
        pair_assert_failed(rows[i].what, rows[i].server ? &pair.server : &pair.client,
                           VEL_ALERT_UNEXPECTED_MESSAGE);
        pair_done(&pair);
    }
}

/* The last byte of a message is missing: the next message's bytes become its end, or it waits. */
static void truncation(void **state)
{
    (void)state;
    for (unsigned m = 0; m < MESSAGES; m++) {
        struct change change = {.message = m};
        run_with(cut, &change);
        CHECK("cut", !is_complete(&pair.server));
        pair_done(&pair);
    }
}

/* VEL-HS-02: a message that is announced too long is refused by its header. */
static void too_long(void **state)
{
    (void)state;
    pair_init(&pair, "VEL1-MLDSA44-Ed25519", 3);
    ASSERT_OK(pair_start(&pair));
    struct vel_handshake *server = pair.server.hs;
    size_t before = pair.server.test.outstanding;
    pair.server.err = server->ops->receive(server, VEL_LEVEL_INITIAL, BYTES(1, 0, 0x40, 1));
    pair_assert_failed("16 KiB and a byte", &pair.server, VEL_ALERT_DECODE_ERROR);
    assert_true(pair.server.test.outstanding <= before + 64);
    ASSERT_ERR("afterwards", server->ops->receive(server, VEL_LEVEL_INITIAL, BYTES(1)),
               VEL_ERR_CLOSED);
    pair_done(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(order),
        cmocka_unit_test(truncation),
        cmocka_unit_test(too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
