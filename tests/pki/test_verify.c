/* SPDX-License-Identifier: MIT */
/* Chains, good and broken. */
#include "pki/verify.h"

#include "base/units.h"
#include "pki/der.h"
#include "pki/forge.h"
#include "pki/pem.h"

static const char *const site[] = {"www.example.org", "*.example.net", "192.0.2.1", "2001:db8::1"};

/* root -> sub (path length 0) -> leaf; `other` has nothing to do with them. */
struct world {
    struct forge f;
    struct made root;
    struct made sub;
    struct made leaf;
    struct made other;
};

/* One verification: what is sent, what is trusted, what is asked. */
struct scene {
    struct world *world;
    struct vel_buf sent[VEL_CHAIN_MAX + 1];
    struct vel_buf trusted;
    struct vel_cert_request request;
};

static int set_up(void **state)
{
    static struct world w;
    forge_open(&w.f);
    struct vel_cert_order root = forge_ca("Test Root", -1);
    struct vel_cert_order sub = forge_ca("Test Sub", 0);
    struct vel_cert_order leaf = forge_leaf(site, VEL_COUNT(site));
    forge_make(&w.f, &root, NULL, &w.root);
    forge_make(&w.f, &sub, &w.root, &w.sub);
    forge_make(&w.f, &leaf, &w.sub, &w.leaf);
    forge_make(&w.f, &root, NULL, &w.other); /* the root's name, other keys */
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    forge_unmake(&w->leaf);
    forge_unmake(&w->sub);
    forge_unmake(&w->root);
    forge_unmake(&w->other);
    forge_close(&w->f);
    return 0;
}

static struct vel_buf copy(struct world *w, struct vel_slice bytes)
{
    struct vel_buf buf = {.env = &w->f.t.env, .limit = VEL_CHAIN_PEM_MAX};
    ASSERT_OK(vel_buf_append(&buf, bytes));
    return buf;
}

static void put(struct scene *s, size_t place, struct vel_buf der)
{
    vel_buf_free(&s->sent[place]);
    s->sent[place] = der;
    if (s->request.count <= place)
        s->request.count = place + 1;
}

static void put_made(struct scene *s, size_t place, const struct made *made)
{
    put(s, place, copy(s->world, made->cert.der));
}

static void trust_only(struct scene *s, const struct made *made)
{
    s->trusted.len = 0;
    ASSERT_OK(vel_buf_append(&s->trusted, vel_buf_slice(&made->chain_pem)));
}

static void open_scene(struct world *w, struct scene *s)
{
    *s = (struct scene){.world = w, .trusted = {.env = &w->f.t.env, .limit = 1 << 20}};
    put_made(s, 0, &w->leaf);
    put_made(s, 1, &w->sub);
    trust_only(s, &w->root);
    s->request.name = "www.example.org";
    s->request.level = VEL_PROFILE_BALANCED;
    s->request.unix_time = FORGE_NOW;
}

static void close_scene(struct scene *s)
{
    for (size_t i = 0; i < VEL_COUNT(s->sent); i++)
        vel_buf_free(&s->sent[i]);
    vel_buf_free(&s->trusted);
}

static enum vel_err verify(struct scene *s, struct vel_cert_verdict *verdict)
{
    struct world *w = s->world;
    struct vel_slice chain[VEL_COUNT(s->sent)];
    struct vel_trust *trust = NULL;
    struct vel_dual_key keys = {0};
    for (size_t i = 0; i < VEL_COUNT(chain); i++)
        chain[i] = vel_buf_slice(&s->sent[i]);
    s->request.chain = chain;
    ASSERT_OK(vel_trust_new(&w->f.t.env, w->f.crypto, &trust));
    if (s->trusted.len > 0)
        ASSERT_OK(vel_trust_add_pem(trust, vel_buf_slice(&s->trusted)));
    enum vel_err err =
        vel_cert_verify(&w->f.t.env, w->f.crypto, trust, &s->request, verdict, &keys);
    assert_int_equal(err == VEL_OK, verdict->check == VEL_CERT_OK);
    assert_int_equal(err == VEL_OK, keys.suite != NULL);
    vel_dual_key_clear(&keys);
    vel_trust_free(trust);
    return err;
}

/* Sign the certificate at a place again, with the keys of `signer`, edited. */
static void sign_again(struct scene *s, size_t place, const struct made *signer,
                       struct forge_edit edit)
{
    struct vel_cert cert;
    ASSERT_OK(vel_cert_parse(vel_buf_slice(&s->sent[place]), &cert));
    const struct vel_dual_key *keys = vel_identity_keys(signer->identity);
    if (edit.classical == NULL)
        edit.classical = keys->classical;
    if (edit.pq == NULL)
        edit.pq = keys->pq;
    put(s, place, forge_again(&s->world->f, &cert, &edit));
}

static void add_extension(struct scene *s, size_t place, const struct made *signer, unsigned drop,
                          unsigned n, bool critical, struct vel_slice value)
{
    struct vel_buf ext = forge_extension(&s->world->f, n, critical, value);
    sign_again(s, place, signer, (struct forge_edit){.drop = drop, .add = vel_buf_slice(&ext)});
    vel_buf_free(&ext);
}

/* A leaf made anew, under `issuer`. */
static void new_leaf(struct scene *s, struct vel_cert_order order, const struct made *issuer)
{
    struct made made;
    forge_make(&s->world->f, &order, issuer, &made);
    put_made(s, 0, &made);
    forge_unmake(&made);
}

static const struct vel_dual_key *keys_of(const struct made *made)
{
    return vel_identity_keys(made->identity);
}

/* ---- what each row does to the good scene ---- */

static void nothing(struct scene *s)
{
    (void)s;
}

static void any_name(struct scene *s)
{
    s->request.name = NULL;
}

static void by_wildcard(struct scene *s)
{
    s->request.name = "A.Example.NET";
}

static void by_address(struct scene *s)
{
    s->request.name = "2001:0DB8:0::0.0.0.1";
}

static void as_client(struct scene *s)
{
    s->request.use = VEL_USE_CLIENT;
}

static void first_second(struct scene *s)
{
    s->request.unix_time = s->world->leaf.cert.not_before;
}

static void last_second(struct scene *s)
{
    s->request.unix_time = s->world->leaf.cert.not_after;
}

static void root_sent_too(struct scene *s)
{
    put_made(s, 2, &s->world->root);
}

static void reordered(struct scene *s)
{
    put_made(s, 1, &s->world->root);
    put_made(s, 2, &s->world->other);
    put_made(s, 3, &s->world->sub);
}

static void two_roots_of_one_name(struct scene *s)
{
    trust_only(s, &s->world->other);
    ASSERT_OK(vel_buf_append(&s->trusted, vel_buf_slice(&s->world->root.chain_pem)));
}

static void sub_is_trusted(struct scene *s)
{
    s->trusted.len = 0;
    ASSERT_OK(vel_pem_append(&s->trusted, VEL_PEM_CERTIFICATE, s->world->sub.cert.der));
    s->request.count = 1;
}

static void leaf_is_trusted(struct scene *s)
{
    struct made made;
    struct vel_cert_order order = forge_leaf(site, VEL_COUNT(site));
    forge_make(&s->world->f, &order, NULL, &made);
    put_made(s, 0, &made);
    trust_only(s, &made);
    s->request.count = 1;
    forge_unmake(&made);
}

static void unknown_extension(struct scene *s)
{
    add_extension(s, 0, &s->world->sub, 0, 99, false, BYTES(5, 0));
}

static void insecure(struct scene *s)
{
    s->trusted.len = 0;
    s->request.insecure = true;
    s->request.name = "elsewhere.example";
    s->request.unix_time = 0;
    s->request.count = 1;
}

static void too_early(struct scene *s)
{
    s->request.unix_time = s->world->leaf.cert.not_before - 1;
}

static void too_late(struct scene *s)
{
    s->request.unix_time = s->world->leaf.cert.not_after + 1;
}

/* The issue command ends a leaf with its issuer, so sign the longer one again. */
static void sub_expired(struct scene *s)
{
    struct made sub;
    struct vel_cert_order order = forge_ca("Test Sub", 0);
    order.validity = 2 * FORGE_DAY;
    forge_make(&s->world->f, &order, &s->world->root, &sub);
    sign_again(s, 0, &sub, (struct forge_edit){0});
    put_made(s, 1, &sub);
    s->request.unix_time = sub.cert.not_after + 1;
    forge_unmake(&sub);
}

static void wrong_name(struct scene *s)
{
    s->request.name = "example.org";
}

static void wildcard_too_deep(struct scene *s)
{
    s->request.name = "a.b.example.net";
}

static void wildcard_bare(struct scene *s)
{
    s->request.name = "example.net";
}

static void wrong_address(struct scene *s)
{
    s->request.name = "192.0.2.2";
}

static void no_name_at_all(struct scene *s)
{
    s->request.name = "";
}

static void names_missing(struct scene *s)
{
    sign_again(s, 0, &s->world->sub, (struct forge_edit){.drop = VEL_EXT_NAMES});
}

static void nobody_trusted(struct scene *s)
{
    s->trusted.len = 0;
}

static void sub_not_sent(struct scene *s)
{
    s->request.count = 1;
}

static void other_root(struct scene *s)
{
    trust_only(s, &s->world->other);
}

static void self_signed_stranger(struct scene *s)
{
    new_leaf(s, forge_leaf(site, VEL_COUNT(site)), NULL);
    s->request.count = 1;
}

static void classical_by_other(struct scene *s)
{
    sign_again(s, 0, &s->world->sub,
               (struct forge_edit){.classical = keys_of(&s->world->other)->classical});
}

static void alternative_by_other(struct scene *s)
{
    sign_again(s, 0, &s->world->sub, (struct forge_edit){.pq = keys_of(&s->world->other)->pq});
}

static void sub_classical_by_other(struct scene *s)
{
    sign_again(s, 1, &s->world->root,
               (struct forge_edit){.classical = keys_of(&s->world->other)->classical});
}

static void sub_alternative_by_other(struct scene *s)
{
    sign_again(s, 1, &s->world->root, (struct forge_edit){.pq = keys_of(&s->world->other)->pq});
}

static void classical_only(struct scene *s, size_t place, const struct made *signer, unsigned drop)
{
    struct vel_cert cert;
    ASSERT_OK(vel_cert_parse(vel_buf_slice(&s->sent[place]), &cert));
    const struct forge_edit edit = {.classical = keys_of(signer)->classical, .drop = drop};
    put(s, place, forge_again(&s->world->f, &cert, &edit));
}

static void alternative_signature_missing(struct scene *s)
{
    classical_only(s, 0, &s->world->sub, 0);
}

static void alternative_key_missing(struct scene *s)
{
    sign_again(s, 0, &s->world->sub, (struct forge_edit){.drop = VEL_EXT_ALT_KEY});
}

static void both_missing(struct scene *s)
{
    classical_only(s, 0, &s->world->sub, VEL_EXT_ALT_KEY);
}

static void sub_alternative_missing(struct scene *s)
{
    classical_only(s, 1, &s->world->root, 0);
}

static void sub_key_missing(struct scene *s)
{
    sign_again(s, 1, &s->world->root, (struct forge_edit){.drop = VEL_EXT_ALT_KEY});
}

static void trust_edited_root(struct scene *s, struct vel_buf der)
{
    s->trusted.len = 0;
    ASSERT_OK(vel_pem_append(&s->trusted, VEL_PEM_CERTIFICATE, vel_buf_slice(&der)));
    vel_buf_free(&der);
}

static void root_is_classical(struct scene *s)
{
    const struct forge_edit edit = {.classical = keys_of(&s->world->root)->classical,
                                    .drop = VEL_EXT_ALT_KEY};
    trust_edited_root(s, forge_again(&s->world->f, &s->world->root.cert, &edit));
}

static void root_half_broken(struct scene *s)
{
    const struct forge_edit edit = {.classical = keys_of(&s->world->root)->classical,
                                    .pq = keys_of(&s->world->other)->pq};
    trust_edited_root(s, forge_again(&s->world->f, &s->world->root.cert, &edit));
}

static void trusted_leaf_half_broken(struct scene *s)
{
    struct made made;
    struct vel_cert_order order = forge_leaf(site, VEL_COUNT(site));
    forge_make(&s->world->f, &order, NULL, &made);
    put_made(s, 0, &made);
    sign_again(s, 0, &made, (struct forge_edit){.pq = keys_of(&s->world->other)->pq});
    trust_edited_root(s, copy(s->world, vel_buf_slice(&s->sent[0])));
    s->request.count = 1;
    forge_unmake(&made);
}

static void weak_leaf(struct scene *s)
{
    struct vel_cert_order order = forge_leaf(site, VEL_COUNT(site));
    order.profile = VEL_PROFILE_LIGHT;
    new_leaf(s, order, &s->world->sub);
}

/* The middle of `cert` with the name of `issuer` in front. */
static struct vel_buf issued_by(struct scene *s, const struct vel_cert *cert,
                                const struct made *issuer)
{
    struct vel_buf middle = {.env = &s->world->f.t.env, .limit = 4096};
    ASSERT_OK(vel_buf_append(&middle, issuer->cert.subject));
    ASSERT_OK(vel_buf_append(&middle, vel_slice(cert->middle.ptr + cert->issuer.len,
                                                cert->middle.len - cert->issuer.len)));
    return middle;
}

/* A self-signed certificate of the order, put under `issuer` though that would not issue it. */
static void leaf_under(struct scene *s, struct vel_cert_order order, const struct made *issuer)
{
    struct vel_cert cert;
    new_leaf(s, order, NULL);
    ASSERT_OK(vel_cert_parse(vel_buf_slice(&s->sent[0]), &cert));
    struct vel_buf middle = issued_by(s, &cert, issuer);
    sign_again(s, 0, issuer, (struct forge_edit){.middle = vel_buf_slice(&middle)});
    vel_buf_free(&middle);
}

static void weak_root(struct scene *s)
{
    s->request.level = VEL_PROFILE_SECURE;
    struct vel_cert_order order = forge_leaf(site, VEL_COUNT(site));
    order.profile = VEL_PROFILE_SECURE;
    order.classical = VEL_P384;
    leaf_under(s, order, &s->world->root);
    s->request.count = 1;
}

static void weak_sub(struct scene *s)
{
    struct made sub;
    struct vel_cert_order order = forge_ca("Weak Sub", 0);
    order.profile = VEL_PROFILE_LIGHT;
    forge_make(&s->world->f, &order, &s->world->root, &sub);
    leaf_under(s, forge_leaf(site, VEL_COUNT(site)), &sub);
    put_made(s, 1, &sub);
    forge_unmake(&sub);
}

static void pair_in_no_suite(struct scene *s)
{
    struct made strong;
    struct vel_cert_order order = forge_leaf(site, VEL_COUNT(site));
    order.profile = VEL_PROFILE_SECURE;
    order.classical = VEL_P384;
    forge_make(&s->world->f, &order, NULL, &strong);
    add_extension(s, 0, &s->world->sub, VEL_EXT_ALT_KEY, VEL_EXT_ALT_KEY, false,
                  strong.cert.alt_spki); /* P-256 with ML-DSA-87 */
    forge_unmake(&strong);
}

static void keys_swapped(struct scene *s)
{
    add_extension(s, 0, &s->world->sub, VEL_EXT_ALT_KEY, VEL_EXT_ALT_KEY, false,
                  s->world->leaf.cert.spki);
}

/* id-kp-emailProtection */
static const uint8_t email_only[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
                                     0x01, 0x05, 0x05, 0x07, 0x03, 0x04};

static void wrong_purpose(struct scene *s)
{
    add_extension(s, 0, &s->world->sub, VEL_EXT_PURPOSES, VEL_EXT_PURPOSES, false,
                  vel_slice(email_only, sizeof email_only));
}

static void wrong_key_usage(struct scene *s)
{
    add_extension(s, 0, &s->world->sub, VEL_EXT_KEY_USAGE, VEL_EXT_KEY_USAGE, true,
                  BYTES(0x03, 0x02, 0x05, 0x20)); /* keyEncipherment */
}

static void sub_of_wrong_purpose(struct scene *s)
{
    add_extension(s, 1, &s->world->root, 0, VEL_EXT_PURPOSES, false,
                  vel_slice(email_only, sizeof email_only));
}

static void issuer_is_no_ca(struct scene *s)
{
    add_extension(s, 1, &s->world->root, VEL_EXT_BASIC, VEL_EXT_BASIC, true, BYTES(0x30, 0x00));
}

static void issuer_without_basic(struct scene *s)
{
    sign_again(s, 1, &s->world->root, (struct forge_edit){.drop = VEL_EXT_BASIC});
}

static void issuer_may_not_sign(struct scene *s)
{
    add_extension(s, 1, &s->world->root, VEL_EXT_KEY_USAGE, VEL_EXT_KEY_USAGE, true,
                  BYTES(0x03, 0x02, 0x07, 0x80));
}

/* A leaf under a CA that its own issuer forbids: path length 0. */
static void path_too_long(struct scene *s)
{
    struct made deep;
    struct vel_cert_order order = forge_ca("Deep Sub", -1);
    forge_make(&s->world->f, &order, &s->world->root, &deep);
    new_leaf(s, forge_leaf(site, VEL_COUNT(site)), &deep);
    put_made(s, 1, &deep);
    struct vel_buf middle = issued_by(s, &deep.cert, &s->world->sub);
    sign_again(s, 1, &s->world->sub, (struct forge_edit){.middle = vel_buf_slice(&middle)});
    put_made(s, 2, &s->world->sub);
    vel_buf_free(&middle);
    forge_unmake(&deep);
}

static void constrained_leaf(struct scene *s, const char *domain, const char *name)
{
    struct made ca;
    struct vel_cert_order order = forge_ca("Constrained", 0);
    order.permitted = &domain;
    order.permitted_count = 1;
    forge_make(&s->world->f, &order, NULL, &ca);
    leaf_under(s, forge_leaf(&name, 1), &ca);
    trust_only(s, &ca);
    s->request.count = 1;
    forge_unmake(&ca);
}

static void constrained_to(struct scene *s, const char *domain)
{
    constrained_leaf(s, domain, "www.example.org");
}

static void inside_constraint(struct scene *s)
{
    constrained_to(s, "example.org");
}

static void outside_constraint(struct scene *s)
{
    constrained_to(s, "example.com");
}

static void wildcard_around_constraint(struct scene *s)
{
    constrained_leaf(s, "a.example.org", "*.example.org");
}

static void repeated_extension(struct scene *s)
{
    add_extension(s, 0, &s->world->sub, 0, VEL_EXT_BASIC, true, BYTES(0x30, 0x00));
}

static void critical_alternative(struct scene *s)
{
    add_extension(s, 0, &s->world->sub, VEL_EXT_ALT_KEY, VEL_EXT_ALT_KEY, true,
                  s->world->leaf.cert.alt_spki);
}

static void critical_unknown(struct scene *s)
{
    add_extension(s, 0, &s->world->sub, 0, 99, true, BYTES(5, 0));
}

static void sub_critical_unknown(struct scene *s)
{
    add_extension(s, 1, &s->world->root, 0, 99, true, BYTES(5, 0));
}

static void trailing_byte(struct scene *s)
{
    ASSERT_OK(vel_buf_append(&s->sent[0], BYTES(0)));
}

static void sub_is_rubbish(struct scene *s)
{
    put(s, 1, copy(s->world, BYTES(0x30, 0x03, 0x02, 0x01, 0x00)));
}

static void empty_leaf(struct scene *s)
{
    s->sent[0].len = 0;
}

static void no_certificate(struct scene *s)
{
    s->request.count = 0;
}

static void too_many(struct scene *s)
{
    for (size_t i = 2; i < VEL_CHAIN_MAX + 1; i++)
        put_made(s, i, &s->world->root);
}

static void insecure_but_weak(struct scene *s)
{
    weak_leaf(s);
    insecure(s);
}

static void insecure_but_half(struct scene *s)
{
    both_missing(s);
    insecure(s);
}

static const struct row {
    const char *what;
    void (*arrange)(struct scene *s);
    enum vel_cert_check check;
    unsigned depth;
} rows[] = {
    {"leaf, intermediate, root", nothing, VEL_CERT_OK, 0},
    {"no name asked for", any_name, VEL_CERT_OK, 0},
    {"wildcard, other case", by_wildcard, VEL_CERT_OK, 0},
    {"address in another spelling", by_address, VEL_CERT_OK, 0},
    {"client", as_client, VEL_CERT_OK, 0},
    {"first second", first_second, VEL_CERT_OK, 0},
    {"last second", last_second, VEL_CERT_OK, 0},
    {"root sent too", root_sent_too, VEL_CERT_OK, 0},
    /* VEL-CERT-18 */
    {"reordered with strangers", reordered, VEL_CERT_OK, 0},
    {"two roots of one name", two_roots_of_one_name, VEL_CERT_OK, 0},
    /* VEL-CERT-19, VEL-CERT-20 */
    {"intermediate is the anchor", sub_is_trusted, VEL_CERT_OK, 0},
    {"self-signed leaf is the anchor", leaf_is_trusted, VEL_CERT_OK, 0},
    {"unknown extension, not critical", unknown_extension, VEL_CERT_OK, 0},
    {"inside the name constraint", inside_constraint, VEL_CERT_OK, 0},
    /* VEL-CERT-23 */
    {"insecure skips trust, name and time", insecure, VEL_CERT_OK, 0},

    /* VEL-CERT-21 */
    {"not yet valid", too_early, VEL_CERT_NOT_YET_VALID, 0},
    {"expired", too_late, VEL_CERT_EXPIRED, 0},
    {"intermediate expired", sub_expired, VEL_CERT_EXPIRED, 1},
    /* VEL-CERT-13 */
    {"wrong name", wrong_name, VEL_CERT_NAME, 0},
    {"wildcard for two labels", wildcard_too_deep, VEL_CERT_NAME, 0},
    {"wildcard for no label", wildcard_bare, VEL_CERT_NAME, 0},
    {"wrong address", wrong_address, VEL_CERT_NAME, 0},
    {"empty name", no_name_at_all, VEL_CERT_NAME, 0},
    {"common name only", names_missing, VEL_CERT_NAME, 0},

    /* VEL-CERT-18 */
    {"nobody trusted", nobody_trusted, VEL_CERT_UNKNOWN_ISSUER, 1},
    {"intermediate not sent", sub_not_sent, VEL_CERT_UNKNOWN_ISSUER, 0},
    {"self-signed leaf nobody trusts", self_signed_stranger, VEL_CERT_UNKNOWN_ISSUER, 0},
    {"root of the same name", other_root, VEL_CERT_CLASSICAL_SIGNATURE, 1},

    /* VEL-CERT-11 */
    {"classical signature by another", classical_by_other, VEL_CERT_CLASSICAL_SIGNATURE, 0},
    {"alternative signature by another", alternative_by_other, VEL_CERT_ALT_SIGNATURE, 0},
    {"intermediate, classical", sub_classical_by_other, VEL_CERT_CLASSICAL_SIGNATURE, 1},
    {"intermediate, alternative", sub_alternative_by_other, VEL_CERT_ALT_SIGNATURE, 1},
    /* VEL-CERT-12 */
    {"no alternative signature", alternative_signature_missing, VEL_CERT_ALT_MISSING, 0},
    {"no alternative key", alternative_key_missing, VEL_CERT_ALT_MISSING, 0},
    {"classical certificate", both_missing, VEL_CERT_ALT_MISSING, 0},
    {"intermediate without signature", sub_alternative_missing, VEL_CERT_ALT_MISSING, 1},
    {"intermediate without key", sub_key_missing, VEL_CERT_ALT_MISSING, 1},
    /* VEL-CERT-20 */
    {"classical root", root_is_classical, VEL_CERT_ALT_MISSING, 2},
    {"root half broken", root_half_broken, VEL_CERT_ALT_SIGNATURE, 2},
    {"trusted leaf half broken", trusted_leaf_half_broken, VEL_CERT_ALT_SIGNATURE, 0},

    /* VEL-CERT-12 */
    {"weak leaf", weak_leaf, VEL_CERT_LEVEL, 0},
    {"weak intermediate", weak_sub, VEL_CERT_LEVEL, 1},
    {"weak root", weak_root, VEL_CERT_LEVEL, 1},
    /* VEL-CERT-04 */
    {"pair in no suite", pair_in_no_suite, VEL_CERT_ALGORITHM, 0},
    /* VEL-CERT-02 */
    {"classical key in both places", keys_swapped, VEL_CERT_ALGORITHM, 0},

    /* VEL-CERT-14 */
    {"wrong purpose", wrong_purpose, VEL_CERT_USAGE, 0},
    {"wrong key usage", wrong_key_usage, VEL_CERT_USAGE, 0},
    /* VEL-CERT-15 */
    {"intermediate of wrong purpose", sub_of_wrong_purpose, VEL_CERT_USAGE, 1},
    {"issuer says CA:false", issuer_is_no_ca, VEL_CERT_USAGE, 1},
    {"issuer without basic constraints", issuer_without_basic, VEL_CERT_USAGE, 1},
    {"issuer without keyCertSign", issuer_may_not_sign, VEL_CERT_USAGE, 1},
    /* VEL-CERT-16 */
    {"path too long", path_too_long, VEL_CERT_CONSTRAINTS, 2},
    /* VEL-CERT-17 */
    {"outside the name constraint", outside_constraint, VEL_CERT_CONSTRAINTS, 1},
    {"wildcard wider than it", wildcard_around_constraint, VEL_CERT_CONSTRAINTS, 1},

    /* VEL-CERT-01 */
    {"repeated extension", repeated_extension, VEL_CERT_PARSE, 0},
    /* VEL-CERT-03 */
    {"critical alternative extension", critical_alternative, VEL_CERT_PARSE, 0},
    /* VEL-CERT-22 */
    {"critical unknown extension", critical_unknown, VEL_CERT_CRITICAL, 0},
    {"the same in the intermediate", sub_critical_unknown, VEL_CERT_CRITICAL, 1},
    /* VEL-CERT-10 */
    {"byte after the certificate", trailing_byte, VEL_CERT_PARSE, 0},
    {"intermediate is rubbish", sub_is_rubbish, VEL_CERT_PARSE, 1},
    {"empty leaf", empty_leaf, VEL_CERT_PARSE, 0},
    {"no certificate", no_certificate, VEL_CERT_PARSE, 0},
    {"nine certificates", too_many, VEL_CERT_PARSE, 0},
    /* VEL-CERT-23 */
    {"insecure keeps the level", insecure_but_weak, VEL_CERT_LEVEL, 0},
    {"insecure keeps both keys", insecure_but_half, VEL_CERT_ALT_MISSING, 0},
};

static void verdicts(void **state)
{
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct scene s;
        struct vel_cert_verdict verdict;
        open_scene(*state, &s);
        row->arrange(&s);
        enum vel_err err = verify(&s, &verdict);
        if (verdict.check != row->check || verdict.depth != row->depth)
            fail_msg("%s: %s at depth %u (%s)", row->what, vel_cert_check_name(verdict.check),
                     verdict.depth, verdict.subject);
        enum vel_err want = row->check == VEL_CERT_OK      ? VEL_OK
                            : row->check == VEL_CERT_PARSE ? VEL_ERR_MALFORMED
                                                           : VEL_ERR_AUTH;
        ASSERT_ERR(row->what, err, want);
        close_scene(&s);
    }
}

static void verdict_names_the_subject(void **state)
{
    struct scene s;
    struct vel_cert_verdict verdict;
    open_scene(*state, &s);
    sub_alternative_by_other(&s);
    ASSERT_ERR("sub", verify(&s, &verdict), VEL_ERR_AUTH);
    assert_string_equal(verdict.subject, "CN=Test Sub");
    close_scene(&s);
}

/* VEL-CERT-11: not one bit of a certificate can change. */
static void tampered_everywhere(void **state)
{
    struct scene s;
    struct vel_cert_verdict verdict;
    open_scene(*state, &s);
    for (size_t place = 0; place < 2; place++) {
        struct vel_buf *der = &s.sent[place];
        for (size_t i = 0; i < der->len; i += i < 700 || i + 200 > der->len ? 1 : 41) {
            uint8_t bit = (uint8_t)(1 << i % 8);
            der->ptr[i] ^= bit;
            if (verify(&s, &verdict) == VEL_OK)
                fail_msg("bit %u of byte %zu of certificate %zu is free", bit, i, place);
            der->ptr[i] ^= bit;
        }
    }
    assert_int_equal(verify(&s, &verdict), VEL_OK);
    close_scene(&s);
}

/* VEL-CERT-18: eight certificates of one name and key make many paths, and little work. */
static void path_search_is_bounded(void **state)
{
    struct world *w = *state;
    struct scene s;
    struct vel_cert_verdict verdict;
    open_scene(w, &s);
    struct made loop;
    struct vel_cert_order order = forge_ca("Loop", -1);
    forge_make(&w->f, &order, NULL, &loop);
    new_leaf(&s, forge_leaf(site, VEL_COUNT(site)), &loop);
    for (size_t i = 1; i < VEL_CHAIN_MAX; i++)
        put_made(&s, i, &loop);
    ASSERT_ERR("loop", verify(&s, &verdict), VEL_ERR_AUTH);
    assert_int_equal(verdict.check, VEL_CERT_UNKNOWN_ISSUER);
    forge_unmake(&loop);
    close_scene(&s);
}

static void allocation_fails(void **state)
{
    struct world *w = *state;
    struct vel_cert_request request = {.name = "www.example.org",
                                       .level = VEL_PROFILE_BALANCED,
                                       .unix_time = FORGE_NOW,
                                       .count = 2};
    const struct vel_slice chain[] = {w->leaf.cert.der, w->sub.cert.der};
    request.chain = chain;
    struct vel_trust *trust = NULL;
    ASSERT_OK(vel_trust_new(&w->f.t.env, w->f.crypto, &trust));
    ASSERT_OK(vel_trust_add_pem(trust, vel_buf_slice(&w->root.chain_pem)));
    enum vel_err err = VEL_ERR_NOMEM;
    for (long n = 0; err == VEL_ERR_NOMEM && n < 50; n++) {
        struct vel_cert_verdict verdict;
        struct vel_dual_key keys = {0};
        w->f.t.fail_after = n;
        err = vel_cert_verify(&w->f.t.env, w->f.crypto, trust, &request, &verdict, &keys);
        w->f.t.fail_after = -1;
        if (err != VEL_OK) {
            ASSERT_ERR("nth allocation", err, VEL_ERR_NOMEM);
            assert_null(keys.classical);
        }
        vel_dual_key_clear(&keys);
    }
    ASSERT_OK(err);
    vel_trust_free(trust);
}

static void names_and_texts(void **state)
{
    (void)state;
    assert_string_equal(vel_cert_check_name(VEL_CERT_ALT_MISSING), "alternative-missing");
    assert_string_equal(vel_cert_check_text(VEL_CERT_EXPIRED), "certificate has expired");
    assert_string_equal(vel_cert_check_name(VEL_CERT_CHECK_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(verdict_names_the_subject),
        cmocka_unit_test(tampered_everywhere),
        cmocka_unit_test(path_search_is_bounded),
        cmocka_unit_test(allocation_fails),
        cmocka_unit_test(names_and_texts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
