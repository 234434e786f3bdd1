/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/http/transcript.h"
#include "tests/test.h"

#define CHECK(cases) check_cases(&(struct transcript){0}, (cases), COUNT(cases))
#define CHECK_EOF(cases)                                                       \
    check_cases(&(struct transcript){.eof = true}, (cases), COUNT(cases))

#define HOST          "Host: a\r\n"
#define GET(fields)   "GET / HTTP/1.1\r\n" HOST fields "\r\n"
#define POST(fields)  "POST / HTTP/1.1\r\n" HOST fields "\r\n"
#define CHUNKED(body) POST("Transfer-Encoding: chunked\r\n") body
#define GOT_CHUNKED   "POST / host=a chunked []"

TEST(a_request_is_read_into_what_it_means)
{
    static const struct h1_case cases[] = {
        {GET(""), "GET / host=a none [] | end"},
        {"GET /a%20b?c=d&e HTTP/1.1\r\nHost: A.b:8080\r\nX-One:  1 "
         "\r\ncookie:\tz\t\r\n\r\n",
         "GET /a%20b?c=d&e host=a.b:8080 none [X-One: 1; cookie: z] | end"},
        {"GET /? HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
         "GET /? host=[::1]:80 none [] | end"},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
         "OPTIONS * host=a none [] | end"},
        {"PURGE /x HTTP/1.1\r\nHost: a\r\n\r\n",
         "PURGE /x host=a none [] | end"},
        {"\r\n" GET(""), "GET / host=a none [] | end"},
        {GET("X:\r\n"), "GET / host=a none [X: ] | end"},
        {GET("X: \xc3\xa4\tb\r\n"), "GET / host=a none [X: \xc3\xa4\tb] | end"},
        {POST("Content-Length: 3\r\n") "abc",
         "POST / host=a sized 3 [] | body abc | end"},
        {POST("Content-Length: 0\r\n"), "POST / host=a sized 0 [] | end"},
        {POST("content-length: 003\r\n") "abc",
         "POST / host=a sized 3 [] | body abc | end"},
        {POST("Content-Length: 3\r\nExpect: 100-Continue\r\n") "abc",
         "POST / host=a expects sized 3 [] | body abc | end"},
        {POST("Content-Length: 0\r\nExpect: 100-continue\r\n"),
         "POST / host=a sized 0 [] | end"},
        {GET("TE: gzip;q=0.5, trailers\r\n"), "GET / host=a te none [] | end"},
    };

    CHECK(cases);
}

TEST(an_absolute_target_replaces_host_and_must_agree_with_it)
{
    static const struct h1_case cases[] = {
        {"GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n",
         "GET /b?c host=a none [] | end"},
        {"GET HTTP://A:81 HTTP/1.1\r\nHost: a:81\r\n\r\n",
         "GET / host=a:81 none [] | end"},
        {"GET https://a?x HTTP/1.1\r\nHost: a\r\n\r\n",
         "GET /?x host=a none [] | end"},
        {"OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n",
         "OPTIONS * host=a none [] | end"},
        {"GET http://a/ HTTP/1.0\r\n\r\n",
         "GET / host=a 1.0 none close [] | end"},
        {"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", "FAULT_HOST_DIFFERS"},
        {"GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", "FAULT_HOST_DIFFERS"},
        {"GET http://a/ HTTP/1.1\r\n\r\n", "FAULT_HOST_MISSING"},
        {"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "FAULT_TARGET"},
        {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "FAULT_TARGET"},
        {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "FAULT_TARGET"},
        {"GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", "FAULT_TARGET"},
    };

    CHECK(cases);
}

TEST(http_1_0_closes_unless_it_says_keep_alive)
{
    static const struct h1_case cases[] = {
        {"GET / HTTP/1.0\r\n\r\n", "GET / host= 1.0 none close [] | end"},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\nHost: a\r\n\r\n",
         "GET / host=a 1.0 none [] | end"},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
         "GET / host= 1.0 none close [] | end"},
        {"POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: other\r\n\r\nab",
         "POST / host= 1.0 sized 2 close [] | body ab | end"},
        {GET("Connection: close\r\n"), "GET / host=a none close [] | end"},
        {GET("Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n"),
         "GET / host=a none [] | end"},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "FAULT_CODING_OLD"},
    };

    CHECK(cases);
}

TEST(a_malformed_start_line_is_refused)
{
    static const struct h1_case cases[] = {
        {"GET  / HTTP/1.1\r\n" HOST "\r\n", "FAULT_START_LINE"},
        {"GET /  HTTP/1.1\r\n" HOST "\r\n", "FAULT_START_LINE"},
        {"GET / HTTP/1.1 \r\n" HOST "\r\n", "FAULT_START_LINE"},
        {"GET /\tHTTP/1.1\r\n" HOST "\r\n", "FAULT_START_LINE"},
        {"GET /\r\n\r\n", "FAULT_START_LINE"},
        {"GET\r\n\r\n", "FAULT_START_LINE"},
        {"GET / http/1.1\r\n" HOST "\r\n", "FAULT_START_LINE"},
        {"GET / HTTP/1.1x\r\n" HOST "\r\n", "FAULT_START_LINE"},
        {"GET / HTTP/1.10\r\n" HOST "\r\n", "FAULT_START_LINE"},
        {"GET / HTTP/1.2\r\n" HOST "\r\n", "FAULT_VERSION"},
        {"GET / HTTP/0.9\r\n" HOST "\r\n", "FAULT_VERSION"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "FAULT_VERSION"},
        {"GET / HTTP/3.0\r\n" HOST "\r\n", "FAULT_VERSION"},
        {"get / HTTP/1.1\r\n" HOST "\r\n", "FAULT_METHOD"},
        {"G(T / HTTP/1.1\r\n" HOST "\r\n", "FAULT_METHOD"},
        {" GET / HTTP/1.1\r\n" HOST "\r\n", "FAULT_METHOD"},
        {"\r\n\r\n" GET(""), "FAULT_METHOD"},
        {"\x16\x03\x01\x02", "FAULT_METHOD"},
        {"\n" GET(""), "FAULT_METHOD"},
        {"\rGET / HTTP/1.1\r\n", "FAULT_METHOD"},
        {"CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", "FAULT_METHOD_REFUSED"},
        {"TRACE / HTTP/1.1\r\n" HOST "\r\n", "FAULT_METHOD_REFUSED"},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n" HOST "\r\n",
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / host=a none [] | end"},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n" HOST "\r\n",
         "FAULT_METHOD_LONG"},
    };

    CHECK(cases);
}

TEST(a_malformed_target_is_refused)
{
    static const struct h1_case cases[] = {
        {"GET a HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
        {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
        {"GET /?a#b HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
        {"GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
        {"GET /?\xff HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
        {"GET /\x7f HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
        {"GET /\x01 HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
        {"GET /a\rb HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
        {"GET /%zz HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
        {"GET /%1 HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
        {"GET /a%00b HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
        {"GET * HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
        {"GET /?100% HTTP/1.1\r\n" HOST "\r\n",
         "GET /?100% host=a none [] | end"},
        {"GET /\xfe HTTP/1.1\r\n" HOST "\r\n", "FAULT_TARGET"},
    };

    CHECK(cases);
}

TEST(host_is_there_once_and_is_a_host)
{
    static const struct h1_case cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "FAULT_HOST_MISSING"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "FAULT_HOST_REPEATED"},
        {"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", "FAULT_HOST_REPEATED"},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: a:0\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: a:65535\r\n\r\n",
         "GET / host=a:65535 none [] | end"},
        {"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: a:+80\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: []\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: [::1%25eth0]\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: a#b\r\n\r\n", "FAULT_HOST"},
        {"GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", "FAULT_HOST"},
    };

    CHECK(cases);
}

TEST(a_field_line_that_could_be_read_two_ways_is_refused)
{
    static const struct h1_case cases[] = {
        {GET("X : 1\r\n"), "FAULT_FIELD_NAME"},
        {GET("X\t: 1\r\n"), "FAULT_FIELD_NAME"},
        {GET(": 1\r\n"), "FAULT_FIELD_NAME"},
        {GET("X\r\n"), "FAULT_FIELD_NAME"},
        {GET("X(: 1\r\n"), "FAULT_FIELD_NAME"},
        {GET("X\xc3: 1\r\n"), "FAULT_FIELD_NAME"},
        {GET("X\r: 1\r\n"), "FAULT_FIELD_NAME"},
        {GET("\rX: 1\r\n"), "FAULT_FIELD_NAME"},
        {GET("X: 1\r\n 2\r\n"), "FAULT_FIELD_FOLDED"},
        {GET("X: 1\r\n\t2\r\n"), "FAULT_FIELD_FOLDED"},
        {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "FAULT_FIELD_FOLDED"},
        {GET("X: 1\r2\r\n"), "FAULT_FIELD_VALUE"},
        {GET("X: 1\r\r\n"), "FAULT_FIELD_VALUE"},
        {GET("X: \x01\r\n"), "FAULT_FIELD_VALUE"},
        {GET("X: \x7f\r\n"), "FAULT_FIELD_VALUE"},
        {GET("X: abcdefgh\x1bijklmnop\r\n"), "FAULT_FIELD_VALUE"},
        {GET("X: 1\n"), "FAULT_LINE_END"},
        {"GET / HTTP/1.1\n" HOST "\r\n", "FAULT_LINE_END"},
        {GET("X: 1\r\n\n"), "FAULT_LINE_END"},
        {GET("Content_Length: 1\r\n"), "FAULT_FIELD_UNDERSCORE"},
        {GET("transfer_encoding: chunked\r\n"), "FAULT_FIELD_UNDERSCORE"},
        {GET("X_Forwarded-For: 1\r\n"), "FAULT_FIELD_UNDERSCORE"},
        {GET("X_Forwarded_Secret: 1\r\n"), "FAULT_FIELD_UNDERSCORE"},
        {GET("my_field: 1\r\n"), "GET / host=a none [my_field: 1] | end"},
        {GET("X: 1\xfe"
             "2\r\n"),
         "FAULT_FIELD_VALUE"},
        {GET("X\xfe: 1\r\n"), "FAULT_FIELD_NAME"},
    };

    CHECK(cases);
}

TEST(a_length_that_could_be_read_two_ways_is_refused)
{
    static const struct h1_case cases[] = {
        {POST("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n") "x",
         "FAULT_LENGTH_AND_CODING"},
        {POST("Content-Length: 1\r\nContent-Length: 1\r\n") "x",
         "FAULT_LENGTH_REPEATED"},
        {POST("Content-Length: 1\r\ncontent-length: 2\r\n") "x",
         "FAULT_LENGTH_REPEATED"},
        {POST("Content-Length: 1, 1\r\n") "x", "FAULT_LENGTH"},
        {POST("Content-Length: 1,\r\n") "x", "FAULT_LENGTH"},
        {POST("Content-Length: +1\r\n") "x", "FAULT_LENGTH"},
        {POST("Content-Length: -1\r\n") "x", "FAULT_LENGTH"},
        {POST("Content-Length: 0x1\r\n") "x", "FAULT_LENGTH"},
        {POST("Content-Length: 1 1\r\n") "x", "FAULT_LENGTH"},
        {POST("Content-Length:\r\n") "x", "FAULT_LENGTH"},
        {POST("Content-Length: 1.0\r\n") "x", "FAULT_LENGTH"},
        {POST("Content-Length: 9223372036854775808\r\n") "x", "FAULT_LENGTH"},
        {POST("Content-Length: 18446744073709551617\r\n") "x", "FAULT_LENGTH"},
        {POST("Transfer-Encoding: gzip\r\n"), "FAULT_CODING"},
        {POST("Transfer-Encoding: gzip, chunked\r\n"), "FAULT_CODING"},
        {POST("Transfer-Encoding: chunked, chunked\r\n"), "FAULT_CODING"},
        {POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
         "FAULT_CODING"},
        {POST("Transfer-Encoding: xchunked\r\n"), "FAULT_CODING"},
        {POST("Transfer-Encoding: chunked;a=b\r\n"), "FAULT_CODING"},
        {POST("Transfer-Encoding: identity\r\n"), "FAULT_CODING"},
        {POST("Transfer-Encoding: \"chunked\"\r\n"), "FAULT_CODING"},
        {POST("Transfer-Encoding: chunked,\r\n"), "FAULT_CODING"},
        {POST("Transfer-Encoding:\r\n"), "FAULT_CODING"},
        {POST("Transfer-Encoding: Chunked\r\n") "0\r\n\r\n",
         GOT_CHUNKED " | end"},
    };

    CHECK(cases);
}

TEST(connection_takes_what_it_names_and_may_not_name_all)
{
    static const struct h1_case cases[] = {
        {GET("X-A: 1\r\nConnection: x-a, close\r\nX-B: 2\r\nx-A: 3\r\n"),
         "GET / host=a none close [X-B: 2] | end"},
        {GET("Connection: ETag\r\nETag: 1\r\n"), "GET / host=a none [] | end"},
        {GET("Connection: nothing,, \r\n"), "GET / host=a none [] | end"},
        {GET("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: "
             "h2c\r\nHTTP2-Settings: x\r\n"),
         "GET / host=a none upgrade=h2c [] | end"},
        {GET("Upgrade: h2c\r\n"), "GET / host=a none [] | end"},
        {GET("Proxy-Connection: close\r\nTE: gzip\r\n"),
         "GET / host=a none [] | end"},
        {GET("Connection: Content-Length\r\n"), "FAULT_CONNECTION"},
        {GET("Connection: transfer-encoding\r\n"), "FAULT_CONNECTION"},
        {GET("Connection: close, Host\r\n"), "FAULT_CONNECTION"},
        {GET("Connection: Authorization\r\n"), "FAULT_CONNECTION"},
        {GET("Connection: Cookie\r\n"), "FAULT_CONNECTION"},
        {GET("Connection: X-Forwarded-For\r\n"), "FAULT_CONNECTION"},
        {GET("Connection: X-Forwarded-Client-Cert\r\n"), "FAULT_CONNECTION"},
        {GET("Connection: a b\r\n"), "FAULT_CONNECTION"},
        {GET("Connection: "
             "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
             "a\r\n"),
         "GET / host=a none [] | end"},
        {GET("Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\r\n"
             "Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\r\n"),
         "FAULT_CONNECTION_MANY"},
    };

    CHECK(cases);
}

TEST(an_expectation_but_100_continue_is_417)
{
    static const struct h1_case cases[] = {
        {POST("Expect: 200-ok\r\n"), "FAULT_EXPECT"},
        {POST("Expect: 100-continue, x\r\n"), "FAULT_EXPECT"},
        {POST("Expect: 100-continue\r\nExpect: x\r\n"), "FAULT_EXPECT"},
        {POST("Expect:\r\n"), "FAULT_EXPECT"},
    };

    CHECK(cases);
    assert_int_equal(fault_status(FAULT_EXPECT), 417);
}

TEST(chunks_are_read_and_their_extensions_dropped)
{
    static const struct h1_case cases[] = {
        {CHUNKED("3\r\nabc\r\n0\r\n\r\n"), GOT_CHUNKED " | body abc | end"},
        {CHUNKED("1\r\na\r\n00a\r\n0123456789\r\n0\r\n\r\n"),
         GOT_CHUNKED " | body a0123456789 | end"},
        {CHUNKED("A\r\n0123456789\r\n000\r\n\r\n"),
         GOT_CHUNKED " | body 0123456789 | end"},
        {CHUNKED("1;x=\"y;z\"\r\na\r\n0 ; q\r\n\r\n"),
         GOT_CHUNKED " | body a | end"},
        {CHUNKED("1;\ta=b\xff\r\na\r\n0\r\n\r\n"),
         GOT_CHUNKED " | body a | end"},
        {CHUNKED("0\r\n\r\n") GET(""),
         GOT_CHUNKED " | end | GET / host=a none [] | end"},
    };

    CHECK(cases);
}

TEST(a_malformed_chunk_is_refused)
{
    static const struct h1_case cases[] = {
        {CHUNKED("\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("g\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("0x3\r\nabc\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("+3\r\nabc\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED(" 3\r\nabc\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("3 \r\nabc\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("3 3\r\nabc\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("3\nabc\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("3\rabc\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("3;\r\nabc\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("3;=x\r\nabc\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("3;a\nabc\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("3;a\rb\r\nabc\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("3;a\x01\r\nabc\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("3\r\nabcd\r\n"), GOT_CHUNKED " | body abc | FAULT_CHUNK_END"},
        {CHUNKED("3\r\nabc\n0\r\n"),
         GOT_CHUNKED " | body abc | FAULT_CHUNK_END"},
        {CHUNKED("3\r\nabc\r0\r\n"),
         GOT_CHUNKED " | body abc | FAULT_CHUNK_END"},
        {CHUNKED("7fffffffffffffff\r\n"), GOT_CHUNKED},
        {CHUNKED("8000000000000000\r\n"), GOT_CHUNKED " | FAULT_CHUNK_SIZE"},
        {CHUNKED("0000000000000001\r\na\r\n0\r\n\r\n"),
         GOT_CHUNKED " | body a | end"},
        {CHUNKED("00000000000000001\r\na\r\n"),
         GOT_CHUNKED " | FAULT_CHUNK_DIGITS"},
    };

    CHECK(cases);
}

TEST(trailers_are_read_and_what_may_not_be_in_them_dropped)
{
    static const struct h1_case cases[] = {
        {CHUNKED("0\r\nX-Sum: 1\r\nETag: 2\r\n\r\n"),
         GOT_CHUNKED " | trailers [X-Sum: 1; ETag: 2] | end"},
        {CHUNKED("0\r\nContent-Length: 1\r\nHost: b\r\nTransfer-Encoding: x\r\n"
                 "Authorization: x\r\nCookie: x\r\nX-Forwarded-Any: "
                 "x\r\nConnection: a\r\n\r\n"),
         GOT_CHUNKED " | end"},
        {CHUNKED("0\r\nX : 1\r\n\r\n"), GOT_CHUNKED " | FAULT_FIELD_NAME"},
        {CHUNKED("0\r\nX: 1\n\r\n"), GOT_CHUNKED " | FAULT_LINE_END"},
        {CHUNKED("0\r\nX: \x01\r\n\r\n"), GOT_CHUNKED " | FAULT_FIELD_VALUE"},
        {CHUNKED("0\r\n X: 1\r\n\r\n"), GOT_CHUNKED " | FAULT_FIELD_FOLDED"},
        {CHUNKED("0\r\nHost_: 1\r\nContent_Length: 1\r\n\r\n"),
         GOT_CHUNKED " | FAULT_FIELD_UNDERSCORE"},
        {CHUNKED("0\r\n\n"), GOT_CHUNKED " | FAULT_LINE_END"},
    };

    CHECK(cases);
}

TEST(pipelined_requests_come_one_after_the_other_and_a_fault_drops_the_rest)
{
    static const struct h1_case cases[] = {
        {GET("") POST("Content-Length: 1\r\n") "x\r\n" GET(""),
         "GET / host=a none [] | end | POST / host=a sized 1 [] | body x | end "
         "| "
         "GET / host=a none [] | end"},
        {GET("") "GET / HTTP/1.1\r\n\r\n" GET(""),
         "GET / host=a none [] | end | FAULT_HOST_MISSING"},
    };

    CHECK(cases);
}

TEST(a_connection_that_ends_inside_a_request_cut_it_short)
{
    static const struct h1_case cases[] = {
        {"G", "FAULT_CUT_SHORT"},
        {"GET / HTTP/1.1\r\n" HOST, "FAULT_CUT_SHORT"},
        {POST("Content-Length: 2\r\n") "x",
         "POST / host=a sized 2 [] | body x | FAULT_CUT_SHORT"},
        {CHUNKED("1\r\na\r\n"), GOT_CHUNKED " | body a | FAULT_CUT_SHORT"},
        {CHUNKED("1\r\na\r\n0\r\n"), GOT_CHUNKED " | body a | FAULT_CUT_SHORT"},
        {"\r\n", ""},
    };

    CHECK_EOF(cases);
}

static const struct h1_limits tight = {
    .start_line_bytes = 20,
    .line_bytes = 10,
    .head_bytes = 55,
    .fields_n = 3,
    .chunk_line_bytes = 8,
    .chunk_ext_bytes = 12,
    .chunk_digits = 5,
    .trailer_bytes = 16,
    .trailer_fields_n = 2,
};

#define SHORT "POST / HTTP/1.1\r\nHost: a\r\n"

TEST(every_limit_lets_its_own_value_through_and_not_one_more)
{
    static const struct h1_case cases[] = {
        {"GET /123456 HTTP/1.1\r\nHost: a\r\n\r\n",
         "GET /123456 host=a none [] | end"},
        {"GET /1234567 HTTP/1.1\r\nHost: a\r\n\r\n", "FAULT_START_LINE_LONG"},
        {"GET /12345678901234567", "FAULT_START_LINE_LONG"},
        {SHORT "X: 4567890\r\n\r\n", "POST / host=a none [X: 4567890] | end"},
        {SHORT "X: 45678901\r\n\r\n", "FAULT_LINE_LONG"},
        {SHORT "X: 456789012", "FAULT_LINE_LONG"},
        {SHORT "A: 4567\r\nB: 45678901\r\n", "FAULT_LINE_LONG"},
        {SHORT "A: 4567890\r\nB: 45678901\r\n", "FAULT_LINE_LONG"},
        {"POST / HTTP/1.1\r\nHost: abcd\r\nA: 4567890\r\nB: 4567890\r\n\r\n",
         "POST / host=abcd none [A: 4567890; B: 4567890] | end"},
        {"POST /x HTTP/1.1\r\nHost: abcd\r\nA: 4567890\r\nB: 4567890\r\n\r\n",
         "FAULT_HEAD_LARGE"},
        {SHORT "A:1\r\nB:2\r\n\r\n", "POST / host=a none [A: 1; B: 2] | end"},
        {SHORT "A:1\r\nB:2\r\nC:3\r\n\r\n", "FAULT_FIELDS_MANY"},
    };

    check_cases(&(struct transcript){.limits = &tight}, cases, COUNT(cases));
}

static const struct h1_limits tight_chunks = {
    .start_line_bytes = 99,
    .line_bytes = 99,
    .head_bytes = 999,
    .fields_n = 9,
    .chunk_line_bytes = 8,
    .chunk_ext_bytes = 12,
    .chunk_digits = 5,
    .trailer_bytes = 16,
    .trailer_fields_n = 2,
};

TEST(every_limit_of_chunks_lets_its_own_value_through_and_not_one_more)
{
    static const struct h1_case cases[] = {
        {CHUNKED("1;abcdef\r\na\r\n0\r\n\r\n"), GOT_CHUNKED " | body a | end"},
        {CHUNKED("1;abcdefg\r\na\r\n0\r\n\r\n"),
         GOT_CHUNKED " | FAULT_CHUNK_LINE_LONG"},
        /* The CR counts among an extension's bytes, the ';' does not: 6 + 6, 6 + 7. */
        {CHUNKED("1;abcde\r\na\r\n0;abcde\r\n\r\n"),
         GOT_CHUNKED " | body a | end"},
        {CHUNKED("1;abcde\r\na\r\n0;abcdef\r\n\r\n"),
         GOT_CHUNKED " | body a | FAULT_CHUNK_EXTENSIONS"},
        {CHUNKED("00001\r\na\r\n00000\r\n\r\n"), GOT_CHUNKED " | body a | end"},
        {CHUNKED("000001\r\na\r\n"), GOT_CHUNKED " | FAULT_CHUNK_DIGITS"},
        {CHUNKED("0\r\nX: 456789012\r\n\r\n"),
         GOT_CHUNKED " | trailers [X: 456789012] | end"},
        {CHUNKED("0\r\nX: 4567890123\r\n\r\n"),
         GOT_CHUNKED " | FAULT_TRAILERS_LARGE"},
        {CHUNKED("0\r\nA:1\r\nB:2\r\n\r\n"),
         GOT_CHUNKED " | trailers [A: 1; B: 2] | end"},
        {CHUNKED("0\r\nA:1\r\nB:2\r\nC:3\r\n\r\n"),
         GOT_CHUNKED " | FAULT_TRAILERS_MANY"},
    };

    check_cases(&(struct transcript){.limits = &tight_chunks}, cases,
                COUNT(cases));
}

/* A GET whose one field line X has `n` bytes. */
static span
with_line(struct arena *a, size_t n)
{
    char *value = arena_alloc(a, n);

    memset(value, 'v', n);
    return arena_fmt(a, GET("X: %.*s\r\n"), (int)(n - 3), value);
}

TEST(the_defaults_are_the_documented_ones)
{
    struct arena *a = arena_new((size_t)4 << 20);
    struct transcript how = {0};

    assert_true(span_starts(transcript(a, &how, with_line(a, 8192)),
                            SPAN("GET / host=a none [")));
    assert_span(transcript(a, &how, with_line(a, 8193)), "FAULT_LINE_LONG");
    assert_int_equal(h1_limits_request.head_bytes, 32768);
    assert_int_equal(h1_limits_answer.head_bytes, 65536);
    assert_int_equal(h1_limits_request.fields_n, 100);
    arena_free(&a);
}

TEST(an_idle_parser_holds_no_memory_and_one_inside_a_head_does)
{
    struct arena *a = arena_new(1 << 16);
    struct h1_out o;
    struct h1 p;
    span in = SPAN("GET / HT"), rest = SPAN("TP/1.1\r\nHost: a\r\n\r\n");

    h1_init(&p, H1_REQUESTS, &h1_limits_request);
    h1_begin(&p, a);
    assert_false(h1_is_inside(&p));
    assert_int_equal(h1_next(&p, &in, &o), H1_MORE);
    assert_true(h1_is_inside(&p));
    assert_true(h1_held(&p) > 0);
    assert_int_equal(h1_next(&p, &rest, &o), H1_HEAD);
    assert_int_equal(h1_held(&p), 0);
    assert_int_equal(h1_next(&p, &rest, &o), H1_END);
    assert_false(h1_is_inside(&p));
    h1_fini(&p);
    arena_free(&a);
}

TEST(a_full_arena_is_a_fault_and_never_half_a_head)
{
    static const char bytes[] = CHUNKED("3;x\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")
        GET("X-Longer-Name: v\r\nCookie: a\r\n");
    struct arena *a = arena_new((size_t)1 << 20);
    struct transcript how = {0};
    span good = transcript(a, &how, span_str(bytes)), said;
    size_t n = 0;

    do {
        struct arena *tight_one = arena_new((size_t)1 << 20);
        struct h1_out o = {0};
        struct h1 p;
        span in = span_str(bytes);
        enum h1_event event;
        h1_init(&p, H1_REQUESTS, &h1_limits_request);
        h1_begin(&p, tight_one);
        arena_fail_after(++n);
        do {
            event = h1_next(&p, &in, &o);
            if (event == H1_END && in.len)
                h1_begin(&p, tight_one);
        } while (event != H1_ERROR && in.len);
        arena_fail_after(0);
        if (event == H1_ERROR)
            assert_int_equal(o.fault, FAULT_NO_ROOM);
        h1_fini(&p);
        arena_free(&tight_one);
        said = event == H1_ERROR ? (span){0} : good;
    } while (said.len == 0 && n < 1000);
    assert_in_range(n, 5, 100);
    arena_free(&a);
}

TEST(a_parser_at_fault_takes_nothing_more_and_says_so_again)
{
    struct arena *a = arena_new(1 << 16);
    struct h1_out o;
    struct h1 p;
    span in = SPAN("get / HTTP/1.1\r\n\r\n"), more = SPAN("GET");

    h1_init(&p, H1_REQUESTS, &h1_limits_request);
    h1_begin(&p, a);
    assert_int_equal(h1_next(&p, &in, &o), H1_ERROR);
    assert_int_equal(h1_next(&p, &more, &o), H1_ERROR);
    assert_int_equal(o.fault, FAULT_METHOD);
    assert_int_equal(more.len, 3);
    assert_int_equal(h1_eof(&p, &o), H1_ERROR);
    assert_int_equal(o.fault, FAULT_METHOD);
    h1_fini(&p);
    arena_free(&a);
}
