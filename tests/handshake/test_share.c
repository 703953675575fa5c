/* SPDX-License-Identifier: MIT */
/* Key shares and replies that no honest peer sends (VEL-HS-34). */
#include "base/units.h"
#include "base/writer.h"
#include "handshake/alert.h"
#include "handshake/pair.h"

static struct pair pair;

/* Overwrite `count` bytes, that many before the end of a message, with a value. */
struct edit {
    unsigned message; /* 0 ClientHello, 1 ServerHello */
    size_t from_back;
    size_t count;
    uint8_t value;
};

static void apply(struct pair *p, bool by_client, enum vel_level *level, struct vel_buf *message)
{
    (void)by_client;
    (void)level;
    const struct edit *edit = p->context;
    if (p->delivered == edit->message)
        memset(message->ptr + message->len - edit->from_back, edit->value, edit->count);
}

static void invalid_values(void **state)
{
    (void)state;
    const struct {
        const char *what;
        const char *kind;
        struct edit edit;
    } rows[] = {
        /* The real share is the end of the hello, the reply that of ServerHello. */
        {"X25519 share of zeroes", "VEL1-MLDSA44-Ed25519", {0, 32, 32, 0}},
        {"X25519 reply of zeroes", "VEL1-MLDSA44-Ed25519", {1, 32, 32, 0}},
        {"ML-KEM key over the modulus", "VEL1-MLDSA44-Ed25519", {0, 832, 30, 0xff}},
        {"ML-KEM-768 key over the modulus", "VEL1-MLDSA65-P256", {0, 1216, 30, 0xff}},
        {"ML-KEM-1024 key over the modulus", "VEL1-MLDSA87-P384", {0, 1568, 30, 0xff}},
        {"P-384 share off the curve", "VEL1-MLDSA87-P384", {0, 1665 - 1, 96, 0x11}},
        {"P-384 share compressed", "VEL1-MLDSA87-P384", {0, 1665, 1, 2}},
        {"P-384 reply off the curve", "VEL1-MLDSA87-P384", {1, 1665 - 1, 96, 0x11}},
        {"P-384 reply at infinity", "VEL1-MLDSA87-P384", {1, 1665, 97, 0}},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct edit edit = rows[i].edit;
        pair_init(&pair, rows[i].kind, i);
        pair.tamper = apply;
        pair.context = &edit;
        pair_run(&pair);
        pair_assert_failed(rows[i].what, edit.message == 0 ? &pair.server : &pair.client,
                           VEL_ALERT_ILLEGAL_PARAMETER);
        pair_done(&pair);
    }
}

/* Take the last byte of the message's share away, and correct every length around it. */
static void shorten(struct pair *p, bool by_client, enum vel_level *level, struct vel_buf *message)
{
    (void)by_client;
    (void)level;
    const struct edit *edit = p->context; /* from_back: bytes of the share */
    if (p->delivered != edit->message)
        return;
    size_t share = message->len - edit->from_back;
    bool hello = edit->message == 0;
    size_t suites = hello ? message->ptr[VEL_MSG_HEADER + 33] : 0U;
    size_t extensions = VEL_MSG_HEADER + 32 + 2 + suites;
    /* share, extension (with a list and a greased entry of 5 bytes in a hello), list, message */
    size_t lengths[] = {share - 2, hello ? share - 4 - 5 - 4 : share - 6, extensions, 2,
                        hello ? share - 4 - 5 - 2 : 0};
    for (size_t i = 0; i < VEL_COUNT(lengths); i++) {
        uint8_t *at = message->ptr + lengths[i];
        if (lengths[i] > 0)
            vel_store_uint(at, ((uint64_t)at[0] << 8 | at[1]) - 1, 2);
    }
    message->len--;
}

static void wrong_lengths(void **state)
{
    (void)state;
    const struct edit edits[] = {{.message = 0, .from_back = 832},
                                 {.message = 1, .from_back = 800}};
    for (size_t i = 0; i < VEL_COUNT(edits); i++) {
        struct edit edit = edits[i];
        pair_init(&pair, "VEL1-MLDSA44-Ed25519", i);
        pair.tamper = shorten;
        pair.context = &edit;
        pair_run(&pair);
        pair_assert_failed("short", edit.message == 0 ? &pair.server : &pair.client,
                           VEL_ALERT_ILLEGAL_PARAMETER);
        pair_done(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invalid_values),
        cmocka_unit_test(wrong_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
