/* SPDX-License-Identifier: Apache-2.0 */
/*
 * media: what a body is, by its media type.
 */
#include "translators/program.h"

bool
program_media(struct arena *a, span media, span *out)
{
    span essence = media;
    ssize_t end = span_find(media, ';');
    if (end >= 0)
        essence = span_take(media, (size_t)end);
    essence = span_trim(essence);
    if (essence.len == 0)
        essence = SPAN("application/json"); /* a missing one counts as JSON */
    char *lower = arena_alloc(a, essence.len + 1);
    if (!lower)
        return false;
    for (size_t i = 0; i < essence.len; i++) {
        char c = essence.at[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
    }
    *out = span_of(lower, essence.len);
    return true;
}

/* What is said of JSON is said of the same document as MessagePack. */
struct lens_occasion
program_occasion(const struct message *m, span media)
{
    if (program_media_kind(media) == MEDIA_MSGPACK)
        media = SPAN("application/json");
    return (struct lens_occasion){
        .is_answer = m->side == MESSAGE_ANSWER,
        .method = m->method,
        .path = m->path,
        .status = m->status,
        .media = media,
    };
}

enum media_kind
program_media_kind(span media)
{
    static const struct {
        const char *name;
        enum media_kind kind;
    } known[] = {
        {"application/json", MEDIA_JSON},
        {"text/json", MEDIA_JSON},
        {"application/merge-patch+json", MEDIA_MERGE_PATCH},
        {"application/json-patch+json", MEDIA_JSON_PATCH},
        {"application/x-ndjson", MEDIA_RECORDS},
        {"application/ndjson", MEDIA_RECORDS},
        {"application/jsonl", MEDIA_RECORDS},
        {"application/x-jsonlines", MEDIA_RECORDS},
        {"application/json-seq", MEDIA_RECORDS},
        {"text/event-stream", MEDIA_RECORDS},
        {"application/msgpack", MEDIA_MSGPACK},
        {"application/x-msgpack", MEDIA_MSGPACK},
        {"application/vnd.msgpack", MEDIA_MSGPACK},
    };
    for (size_t i = 0; i < COUNT(known); i++)
        if (span_is(media, known[i].name))
            return known[i].kind;
    if (span_ends(media, SPAN("+json-seq")))
        return MEDIA_RECORDS;
    if (span_ends(media, SPAN("+msgpack")))
        return MEDIA_MSGPACK;
    return span_ends(media, SPAN("+json")) ? MEDIA_JSON : MEDIA_OTHER;
}

enum records_framing
program_framing(span media)
{
    if (span_is(media, "text/event-stream"))
        return RECORDS_EVENTS;
    return span_ends(media, SPAN("json-seq")) ? RECORDS_SEQUENCE
                                              : RECORDS_LINES;
}
