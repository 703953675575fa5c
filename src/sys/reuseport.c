/* SPDX-License-Identifier: MIT */
#include "sys/reuseport.h"

#include <linux/filter.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/steering.h"
#include "base/try.h"

/* Where a datagram has its Destination Connection ID (RFC 8999 5). */
enum { FORM_LONG = 0x80, AT_SHORT_ID = 1, AT_LONG_LENGTH = 5, AT_LONG_ID = 6 };

/* Not the number of a socket: the kernel goes by the addresses then. */
#define BY_ADDRESS UINT32_MAX

/* Memory of the program: the hash's state, the two words of the id, a place for rotating. */
enum { V0, V1, V2, V3, FIRST, SECOND, TURNED };

enum { INSTRUCTIONS_MAX = 1024 };

struct program {
    struct sock_filter code[INSTRUCTIONS_MAX];
    unsigned short count;
};

static void emit(struct program *p, uint16_t code, uint32_t operand)
{
    VEL_ASSERT(p->count < INSTRUCTIONS_MAX);
    p->code[p->count++] = (struct sock_filter){.code = code, .k = operand};
}

/* Skip `yes` or `no` of the instructions that follow. */
static void emit_jump(struct program *p, uint16_t condition, uint32_t operand, uint8_t yes,
                      uint8_t no)
{
    emit(p, BPF_JMP | condition | BPF_K, operand);
    p->code[p->count - 1].jt = yes;
    p->code[p->count - 1].jf = no;
}

static void load(struct program *p, uint32_t slot)
{
    emit(p, BPF_LD | BPF_MEM, slot);
}

static void store(struct program *p, uint32_t slot)
{
    emit(p, BPF_ST, slot);
}

/* Combine the accumulator with what is in memory. */
static void with(struct program *p, uint16_t operation, uint32_t slot)
{
    emit(p, BPF_LDX | BPF_MEM, slot);
    emit(p, BPF_ALU | operation | BPF_X, 0);
}

static void add(struct program *p, uint32_t to, uint32_t what)
{
    load(p, to);
    with(p, BPF_ADD, what);
    store(p, to);
}

/* The accumulator becomes `slot`, rotated. */
static void rotate(struct program *p, uint32_t slot, uint32_t bits)
{
    load(p, slot);
    emit(p, BPF_ALU | BPF_LSH | BPF_K, bits);
    store(p, TURNED);
    load(p, slot);
    emit(p, BPF_ALU | BPF_RSH | BPF_K, 32 - bits);
    with(p, BPF_OR, TURNED);
}

static void rotate_xor(struct program *p, uint32_t slot, uint32_t bits, uint32_t other)
{
    rotate(p, slot, bits);
    with(p, BPF_XOR, other);
    store(p, slot);
}

/* As mix() in base/steering.c. */
static void mix(struct program *p, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        add(p, V0, V1);
        add(p, V2, V3);
        rotate_xor(p, V1, 5, V0);
        rotate_xor(p, V3, 8, V2);
        rotate(p, V0, 16);
        store(p, V0);
        add(p, V2, V1);
        add(p, V0, V3);
        rotate_xor(p, V1, 13, V2);
        rotate_xor(p, V3, 7, V0);
        rotate(p, V2, 16);
        store(p, V2);
    }
}

static void exclusive_or(struct program *p, uint32_t slot, uint32_t word)
{
    load(p, slot);
    with(p, BPF_XOR, word);
    store(p, slot);
}

static void absorb(struct program *p, uint32_t word)
{
    exclusive_or(p, V3, word);
    mix(p, VEL_STEERING_ROUNDS_WORD);
    exclusive_or(p, V0, word);
}

static void set(struct program *p, uint32_t slot, uint32_t value)
{
    emit(p, BPF_LD | BPF_IMM, value);
    store(p, slot);
}

/* The id's place goes to the index register. A load behind the end of a datagram would end the
 * program with 0, which is a socket's number: so lengths come first. */
static void find_id(struct program *p)
{
    emit(p, BPF_LD | BPF_W | BPF_LEN, 0);
    emit_jump(p, BPF_JGE, AT_SHORT_ID + VEL_STEERED_BYTES, 1, 0);
    emit(p, BPF_RET | BPF_K, BY_ADDRESS);
    emit(p, BPF_LD | BPF_B | BPF_ABS, 0);
    emit(p, BPF_LDX | BPF_IMM, AT_SHORT_ID);
    emit_jump(p, BPF_JSET, FORM_LONG, 0, 6);
    emit(p, BPF_LD | BPF_W | BPF_LEN, 0);
    emit_jump(p, BPF_JGE, AT_LONG_ID + VEL_STEERED_BYTES, 0, 2);
    emit(p, BPF_LD | BPF_B | BPF_ABS, AT_LONG_LENGTH);
    emit_jump(p, BPF_JGE, VEL_STEERED_BYTES, 1, 0);
    emit(p, BPF_RET | BPF_K, BY_ADDRESS);
    emit(p, BPF_LDX | BPF_IMM, AT_LONG_ID);
}

static void write_program(struct program *p, const struct vel_steering *steering)
{
    p->count = 0;
    find_id(p);
    emit(p, BPF_LD | BPF_W | BPF_IND, 0);
    store(p, FIRST);
    emit(p, BPF_LD | BPF_W | BPF_IND, 4);
    store(p, SECOND);

    set(p, V0, steering->key[0]);
    set(p, V1, steering->key[1]);
    set(p, V2, steering->key[0] ^ VEL_STEERING_V2);
    set(p, V3, steering->key[1] ^ VEL_STEERING_V3);
    absorb(p, FIRST);
    absorb(p, SECOND);
    set(p, FIRST, VEL_STEERING_LENGTH);
    absorb(p, FIRST);
    load(p, V2);
    emit(p, BPF_ALU | BPF_XOR | BPF_K, VEL_STEERING_MIX_END);
    store(p, V2);
    mix(p, VEL_STEERING_ROUNDS_END);
    load(p, V1);
    with(p, BPF_XOR, V3);
    emit(p, BPF_ALU | BPF_MOD | BPF_K, steering->workers);
    emit(p, BPF_RET | BPF_A, 0);
}

vel_result vel_reuseport_share(int fd)
{
    const int on = 1;
    REQUIRE(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0, VEL_ERR_UNSUPPORTED);
    return VEL_OK;
}

vel_result vel_reuseport_steer(int fd, const struct vel_steering *steering)
{
    struct program program;
    write_program(&program, steering);
    const struct sock_fprog attached = {.len = program.count, .filter = program.code};
    REQUIRE(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &attached, sizeof attached) == 0,
            VEL_ERR_UNSUPPORTED);
    return VEL_OK;
}
