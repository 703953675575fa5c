/* SPDX-License-Identifier: MIT */
#include "sys/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"

enum { PORT_DIGITS = 5, PORT_MAX = 65535 };

static vel_result parse_port(const char *text, uint16_t *port)
{
    unsigned long value = 0;
    size_t digits = strspn(text, "0123456789");
    REQUIRE(digits > 0 && digits <= PORT_DIGITS && text[digits] == '\0', VEL_ERR_MALFORMED);
    for (const char *c = text; *c != '\0'; c++)
        value = value * 10 + (unsigned long)(*c - '0');
    REQUIRE(value <= PORT_MAX, VEL_ERR_MALFORMED);
    *port = (uint16_t)value;
    return VEL_OK;
}

/* Copy [text, text + length) as a string. */
static vel_result cut(const char *text, size_t length, char *out, size_t size)
{
    REQUIRE(length < size, VEL_ERR_MALFORMED);
    memcpy(out, text, length);
    out[length] = '\0';
    return VEL_OK;
}

/* An interface, by name or by index. */
static vel_result parse_scope(const char *text, uint32_t *scope)
{
    char *end;
    unsigned long index = if_nametoindex(text);
    if (index == 0) {
        index = strtoul(text, &end, 10);
        REQUIRE(*end == '\0' && index <= UINT32_MAX, VEL_ERR_MALFORMED);
    }
    REQUIRE(index != 0, VEL_ERR_MALFORMED);
    *scope = (uint32_t)index;
    return VEL_OK;
}

static vel_result parse_ip6(char *text, uint16_t port, struct vel_addr *addr)
{
    struct in6_addr ip6;
    uint32_t scope = 0;
    char *percent = strchr(text, '%');
    if (percent != NULL) {
        *percent = '\0';
        TRY(parse_scope(percent + 1, &scope));
    }
    REQUIRE(inet_pton(AF_INET6, text, &ip6) == 1, VEL_ERR_MALFORMED);
    *addr = vel_addr_from_in6(&ip6, port, scope);
    return VEL_OK;
}

vel_result vel_addr_parse_ip(const char *text, uint16_t port, struct vel_addr *addr)
{
    struct vel_addr made = {.family = VEL_ADDR_IP4, .port = port};
    if (inet_pton(AF_INET, text, made.ip) == 1) {
        *addr = made;
        return VEL_OK;
    }
    char inner[VEL_ADDR_TEXT];
    size_t length = strlen(text);
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']')
        TRY(cut(text + 1, length - 2, inner, sizeof inner));
    else
        TRY(cut(text, length, inner, sizeof inner));
    return parse_ip6(inner, port, addr);
}

vel_result vel_addr_parse(const char *text, struct vel_addr *addr)
{
    char host[VEL_ADDR_TEXT];
    uint16_t port;
    const char *colon = strrchr(text, ':');
    REQUIRE(colon != NULL && colon != text, VEL_ERR_MALFORMED);
    /* Without brackets the last group of an IPv6 address would read as a port. */
    REQUIRE(text[0] == '[' ? colon[-1] == ']' : strchr(text, ':') == colon, VEL_ERR_MALFORMED);
    TRY(parse_port(colon + 1, &port));
    TRY(cut(text, (size_t)(colon - text), host, sizeof host));
    return vel_addr_parse_ip(host, port, addr);
}

const char *vel_addr_text(const struct vel_addr *addr, char *text)
{
    char ip[INET6_ADDRSTRLEN] = "";
    char scope[16] = "";
    switch (addr->family) {
    case VEL_ADDR_IP4:
        inet_ntop(AF_INET, addr->ip, ip, sizeof ip);
        snprintf(text, VEL_ADDR_TEXT, "%s:%u", ip, addr->port);
        break;
    case VEL_ADDR_IP6:
        inet_ntop(AF_INET6, addr->ip, ip, sizeof ip);
        if (addr->scope != 0)
            snprintf(scope, sizeof scope, "%%%u", addr->scope);
        snprintf(text, VEL_ADDR_TEXT, "[%s%s]:%u", ip, scope, addr->port);
        break;
    default:
        snprintf(text, VEL_ADDR_TEXT, "%s", addr->family == VEL_ADDR_MEMORY ? "memory" : "none");
        break;
    }
    return text;
}

bool vel_addr_is_wildcard(const struct vel_addr *addr)
{
    static const uint8_t zero[sizeof addr->ip];
    return memcmp(addr->ip, zero, sizeof zero) == 0;
}

/* "localhost" and the names under it are this machine, whatever files and name servers say (RFC 6761
 * 6.3). */
static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t length = strlen(host), own = sizeof name - 1;
    length -= length > 0 && host[length - 1] == '.';
    if (length < own || strncasecmp(host + length - own, name, own) != 0)
        return false;
    return length == own || host[length - own - 1] == '.';
}

vel_result vel_resolve(const char *host, uint16_t port, struct vel_addr *addrs, size_t *count)
{
    if (vel_addr_parse_ip(host, port, &addrs[0]) == VEL_OK) {
        *count = 1;
        return VEL_OK;
    }
    if (is_localhost(host)) {
        *count = 2;
        addrs[0] = (struct vel_addr){.family = VEL_ADDR_IP6, .port = port, .ip = {[15] = 1}};
        addrs[1] = (struct vel_addr){.family = VEL_ADDR_IP4, .port = port, .ip = {127, 0, 0, 1}};
        return VEL_OK;
    }
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    int status = getaddrinfo(host, NULL, &hints, &found);
    REQUIRE(status != EAI_AGAIN, VEL_ERR_AGAIN);
    REQUIRE(status == 0, VEL_ERR_NOT_FOUND);

    size_t taken = 0;
    for (const struct addrinfo *at = found; at != NULL && taken < VEL_RESOLVE_MAX;
         at = at->ai_next) {
        struct sockaddr_storage storage = {0};
        memcpy(&storage, at->ai_addr, at->ai_addrlen);
        struct vel_addr addr = vel_addr_from_system(&storage);
        addr.port = port;
        if (addr.family != VEL_ADDR_NONE)
            addrs[taken++] = addr;
    }
    freeaddrinfo(found);
    REQUIRE(taken > 0, VEL_ERR_NOT_FOUND);
    *count = taken;
    return VEL_OK;
}

socklen_t vel_addr_to_system(const struct vel_addr *addr, bool mapped, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (addr->family == VEL_ADDR_IP4 && !mapped) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(addr->port);
        memcpy(&in->sin_addr, addr->ip, sizeof in->sin_addr);
        return sizeof *in;
    }
    if (addr->family != VEL_ADDR_IP4 && addr->family != VEL_ADDR_IP6)
        return 0;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(addr->port);
    in6->sin6_scope_id = addr->scope;
    if (addr->family == VEL_ADDR_IP6) {
        memcpy(&in6->sin6_addr, addr->ip, sizeof in6->sin6_addr);
    } else {
        in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
        memcpy(&in6->sin6_addr.s6_addr[12], addr->ip, 4);
    }
    return sizeof *in6;
}

struct vel_addr vel_addr_from_in6(const struct in6_addr *ip, uint16_t port, uint32_t scope)
{
    struct vel_addr addr = {.family = VEL_ADDR_IP6, .port = port, .scope = scope};
    if (IN6_IS_ADDR_V4MAPPED(ip)) {
        addr.family = VEL_ADDR_IP4;
        addr.scope = 0;
        memcpy(addr.ip, &ip->s6_addr[12], 4);
    } else {
        memcpy(addr.ip, ip->s6_addr, sizeof addr.ip);
    }
    return addr;
}

struct vel_addr vel_addr_from_system(const struct sockaddr_storage *from)
{
    struct vel_addr addr = {.family = VEL_ADDR_NONE};
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)from;
        addr.family = VEL_ADDR_IP4;
        addr.port = ntohs(in->sin_port);
        memcpy(addr.ip, &in->sin_addr, sizeof in->sin_addr);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
        addr = vel_addr_from_in6(&in6->sin6_addr, ntohs(in6->sin6_port), in6->sin6_scope_id);
    }
    return addr;
}
