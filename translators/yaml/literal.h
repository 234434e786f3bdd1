/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literal: what a plain scalar is, and whether two readers could disagree.
 */
#pragma once

#include "translators/yaml/yaml.h"

/* null, true, false, a JSON number, or text, by JSON's grammar alone. */
enum yaml_literal yaml_literal_of(span plain);

/*
 * A number to YAML 1.1 or 1.2 and none to JSON: 0x1F, 0b1, 0o7, 012, +1, .5,
 * 1., 1_000, 1:30, .inf, .nan. A date and 1.2.3 are none to either.
 */
bool yaml_is_foreign_number(span plain);
