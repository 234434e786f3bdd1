/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/http/transcript.h"
#include "tests/test.h"

#define ANSWER .role = H1_ANSWERS
#define CHECK(cases)                                                           \
    check_cases(&(struct transcript){ANSWER}, (cases), COUNT(cases))

TEST(an_answer_is_read_into_what_it_means)
{
    static const struct h1_case cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
         "200 sized 3 [] | body abc | end"},
        {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 sized 0 [] | end"},
        {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 sized 0 [] | end"},
        {"HTTP/1.1 404 N\xc3\xb6t here\r\nContent-Length: 0\r\n\r\n",
         "404 sized 0 [] | end"},
        {"HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", "204 none [] | end"},
        {"HTTP/1.1 304 x\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\n",
         "304 none 5 [ETag: \"a\"] | end"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: "
         "X\r\n\r\n1\r\na\r\n0\r\n"
         "X: 1\r\n\r\n",
         "200 chunked [Trailer: X] | body a | trailers [X: 1] | end"},
        {"HTTP/1.1 200 OK\r\nConnection: close, x\r\nX: 1\r\nContent-Length: "
         "0\r\n\r\n",
         "200 sized 0 close [] | end"},
        {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
         "200 sized 1 close [] | body a | end"},
        {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: "
         "keep-alive\r\n\r\na",
         "200 sized 1 [] | body a | end"},
        {"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: "
         "0\r\n\r\n",
         "200 sized 0 [Set-Cookie: a; Set-Cookie: b] | end"},
    };

    CHECK(cases);
}

TEST(an_answer_without_length_ends_with_its_connection)
{
    static const struct h1_case cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\nabc",
         "200 until-close close [] | body abc | end"},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n",
         "200 until-close close [] | end"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc",
         "200 sized 4 [] | body abc | FAULT_CUT_SHORT"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
         "200 chunked [] | body abc | FAULT_CUT_SHORT"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
         "chunked\r\n\r\n3\r\nabc\r\n0\r\n",
         "200 chunked [] | body abc | FAULT_CUT_SHORT"},
        {"HTTP/1.1 103 x\r\n\r\n", "interim 103 none [] | FAULT_CUT_SHORT"},
        {"HTTP/1.1 20", "FAULT_CUT_SHORT"},
        {"", ""},
    };

    check_cases(&(struct transcript){ANSWER, .eof = true}, cases, COUNT(cases));
}

TEST(the_answer_to_head_has_a_length_and_no_body)
{
    static const struct h1_case cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200 none 5 [] | end"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
         "200 none [] | end"},
        {"HTTP/1.1 200 OK\r\n\r\n", "200 none [] | end"},
        {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "FAULT_LENGTH"},
    };

    check_cases(&(struct transcript){ANSWER, .asked = METHOD_HEAD}, cases,
                COUNT(cases));
}

TEST(interim_answers_come_before_the_final_one_and_not_without_end)
{
#define HINT "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
#define SAYS "interim 103 none [Link: </a>] | "
    static const struct h1_case cases[] = {
        {HINT "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
              "0\r\n\r\n",
         SAYS "interim 100 none [] | 200 sized 0 [] | end"},
        {HINT HINT HINT HINT HINT HINT HINT HINT "HTTP/1.1 204 x\r\n\r\n",
         SAYS SAYS SAYS SAYS SAYS SAYS SAYS SAYS "204 none [] | end"},
        {HINT HINT HINT HINT HINT HINT HINT HINT HINT,
         SAYS SAYS SAYS SAYS SAYS SAYS SAYS SAYS "FAULT_INTERIM_MANY"},
    };

    CHECK(cases);
}

TEST(protocols_are_switched_only_when_asked)
{
    static const struct h1_case asked[] = {
        {"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
         "101 none upgrade=websocket [] | end"},
        {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", "FAULT_SWITCHED"},
        {"HTTP/1.0 101 x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
         "FAULT_SWITCHED"},
    };
    static const struct h1_case unasked[] = {
        {"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: "
         "websocket\r\n\r\nbytes",
         "FAULT_SWITCHED"},
    };

    check_cases(&(struct transcript){ANSWER, .switch_asked = true}, asked,
                COUNT(asked));
    CHECK(unasked);
}

TEST(a_broken_answer_is_refused)
{
    static const struct h1_case cases[] = {
        {"garbage", "FAULT_START_LINE"},
        {"Http/1.1 200 OK\r\n\r\n", "FAULT_START_LINE"},
        {"\r\nHTTP/1.1 200 OK\r\n\r\n", "FAULT_START_LINE"},
        {"HTTP/2.0 200 OK\r\n\r\n", "FAULT_VERSION"},
        {"HTTP/1.1  200 OK\r\n\r\n", "FAULT_STATUS"},
        {"HTTP/1.1 2000 OK\r\n\r\n", "FAULT_STATUS"},
        {"HTTP/1.1 099 OK\r\n\r\n", "FAULT_STATUS"},
        {"HTTP/1.1 600 OK\r\n\r\n", "FAULT_STATUS"},
        {"HTTP/1.1 20 OK\r\n\r\n", "FAULT_STATUS"},
        {"HTTP/1.1 2x0 OK\r\n\r\n", "FAULT_STATUS"},
        {"HTTP/1.1 -20 OK\r\n\r\n", "FAULT_STATUS"},
        {"HTTP/1.1\r\n\r\n", "FAULT_STATUS"},
        {"HTTP/1.1 200 O\x01K\r\n\r\n", "FAULT_START_LINE"},
        {"HTTP/1.1 200 OK\n\r\n", "FAULT_LINE_END"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n", "FAULT_LENGTH"},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "FAULT_LENGTH"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
         "FAULT_LENGTH_REPEATED"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "FAULT_CODING"},
        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
         "FAULT_CODING_OLD"},
        {"HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\n", "FAULT_FIELD_FOLDED"},
        {"HTTP/1.1 200 OK\r\nX: \x02\r\n\r\n", "FAULT_FIELD_VALUE"},
        {"HTTP/1.1 200 OK\r\nConnection: content-length\r\n\r\n",
         "FAULT_CONNECTION"},
        {"HTTP/1.1 204 x\r\nContent-Length: 1, 2\r\n\r\n", "FAULT_LENGTH"},
    };

    CHECK(cases);
}
