/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/proxy.h"

#include <sys/socket.h>

#define SIGNATURE     "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_LEN (sizeof(SIGNATURE) - 1)

#define V4_BYTES   12u /* two addresses and two ports */
#define V6_BYTES   36u
#define UNIX_BYTES 216u

static unsigned
byte(span s, size_t i)
{
    return (unsigned char)s.at[i];
}

size_t
proxy_length(span head)
{
    if (head.len < PROXY_HEAD ||
        memcmp(head.at, SIGNATURE, SIGNATURE_LEN) != 0 ||
        byte(head, 12) >> 4 != 2)
        return 0;
    size_t all = PROXY_HEAD + (byte(head, 14) << 8 | byte(head, 15));
    return all <= PROXY_MAX ? all : 0;
}

static bool
read_v4(span address, struct sockaddr_storage *from)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)from;

    if (address.len < V4_BYTES)
        return false;
    v4->sin_family = AF_INET;
    memcpy(&v4->sin_addr, address.at, 4);
    memcpy(&v4->sin_port, address.at + 8, 2);
    return true;
}

static bool
read_v6(span address, struct sockaddr_storage *from)
{
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)from;

    if (address.len < V6_BYTES)
        return false;
    v6->sin6_family = AF_INET6;
    memcpy(&v6->sin6_addr, address.at, 16);
    memcpy(&v6->sin6_port, address.at + 32, 2);
    return true;
}

bool
proxy_read(span whole, enum proxy_says *says, struct sockaddr_storage *from)
{
    span address = span_skip(whole, PROXY_HEAD);
    unsigned command = byte(whole, 12) & 15, family = byte(whole, 13) >> 4,
             transport = byte(whole, 13) & 15;

    *from = (struct sockaddr_storage){0};
    *says = PROXY_OWN;
    if (command == 0) /* LOCAL: whatever follows is not looked at */
        return true;
    if (command != 1)
        return false;
    if (family == 0 || transport == 0)
        return family == 0 && transport == 0;
    if (transport != 1) /* STREAM */
        return false;
    *says = PROXY_CLIENT;
    switch (family) {
    case 1:
        return read_v4(address, from);
    case 2:
        return read_v6(address, from);
    case 3:
        from->ss_family = AF_UNIX;
        return address.len >= UNIX_BYTES;
    default:
        return false;
    }
}
