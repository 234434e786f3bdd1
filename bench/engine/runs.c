/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/runs.h"

#include "translators/msgpack/pack.h"
#include "translators/msgpack/unpack.h"

#include <jansson.h>
#include <msgpack.h>
#include <stdlib.h>

bool
bench_copy(struct bench_job *job)
{
    for (size_t i = 0; i < job->n; i++) {
        buf_clear(&job->out);
        buf_add(&job->out, job->bodies[i]);
    }
    return !buf_failed(&job->out);
}

/* ---- the machine ---------------------------------------------------------------- */

static struct engine *
machine(struct bench_job *job, const struct engine_program *program,
        bool crosses)
{
    const struct engine_limits limits = {
        .depth_max = 128, .crosses = crosses, .pool = job->pool};
    return engine_new(job->arena, program, &limits, &job->out);
}

static bool
whole(struct bench_job *job, enum engine_level level)
{
    for (size_t i = 0; i < job->n; i++) {
        arena_reset(job->arena);
        buf_clear(&job->out);
        struct engine *m = machine(job, job->program, false);
        if (!m)
            return false;
        engine_use(m, level);
        if (engine_feed(m, job->bodies[i], true) != ENGINE_DONE)
            return false;
    }
    return true;
}

static enum engine_level
best(enum engine_level level)
{
    while (!engine_has_level(level))
        level--;
    return level;
}

bool
bench_plan(struct bench_job *job)
{
    return whole(job, best(ENGINE_AVX512));
}

bool
bench_plan_plain(struct bench_job *job)
{
    return whole(job, ENGINE_PLAIN);
}

bool
bench_plan_avx2(struct bench_job *job)
{
    return whole(job, best(ENGINE_AVX2));
}

static bool
in_pieces(struct bench_job *job, const struct engine_program *program,
          bool crosses, const span *bodies, size_t len)
{
    for (size_t i = 0; i < job->n; i++) {
        arena_reset(job->arena);
        buf_clear(&job->out);
        struct engine *m = machine(job, program, crosses);
        span rest = bodies[i];
        if (!m)
            return false;
        while (rest.len) {
            span piece = span_take(rest, len);
            rest = span_skip(rest, piece.len);
            if (engine_feed(m, piece, !rest.len) == ENGINE_FAILED)
                return false;
            buf_consume(&job->out, buf_len(&job->out));
        }
    }
    return true;
}

bool
bench_plan_16384(struct bench_job *job)
{
    return in_pieces(job, job->program, false, job->bodies, 16384);
}

bool
bench_plan_1460(struct bench_job *job)
{
    return in_pieces(job, job->program, false, job->bodies, 1460);
}

bool
bench_packed(struct bench_job *job)
{
    return in_pieces(job, &job->over_packed, false, job->packed, SIZE_MAX);
}

bool
bench_packed_1460(struct bench_job *job)
{
    return in_pieces(job, &job->over_packed, false, job->packed, 1460);
}

/* ---- between the two ------------------------------------------------------------ */

bool
bench_packed_to_json(struct bench_job *job)
{
    return in_pieces(job, job->program, true, job->packed, SIZE_MAX);
}

bool
bench_json_to_packed(struct bench_job *job)
{
    return in_pieces(job, &job->over_packed, true, job->bodies, SIZE_MAX);
}

bool
bench_unpack(struct bench_job *job)
{
    for (size_t i = 0; i < job->n; i++) {
        arena_reset(job->arena);
        buf_clear(&job->out);
        struct unpack *u = unpack_new(job->arena, 128);
        if (!u || unpack_feed(u, job->packed[i], &job->out) != UNPACK_OK ||
            unpack_end(u) != UNPACK_OK)
            return false;
    }
    return true;
}

bool
bench_repack(struct bench_job *job)
{
    for (size_t i = 0; i < job->n; i++) {
        arena_reset(job->arena);
        buf_clear(&job->out);
        struct pack *k = pack_new(job->arena, SIZE_MAX / 4);
        if (!k || pack_feed(k, job->bodies[i]) != PACK_OK ||
            pack_end(k, &job->out) != PACK_OK)
            return false;
    }
    return true;
}

/* ---- the others ----------------------------------------------------------------- */

bool
bench_reference(struct bench_job *job)
{
    struct reference_facts facts = {.is_request = true, .depth_max = 128};
    for (size_t i = 0; i < job->n; i++) {
        struct reference_report report = {0};
        arena_reset(job->arena);
        buf_clear(&job->out);
        if (reference_body(job->arena, &job->chain, &facts, job->bodies[i],
                           &job->out, &report) != OK)
            return false;
    }
    return true;
}

bool
bench_jansson(struct bench_job *job)
{
    for (size_t i = 0; i < job->n; i++) {
        json_t *tree =
            json_loadb(job->bodies[i].at, job->bodies[i].len, 0, NULL);
        char *text = tree ? json_dumps(tree, JSON_COMPACT) : NULL;
        bool ok = text != NULL;
        free(text);
        json_decref(tree);
        if (!ok)
            return false;
    }
    return true;
}

bool
bench_msgpack(struct bench_job *job)
{
    msgpack_sbuffer out;
    bool ok = true;
    msgpack_sbuffer_init(&out);
    for (size_t i = 0; ok && i < job->n; i++) {
        msgpack_unpacked is;
        msgpack_packer packer;
        msgpack_unpacked_init(&is);
        msgpack_sbuffer_clear(&out);
        msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
        ok = msgpack_unpack_next(&is, job->packed[i].at, job->packed[i].len,
                                 NULL) == MSGPACK_UNPACK_SUCCESS &&
             msgpack_pack_object(&packer, is.data) == 0;
        msgpack_unpacked_destroy(&is);
    }
    msgpack_sbuffer_destroy(&out);
    return ok;
}

/* ---- JSON as MessagePack -------------------------------------------------------- */

/* NOLINTBEGIN(misc-no-recursion): our own bodies, four deep */
static void
pack_value(msgpack_packer *p, json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: {
        const char *key = NULL;
        json_t *value = NULL;
        msgpack_pack_map(p, json_object_size(v));
        json_object_foreach(v, key, value)
        {
            msgpack_pack_str(p, strlen(key));
            msgpack_pack_str_body(p, key, strlen(key));
            pack_value(p, value);
        }
        return;
    }
    case JSON_ARRAY:
        msgpack_pack_array(p, json_array_size(v));
        for (size_t i = 0; i < json_array_size(v); i++)
            pack_value(p, json_array_get(v, i));
        return;
    case JSON_STRING:
        msgpack_pack_str(p, json_string_length(v));
        msgpack_pack_str_body(p, json_string_value(v), json_string_length(v));
        return;
    case JSON_INTEGER:
        msgpack_pack_int64(p, json_integer_value(v));
        return;
    case JSON_REAL:
        msgpack_pack_double(p, json_real_value(v));
        return;
    case JSON_TRUE:
        msgpack_pack_true(p);
        return;
    case JSON_FALSE:
        msgpack_pack_false(p);
        return;
    case JSON_NULL:
        msgpack_pack_nil(p);
        return;
    }
}
/* NOLINTEND(misc-no-recursion) */

bool
bench_pack(struct arena *a, struct bench_job *job)
{
    for (size_t i = 0; i < job->n; i++) {
        msgpack_sbuffer out;
        msgpack_packer packer;
        json_t *tree =
            json_loadb(job->bodies[i].at, job->bodies[i].len, 0, NULL);
        if (!tree)
            return false;
        msgpack_sbuffer_init(&out);
        msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
        pack_value(&packer, tree);
        json_decref(tree);
        bool ok = span_dup(a, span_of(out.data, out.size), &job->packed[i]);
        msgpack_sbuffer_destroy(&out);
        if (!ok)
            return false;
    }
    return true;
}
