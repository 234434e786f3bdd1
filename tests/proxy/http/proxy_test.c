/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "proxy/http/proxy.h"

#include <arpa/inet.h>
#include <string.h>

#define SIGN "\r\n\r\n\0\r\nQUIT\n"

struct made {
    char bytes[600];
    size_t n;
};

static struct made
make(unsigned version_command, unsigned family, size_t body)
{
    struct made m = {.n = PROXY_HEAD + body};

    memcpy(m.bytes, SIGN, sizeof(SIGN) - 1);
    m.bytes[12] = (char)version_command;
    m.bytes[13] = (char)family;
    m.bytes[14] = (char)(body >> 8);
    m.bytes[15] = (char)(body & 255);
    for (size_t i = 0; i < body; i++)
        m.bytes[PROXY_HEAD + i] = (char)(i + 1);
    return m;
}

static bool
reads(const struct made *m, enum proxy_says *says, struct sockaddr_storage *to)
{
    span s = span_of(m->bytes, m->n);

    return proxy_length(s) == m->n && proxy_read(s, says, to);
}

TEST(each_family_is_read_at_its_least_length_and_not_one_under)
{
    static const struct {
        unsigned family;
        size_t least;
        int is;
    } cases[] = {
        {0x11, 12, AF_INET}, {0x21, 36, AF_INET6}, {0x31, 216, AF_UNIX}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sockaddr_storage from = {0};
        enum proxy_says says = PROXY_CLIENT;
        struct made m = make(0x21, cases[i].family, cases[i].least);

        assert_true(reads(&m, &says, &from));
        assert_int_equal(says, PROXY_CLIENT);
        assert_int_equal(from.ss_family, cases[i].is);
        m = make(0x21, cases[i].family, cases[i].least - 1);
        assert_false(reads(&m, &says, &from));
    }
}

TEST(the_source_is_the_first_address)
{
    struct made m = make(0x21, 0x11, 12);
    struct sockaddr_storage from = {0};
    enum proxy_says says = PROXY_CLIENT;
    char text[INET_ADDRSTRLEN] = "";

    assert_true(reads(&m, &says, &from));
    struct sockaddr_in v4 = {0};
    memcpy(&v4, &from, sizeof(v4));
    assert_string_equal(inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text)),
                        "1.2.3.4");
    assert_int_equal(ntohs(v4.sin_port), 9 << 8 | 10);
}

TEST(a_proxy_that_speaks_for_itself_tells_no_client)
{
    static const struct {
        unsigned command, family;
        size_t body;
        bool good;
    } cases[] = {
        {0x20, 0x00, 0, true},    {0x20, 0x11, 12, true},
        {0x20, 0x99, 5, true},    {0x21, 0x00, 0, true},
        {0x21, 0x00, 9, true},    {0x22, 0x11, 12, false},
        {0x2f, 0x11, 12, false},  {0x21, 0x10, 12, false},
        {0x21, 0x01, 12, false},  {0x21, 0x12, 12, false},
        {0x21, 0x41, 300, false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct made m = make(cases[i].command, cases[i].family, cases[i].body);
        struct sockaddr_storage from;
        enum proxy_says says = PROXY_OWN;

        assert_int_equal(reads(&m, &says, &from), cases[i].good);
        assert_true(!cases[i].good || says == PROXY_OWN);
    }
}

TEST(another_version_another_beginning_and_too_long_are_none)
{
    struct made m = make(0x11, 0x11, 12);

    assert_int_equal(proxy_length(span_of(m.bytes, m.n)), 0);
    m = make(0x21, 0x11, 12);
    assert_int_equal(proxy_length(span_of(m.bytes, PROXY_HEAD - 1)), 0);
    assert_int_equal(proxy_length(span_of(m.bytes, PROXY_HEAD)), m.n);
    for (size_t i = 0; i < 12; i++) {
        struct made bad = m;

        bad.bytes[i] ^= 1;
        assert_int_equal(proxy_length(span_of(bad.bytes, bad.n)), 0);
    }
    size_t most = PROXY_MAX - PROXY_HEAD;
    m.bytes[14] = (char)(most >> 8);
    m.bytes[15] = (char)(most & 255);
    assert_int_equal(proxy_length(span_of(m.bytes, m.n)), PROXY_MAX);
    m.bytes[15]++;
    assert_int_equal(proxy_length(span_of(m.bytes, m.n)), 0);
}
