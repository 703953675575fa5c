/* SPDX-License-Identifier: MIT */
#include "transport/cc.h"

#include "base/units.h"

static const struct vel_cc_ops *const algorithms[] = {
    [VEL_CC_CUBIC] = &vel_cc_cubic,
    [VEL_CC_NEWRENO] = &vel_cc_newreno,
    [VEL_CC_BBR] = &vel_cc_bbr,
};

static uint64_t initial_window(uint64_t mtu)
{
    uint64_t least = VEL_MAX((uint64_t)VEL_CC_INITIAL_BYTES, VEL_CC_MIN_PACKETS * mtu);
    return VEL_MIN(VEL_CC_INITIAL_PACKETS * mtu, least);
}

static struct vel_bbr *new_bbr(const struct vel_env *env, enum vel_congestion algorithm)
{
    return algorithm == VEL_CC_BBR ? vel_alloc(env, sizeof(struct vel_bbr)) : NULL;
}

void vel_cc_init(struct vel_cc *cc, const struct vel_env *env, enum vel_congestion algorithm,
                 uint32_t mtu, vel_time now)
{
    struct vel_bbr *bbr = new_bbr(env, algorithm);
    bool lacks = algorithm == VEL_CC_BBR && bbr == NULL;
    *cc = (struct vel_cc){
        .ops = algorithms[lacks ? VEL_CC_CUBIC : algorithm],
        .env = env,
        .window = initial_window(mtu),
        .mtu = mtu,
        .recovery_start = INT64_MIN,
        .ssthresh = UINT64_MAX,
    };
    if (bbr != NULL)
        cc->bbr = bbr;
    cc->ops->init(cc, now);
}

void vel_cc_clear(struct vel_cc *cc)
{
    if (cc->ops == &vel_cc_bbr)
        vel_release(cc->env, cc->bbr, sizeof *cc->bbr);
    *cc = (struct vel_cc){.ops = NULL};
}

void vel_cc_set_crypto_window(struct vel_cc *cc, unsigned packets)
{
    cc->crypto_window = (uint64_t)VEL_MIN(packets, (unsigned)VEL_CC_CRYPTO_PACKETS) * cc->mtu;
}

void vel_cc_set_mtu(struct vel_cc *cc, uint32_t mtu)
{
    cc->mtu = mtu;
    cc->window = VEL_MAX(cc->window, (uint64_t)VEL_CC_MIN_PACKETS * mtu);
}

void vel_cc_on_sent(struct vel_cc *cc, uint64_t in_flight, uint64_t size, vel_time now)
{
    if (cc->ops->on_sent != NULL)
        cc->ops->on_sent(cc, in_flight, size, now);
}

void vel_cc_on_ack(struct vel_cc *cc, const struct vel_rtt *rtt, const struct vel_cc_ack *ack)
{
    cc->ops->on_ack(cc, rtt, ack);
    cc->window = VEL_MIN(cc->window, (uint64_t)VEL_CC_MAX_WINDOW);
}

void vel_cc_on_lost(struct vel_cc *cc, const struct vel_cc_lost *lost)
{
    if (cc->ops->on_lost != NULL)
        cc->ops->on_lost(cc, lost);
}

void vel_cc_on_congestion(struct vel_cc *cc, vel_time sent, vel_time now)
{
    if (vel_cc_in_recovery(cc, sent))
        return;
    cc->recovery_start = now;
    cc->reductions++;
    cc->crypto_window = 0;
    cc->undoable = true;
    cc->ops->on_congestion(cc, now);
}

void vel_cc_on_marked(struct vel_cc *cc, vel_time sent, vel_time now)
{
    vel_cc_on_congestion(cc, sent, now);
    cc->undoable = false;
    if (cc->ops->on_marked != NULL)
        cc->ops->on_marked(cc, sent, now);
}

void vel_cc_undo(struct vel_cc *cc, vel_time now)
{
    if (cc->undoable)
        cc->ops->undo(cc, now);
    cc->undoable = false;
}

void vel_cc_on_persistent_congestion(struct vel_cc *cc, vel_time now)
{
    cc->undoable = false;
    cc->ops->on_persistent_congestion(cc, now);
    cc->window = (uint64_t)VEL_CC_MIN_PACKETS * cc->mtu;
    cc->recovery_start = INT64_MIN;
    cc->reductions++;
}

void vel_cc_on_app_limited(struct vel_cc *cc, uint64_t in_flight)
{
    if (cc->ops->on_app_limited != NULL)
        cc->ops->on_app_limited(cc, in_flight);
}

struct vel_pacing vel_cc_pacing(const struct vel_cc *cc, const struct vel_rtt *rtt)
{
    return cc->ops->pacing(cc, rtt);
}

const char *vel_cc_state(const struct vel_cc *cc)
{
    return cc->ops->state(cc);
}
