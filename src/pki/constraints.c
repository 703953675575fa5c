/* SPDX-License-Identifier: MIT */
#include "pki/constraints.h"

#include "base/reader.h"
#include "pki/cert.h"
#include "pki/der.h"
#include "pki/host.h"

struct subtree {
    uint8_t tag;
    struct vel_slice base;
};

/* Whether every bit of `mask` is set from the front. */
static bool is_prefix_mask(struct vel_slice mask)
{
    bool ended = false;
    for (size_t i = 0; i < 8 * mask.len; i++) {
        bool bit = (mask.ptr[i / 8] & 0x80U >> i % 8) != 0;
        if (bit && ended)
            return false;
        ended |= !bit;
    }
    return true;
}

/* A DNS constraint is empty (all names), "example.org" (it and below) or ".example.org" (below). */
static bool is_dns_base(struct vel_slice base)
{
    if (base.len > 1 && base.ptr[0] == '.')
        base = vel_slice(base.ptr + 1, base.len - 1);
    return base.len == 0 || (vel_dns_is_pattern(base) && base.ptr[0] != '*');
}

static bool is_ip_base(struct vel_slice base)
{
    return (base.len == 8 || base.len == 32) &&
           is_prefix_mask(vel_slice(base.ptr + base.len / 2, base.len / 2));
}

/* GeneralSubtree, whose minimum and maximum RFC 5280 fixes: they must not be written. */
static struct subtree read_subtree(struct vel_reader *r)
{
    struct subtree tree = {0};
    struct vel_reader inner = vel_der_enter(r, VEL_DER_SEQUENCE);
    tree.base = vel_der_any(&inner, &tree.tag);
    bool known = (tree.tag == VEL_NAME_DNS && is_dns_base(tree.base)) ||
                 (tree.tag == VEL_NAME_IP && is_ip_base(tree.base));
    r->failed |= !vel_read_done(&inner) || !known;
    return tree;
}

static bool dns_within(struct vel_slice name, struct vel_slice base)
{
    if (base.len == 0)
        return true;
    bool below = base.ptr[0] == '.';
    if (below)
        base = vel_slice(base.ptr + 1, base.len - 1);
    if (name.len == base.len)
        return !below && vel_dns_equal(name, base);
    if (name.len < base.len + 1)
        return false;
    size_t cut = name.len - base.len;
    return name.ptr[cut - 1] == '.' && vel_dns_equal(vel_slice(name.ptr + cut, base.len), base);
}

static bool ip_within(struct vel_slice ip, struct vel_slice base)
{
    if (base.len != 2 * ip.len)
        return false;
    for (size_t i = 0; i < ip.len; i++) {
        if (((ip.ptr[i] ^ base.ptr[i]) & base.ptr[ip.len + i]) != 0)
            return false;
    }
    return true;
}

static bool within(uint8_t tag, struct vel_slice name, const struct subtree *tree)
{
    return tag == VEL_NAME_DNS ? dns_within(name, tree->base) : ip_within(name, tree->base);
}

/* "*.example.org" could stand for the excluded "a.example.org". Of a permitted one that says
 * nothing: it could as well stand for another. */
static bool may_stand_for(struct vel_slice name, const struct subtree *tree)
{
    return name.ptr[0] == '*' && vel_dns_equal(vel_dns_parent(name), vel_dns_parent(tree->base));
}

/* What one list of subtrees says of one name. */
struct opinion {
    bool mentions; /* has a subtree of this form of name */
    bool holds;    /* the name is in one of them */
    bool touches;  /* or stands for a name that is */
};

static bool consult(struct vel_slice trees, uint8_t tag, struct vel_slice name, size_t *budget,
                    struct opinion *opinion)
{
    struct vel_reader r = vel_reader(trees);
    while (vel_read_ok(&r) && vel_left(&r) > 0) {
        struct subtree tree = read_subtree(&r);
        if (!vel_read_ok(&r) || *budget == 0)
            return false;
        --*budget;
        if (tree.tag != tag)
            continue;
        opinion->mentions = true;
        opinion->holds |= within(tag, name, &tree);
        opinion->touches |= tag == VEL_NAME_DNS && may_stand_for(name, &tree);
    }
    return vel_read_ok(&r);
}

/* The two lists of NameConstraints. */
struct rules {
    struct vel_slice permitted;
    struct vel_slice excluded;
    size_t *budget;
};

static bool allow_one(const struct rules *rules, uint8_t tag, struct vel_slice name)
{
    struct opinion in = {0};
    struct opinion out = {0};
    if (tag == VEL_NAME_DNS && !vel_dns_is_pattern(name))
        return false;
    return consult(rules->permitted, tag, name, rules->budget, &in) &&
           consult(rules->excluded, tag, name, rules->budget, &out) && (!in.mentions || in.holds) &&
           !out.holds && !out.touches;
}

/* GeneralSubtrees; there is at least one, or the list is not written. */
static struct vel_slice read_list(struct vel_reader *r, unsigned n)
{
    uint8_t tag = (uint8_t)(VEL_DER_EXPLICIT + n);
    if (!vel_der_next(r, tag))
        return vel_slice(NULL, 0);
    struct vel_slice trees = vel_der_read(r, tag);
    r->failed |= trees.len == 0;
    return trees;
}

bool vel_constraints_allow(struct vel_slice constraints, struct vel_slice names, size_t *budget)
{
    struct vel_reader r = vel_reader(constraints);
    struct rules rules = {.permitted = read_list(&r, 0), .budget = budget};
    rules.excluded = read_list(&r, 1);
    if (!vel_read_done(&r))
        return false;

    struct opinion ignored = {0};
    if (!consult(rules.permitted, 0, names, budget, &ignored) ||
        !consult(rules.excluded, 0, names, budget, &ignored))
        return false; /* unreadable, though no name may ask for it */

    struct vel_reader list = vel_reader(names);
    while (vel_read_ok(&list) && vel_left(&list) > 0) {
        uint8_t tag = 0;
        struct vel_slice name = vel_der_any(&list, &tag);
        if ((tag == VEL_NAME_DNS || tag == VEL_NAME_IP) && !allow_one(&rules, tag, name))
            return false;
    }
    return vel_read_ok(&list);
}
