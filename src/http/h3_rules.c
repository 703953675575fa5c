/* SPDX-License-Identifier: MIT */
#include "http/h3_rules.h"

#include "base/try.h"
#include "base/units.h"
#include "http/h1_line.h"

/* ---- characters ---- */

/* Sets of characters, a bit for each one of ASCII: field names in lower case and methods (RFC 9110
 * 5.6.2), schemes (RFC 3986 3.1), authorities without user information (3.2). */
enum set { NAME, TOKEN, SCHEME, AUTHORITY };

static const uint64_t sets[][2] = {
    [NAME] = {0x03ff6cfa00000000, 0x57ffffffc0000000},      /* !#$%&'*+-.^_`|~ 0-9 a-z */
    [TOKEN] = {0x03ff6cfa00000000, 0x57ffffffc7fffffe},     /* the same and A-Z */
    [SCHEME] = {0x03ff680000000000, 0x07fffffe07fffffe},    /* +-. 0-9 a-z A-Z */
    [AUTHORITY] = {0x2fff7ff200000000, 0x47fffffeaffffffe}, /* -._~!$&'()*+,;=:%[] 0-9 a-z A-Z */
};

static inline bool is_one_of(uint8_t c, enum set set)
{
    return c < 128 && (sets[set][c / 64] >> (c % 64) & 1) != 0;
}

static bool all_are(struct vel_slice text, enum set set)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_one_of(text.ptr[i], set))
            return false;
    return text.len > 0;
}

/* RFC 9114 10.3, RFC 9110 5.5: no control character but the tab, no white space at the ends. */
static bool is_value(struct vel_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.ptr[i] < ' ' && text.ptr[i] != '\t') || text.ptr[i] == 0x7f)
            return false;
    if (text.len == 0)
        return true;
    uint8_t first = text.ptr[0], last = text.ptr[text.len - 1];
    return first != ' ' && first != '\t' && last != ' ' && last != '\t';
}

static bool is_visible(struct vel_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
            return false;
    return text.len > 0;
}

static bool is(struct vel_slice text, const char *wanted)
{
    return vel_slice_equal(text, vel_slice_text(wanted));
}

/* ---- regular fields ---- */

static bool take_length(struct vel_slice value, struct vel_h3_facts *facts)
{
    return facts->length == VEL_H3_LENGTH_UNKNOWN &&
           vel_h1_number_parse(value, &facts->length) == VEL_OK &&
           facts->length != VEL_H3_LENGTH_UNKNOWN;
}

/* RFC 9114 4.2: fields that speak of a connection, which is not HTTP's here. */
static bool take_forbidden(struct vel_slice value, struct vel_h3_facts *facts)
{
    (void)value, (void)facts;
    return false;
}

static bool take_te(struct vel_slice value, struct vel_h3_facts *facts)
{
    (void)facts;
    return vel_h1_is(value, "trailers");
}

static bool take_priority(struct vel_slice value, struct vel_h3_facts *facts)
{
    vel_h3_priority_parse(value, &facts->priority);
    return true;
}

/* RFC 9110 7.2: once, as in HTTP/1.1 (RFC 9112 3.2): of two, who comes next might follow the other. */
static bool take_host(struct vel_slice value, struct vel_h3_facts *facts)
{
    bool first = !facts->host;
    facts->host = true;
    return first && all_are(value, AUTHORITY);
}

#define NAMED(text, take) {{(const uint8_t *)(text), sizeof(text) - 1}, take}

static const struct {
    struct vel_slice name;
    bool (*take)(struct vel_slice value, struct vel_h3_facts *facts);
} known[] = {
    NAMED("content-length", take_length),
    NAMED("priority", take_priority),
    NAMED("host", take_host),
    NAMED("te", take_te),
    NAMED("connection", take_forbidden),
    NAMED("keep-alive", take_forbidden),
    NAMED("proxy-connection", take_forbidden),
    NAMED("transfer-encoding", take_forbidden),
    NAMED("upgrade", take_forbidden),
};

#undef NAMED

static bool regular_ok(struct vel_fields fields, struct vel_h3_facts *facts)
{
    for (size_t i = 0; i < fields.count; i++) {
        const struct vel_field *field = &fields.items[i];
        if (!all_are(field->name, NAME) || !is_value(field->value))
            return false;
        for (size_t k = 0; k < VEL_COUNT(known); k++)
            if (vel_slice_equal(field->name, known[k].name) && !known[k].take(field->value, facts))
                return false;
    }
    return true;
}

bool vel_h3_trailers_ok(struct vel_fields fields)
{
    struct vel_h3_facts ignored = {.length = VEL_H3_LENGTH_UNKNOWN};
    return regular_ok(fields, &ignored);
}

/* ---- pseudo-header fields ---- */

enum { METHOD, SCHEME_OF, AUTHORITY_OF, PATH, PROTOCOL, REQUEST_NAMES };

#define TEXT(text) {(const uint8_t *)(text), sizeof(text) - 1}

static const struct vel_slice request_names[REQUEST_NAMES] = {
    [METHOD] = TEXT(":method"), [SCHEME_OF] = TEXT(":scheme"),  [AUTHORITY_OF] = TEXT(":authority"),
    [PATH] = TEXT(":path"),     [PROTOCOL] = TEXT(":protocol"),
};

static const struct vel_slice response_names[] = {TEXT(":status")};

#undef TEXT

/* Those that begin the section, each once, by name. `rest` is what follows them. False: one comes
 * twice, or is none of these. */
static bool split(struct vel_fields fields, const struct vel_slice *names, size_t count,
                  const struct vel_slice **found, struct vel_fields *rest)
{
    while (fields.count > 0 && fields.items->name.len > 0 && fields.items->name.ptr[0] == ':') {
        size_t i = 0;
        while (i < count && !vel_slice_equal(fields.items->name, names[i]))
            i++;
        if (i == count || found[i] != NULL)
            return false;
        found[i] = &fields.items->value;
        fields.items++;
        fields.count--;
    }
    *rest = fields;
    return true;
}

/* RFC 9114 4.3.1: a URI of http or https names its host, in one way or in two that agree. */
static bool authority_ok(const struct vel_slice *authority, struct vel_fields rest)
{
    const struct vel_slice *host = vel_fields_find(rest, "host");
    if (authority == NULL)
        return host != NULL && host->len > 0;
    return all_are(*authority, AUTHORITY) && (host == NULL || vel_slice_equal(*host, *authority));
}

/* Without a fragment, which is never sent (RFC 9110 4.2.5). */
static bool path_ok(struct vel_slice path, bool options)
{
    return is_visible(path) && memchr(path.ptr, '#', path.len) == NULL &&
           (path.ptr[0] == '/' || (options && is(path, "*")));
}

/* RFC 9114 4.4: only whom to connect to. */
static bool connect_ok(const struct vel_slice *const *found, struct vel_fields rest)
{
    return found[SCHEME_OF] == NULL && found[PATH] == NULL && found[AUTHORITY_OF] != NULL &&
           authority_ok(found[AUTHORITY_OF], rest);
}

bool vel_h3_request_ok(struct vel_fields fields, struct vel_h3_facts *facts)
{
    const struct vel_slice *found[REQUEST_NAMES] = {NULL};
    struct vel_fields rest;
    if (!split(fields, request_names, REQUEST_NAMES, found, &rest) || found[METHOD] == NULL ||
        !all_are(*found[METHOD], TOKEN) || !regular_ok(rest, facts))
        return false;
    bool connect = is(*found[METHOD], "CONNECT");
    if (found[PROTOCOL] != NULL && !(connect && all_are(*found[PROTOCOL], TOKEN)))
        return false;
    if (connect && found[PROTOCOL] == NULL)
        return connect_ok(found, rest);
    if (found[SCHEME_OF] == NULL || found[PATH] == NULL || !all_are(*found[SCHEME_OF], SCHEME))
        return false;
    bool http = vel_h1_is(*found[SCHEME_OF], "https") || vel_h1_is(*found[SCHEME_OF], "http");
    if (!http)
        return is_value(*found[PATH]) &&
               (found[AUTHORITY_OF] == NULL || all_are(*found[AUTHORITY_OF], AUTHORITY));
    return path_ok(*found[PATH], is(*found[METHOD], "OPTIONS")) &&
           authority_ok(found[AUTHORITY_OF], rest);
}

bool vel_h3_response_ok(struct vel_fields fields, struct vel_h3_facts *facts)
{
    const struct vel_slice *status = NULL;
    struct vel_fields rest;
    uint64_t number;
    if (!split(fields, response_names, VEL_COUNT(response_names), &status, &rest) ||
        status == NULL || status->len != 3 || vel_h1_number_parse(*status, &number) != VEL_OK ||
        number < 100 || number == 101) /* RFC 9114 4.5 */
        return false;
    facts->status = (unsigned)number;
    return regular_ok(rest, facts);
}
