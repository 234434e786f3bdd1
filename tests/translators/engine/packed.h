/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed: a document through a program as JSON and as MessagePack.
 */
#pragma once

#include "proxy/base/arena.h"
#include "translators/engine/program.h"

/* JSON as MessagePack, and back, as translators/msgpack does it; false: it has no form
 * there, or is none. */
bool packed_of(struct arena *a, span json, span *out);
bool packed_as_json(struct arena *a, span packed, span *out);

/* The program over MessagePack. */
struct engine_program packed_program(struct arena *a,
                                     const struct engine_program *p);

/*
 * `json`, if MessagePack can say it, comes out of the program over MessagePack as it
 * does out of the program: the same verdict, fault and place, what is told and how
 * often, and the same document; in all cuts the same bytes. So it does where it comes
 * in one form and goes in the other.
 */
void packed_agrees(struct arena *a, const struct engine_program *p, span json);
