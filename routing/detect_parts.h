/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detect_parts: what a detect is made of, for the files of this room that
 * build it, run it and rewrite by it.
 */
#pragma once

#include "proxy/base/map.h"
#include "proxy/base/template.h"
#include "routing/date.h"
#include "routing/detect.h"
#include "routing/semver.h"
#include "routing/subject.h"

#define DETECT_DAY_S 86400 /* seconds of a day */

struct detect_rule {
    span platform;
    struct semver_range range;
    int version;
};

/* A version as it is told. */
struct detect_told {
    span label;
    span date_text; /* "2026-02-01", or empty */
    int32_t date;
    int32_t sunset;
    bool is_internal;
    struct detect_notice notice; /* is_gone is not set here */
};

/* A source, compiled. */
struct detect_way {
    enum detect_kind kind;
    span name;   /* a field's, parameter's or cookie's */
    span before; /* MEDIA: what stands before {version}, and after it */
    span after;
    const struct template *path;  /* PATH: as written, and whatever follows */
    const struct template *start; /* PATH: up to {version} */
    const struct template *any;   /* PATH: the same, with any one segment */
    struct detect_rule *rules;    /* CLIENT */
    size_t n_rules;
    struct map pins;           /* PIN: hash to struct detect_told */
    struct subject_source key; /* PIN: what is hashed */
    span vary;                 /* the fields of this source and all before it */
};

struct detect {
    const struct detect_told *versions;
    size_t n_versions;
    struct map labels; /* to struct detect_told */
    const struct detect_way *ways;
    size_t n_ways;
    int body; /* index of the body source, or DETECT_NONE */
    int missing;
    bool agree;
    detect_hash_fn hash;
    span echo;
    span known;
};

/* The version of a label, or DETECT_NONE; `nocase` for media types. */
int detect_labelled(const struct detect *d, span label, bool nocase);

/* The version that a date stands for, or DETECT_NONE. */
int detect_dated(const struct detect *d, int32_t date);

/* What stands for {version} in `type`; false: the pattern does not fit. */
bool detect_media_label(const struct detect_way *way, span type, span *label);
