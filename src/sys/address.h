/* SPDX-License-Identifier: MIT */
#ifndef SYS_ADDRESS_H
#define SYS_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "velocity/addr.h"
#include "velocity/err.h"

/*
 * Addresses between text, names, the operating system and struct vel_addr.
 */

/* "[ffff:...:255.255.255.255%4294967295]:65535" and its NUL fit. */
enum { VEL_ADDR_TEXT = 72, VEL_RESOLVE_MAX = 16 };

/* "192.0.2.1:4433" or "[2001:db8::1]:4433", brackets required for IPv6.
 * VEL_ERR_MALFORMED  anything else; *addr untouched */
vel_result vel_addr_parse(const char *text, struct vel_addr *addr);

/* An IP literal without a port, IPv6 with or without brackets; the port comes as an argument.
 * VEL_ERR_MALFORMED  not a literal (it may be a name); *addr untouched */
vel_result vel_addr_parse_ip(const char *text, uint16_t port, struct vel_addr *addr);

/* The form that vel_addr_parse reads. Returns `text`, of VEL_ADDR_TEXT bytes. */
const char *vel_addr_text(const struct vel_addr *addr, char *text);

/* The wildcard address of its family: receives on every address of the machine. */
bool vel_addr_is_wildcard(const struct vel_addr *addr);

/*
 * Addresses of a host name or literal, in the system's order of preference. Blocks: it may ask DNS
 * servers. "localhost" and names under it are ::1 and 127.0.0.1 without asking anybody.
 * addrs  room for VEL_RESOLVE_MAX; *count of them are filled
 * VEL_ERR_NOT_FOUND  the name has no address
 * VEL_ERR_AGAIN      the resolver did not answer: a later try may work
 */
vel_result vel_resolve(const char *host, uint16_t port, struct vel_addr *addrs, size_t *count);

/* The system's form. With `mapped`, IPv4 becomes ::ffff:a.b.c.d for an IPv6 socket. Returns the
 * length, 0 for a family that it has not. */
socklen_t vel_addr_to_system(const struct vel_addr *addr, bool mapped,
                             struct sockaddr_storage *out);

/* The reverse: ::ffff:a.b.c.d becomes IPv4. Other families give VEL_ADDR_NONE. */
struct vel_addr vel_addr_from_system(const struct sockaddr_storage *from);

/* From the bytes of an IPv6 address, mapped ones as IPv4. */
struct vel_addr vel_addr_from_in6(const struct in6_addr *ip, uint16_t port, uint32_t scope);

#endif
