/* SPDX-License-Identifier: MIT */
/*
 * bench_packet [--packets N] [--repeat N]: packet protection alone, one core: short packets of 1,350
 * bytes sealed and opened in place, for each AEAD. Under callgrind use --packets 1000 --repeat 1.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/bench_measure.h"
#include "transport/keys.h"
#include "velocity/system.h"

enum { PACKET = 1350, NUMBER_SIZE = 2, HEADER = 1 + VEL_CID_OURS + NUMBER_SIZE, TRAIN = 48 };

static const struct {
    struct vel_suite suite;
    const char *name;
} suites[] = {
    {{.aead = VEL_AES_128_GCM, .hash = VEL_SHA256}, "aes128gcm"},
    {{.aead = VEL_AES_256_GCM, .hash = VEL_SHA384}, "aes256gcm"},
    {{.aead = VEL_CHACHA20_POLY1305, .hash = VEL_SHA256}, "chacha20poly1305"},
};

/* A train of packets as the kernel would take it, so that the memory touched is as in real use. */
static uint8_t train[TRAIN][PACKET];

static void seal_train(struct vel_keys *keys, uint64_t first)
{
    struct vel_cid dcid = vel_cid(vel_slice_text("12345678"));
    for (size_t i = 0; i < TRAIN; i++) {
        struct vel_writer w = vel_writer(train[i], HEADER);
        vel_packet_write_short(&w, &dcid, 0, first + i, NUMBER_SIZE);
        BENCH_OK(vel_packet_seal(keys, 0, first + i, train[i], HEADER, NUMBER_SIZE,
                                 PACKET - HEADER - VEL_AEAD_TAG));
    }
}

static void open_train(struct vel_keys *keys, uint64_t first)
{
    for (size_t i = 0; i < TRAIN; i++) {
        struct vel_packet_header header;
        struct vel_opened opened;
        BENCH_OK(vel_packet_parse(vel_slice(train[i], PACKET), &header));
        BENCH_OK(vel_packet_open(keys, 0, first + i - 1, train[i], header.number_offset,
                                 header.size, &opened));
    }
}

static void measure(const struct vel_crypto *crypto, size_t index, uint64_t packets,
                    uint64_t repeat)
{
    char keys_of[2][64];
    snprintf(keys_of[0], sizeof keys_of[0], "packet_seal_%s_per_second", suites[index].name);
    snprintf(keys_of[1], sizeof keys_of[1], "packet_open_%s_per_second", suites[index].name);
    struct bench seal = {.key = keys_of[0], .unit = "packets of 1350 bytes"};
    struct bench open = {.key = keys_of[1], .unit = "packets of 1350 bytes"};

    const struct vel_suite *suite = &suites[index].suite;
    struct vel_secret secret = {.bytes = {1}, .len = vel_hash_size(suite->hash)};
    struct vel_keys write = {0};
    struct vel_keys read = {0};
    BENCH_OK(vel_keys_from_secret(crypto, &vel_versions[0], suite, &secret, VEL_WRITE, &write));
    BENCH_OK(vel_keys_from_secret(crypto, &vel_versions[0], suite, &secret, VEL_READ, &read));
    for (uint64_t round = 0; round < repeat; round++) {
        double sealing = 0;
        double opening = 0;
        uint64_t number = 1;
        for (; number <= packets; number += TRAIN) {
            double start = vel_bench_cpu();
            seal_train(&write, number);
            double between = vel_bench_cpu();
            open_train(&read, number);
            opening += vel_bench_cpu() - between;
            sealing += between - start;
        }
        vel_bench_add(&seal, (double)(number - 1) / sealing);
        vel_bench_add(&open, (double)(number - 1) / opening);
    }
    vel_bench_print(&seal);
    vel_bench_print(&open);
    vel_keys_clear(&write);
    vel_keys_clear(&read);
}

int main(int argc, char **argv)
{
    uint64_t packets = vel_bench_option(argc, argv, "packets", 200000);
    uint64_t repeat = vel_bench_option(argc, argv, "repeat", 5);
    struct vel_env env = vel_env_system();
    struct vel_crypto *crypto = NULL;
    BENCH_OK(vel_crypto_new(&env, &crypto));
    for (size_t i = 0; i < VEL_COUNT(suites); i++)
        measure(crypto, i, packets, repeat);
    vel_crypto_free(crypto);
    return 0;
}
