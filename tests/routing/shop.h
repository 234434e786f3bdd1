/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shop: an API with every source of LANGUAGE.md's example, for tests.
 */
#pragma once

#include "routing/detect.h"

enum { V1, V2, V2A, V3 };

/* The days of the dates below. */
#define DAY_2024_01_15 19737
#define DAY_2025_03_01 20148
#define DAY_2025_06_01 20240
#define DAY_2026_02_01 20485
#define DAY_2026_12_31 20818

/* "Hashes" by writing the first bytes in hex. */
static inline void
shop_hash(span key, char *hex)
{
    size_t n = 0;

    for (size_t i = 0; i < key.len && i < 8; i++)
        n += (size_t)snprintf(hex + n, 3, "%02x", (unsigned char)key.at[i]);
    hex[n] = '\0';
}

static const struct detect_version shop_versions[] = {
    {SPAN("v1"), SPAN("https://dev.example/v1"), DAY_2024_01_15, DAY_2025_06_01,
     DAY_2026_12_31, false},
    {SPAN("v2"), {0}, DAY_2025_03_01, DETECT_NO_DATE, DETECT_NO_DATE, false},
    {SPAN("v2a"), {0}, DETECT_NO_DATE, DETECT_NO_DATE, DETECT_NO_DATE, true},
    {SPAN("v3"), {0}, DAY_2026_02_01, DETECT_NO_DATE, DETECT_NO_DATE, false},
};

static const struct detect_client shop_clients[] = {
    {SPAN("ios"), SPAN("<4.0"), SPAN("v1")},
    {SPAN("ios"), SPAN(">=4.0 <7.12"), SPAN("v2")},
    {SPAN("android"), SPAN("<120"), SPAN("v1")},
};

static const struct detect_pin shop_pins[] = {
    {SPAN("746f6b656e31"), SPAN("v2")}, /* "token1" */
};

static const struct detect_source shop_sources[] = {
    {.kind = DETECT_HEADER, .text = SPAN("Api-Version")},
    {.kind = DETECT_MEDIA, .text = SPAN("application/vnd.shop.{version}+json")},
    {.kind = DETECT_MEDIA_PARAM, .text = SPAN("version")},
    {.kind = DETECT_CLIENT,
     .text = SPAN("X-Client"),
     .clients = shop_clients,
     .n_clients = COUNT(shop_clients)},
    {.kind = DETECT_QUERY, .text = SPAN("api_version")},
    {.kind = DETECT_PATH, .text = SPAN("/apis/{version}/")},
    {.kind = DETECT_PIN,
     .text = SPAN("header:Authorization"),
     .pins = shop_pins,
     .n_pins = COUNT(shop_pins)},
    {.kind = DETECT_BODY},
};

enum {
    BY_HEADER,
    BY_MEDIA,
    BY_PARAM,
    BY_CLIENT,
    BY_QUERY,
    BY_PATH,
    BY_PIN,
    BY_BODY
};

static const struct detect_spec shop = {
    .versions = shop_versions,
    .n_versions = COUNT(shop_versions),
    .sources = shop_sources,
    .n_sources = COUNT(shop_sources),
    .missing = SPAN("v1"),
    .echo = SPAN("Api-Version"),
    .hash = shop_hash,
};
