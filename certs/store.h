/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: a server name to its TLS context.
 *
 * One for each TLS listener, built whole at load. The names are those that the
 * certificates carry (subjectAltName; the common name only if there is none).
 * An exact name wins over a wildcard, which stands for one label; between two
 * certificates the first in the file wins. The first is also for clients that
 * say no name, or one that is nobody's.
 */
#pragma once

#include "certs/load.h"
#include "proxy/base/arena.h"

struct
    certs_store; /* immutable but for `forget`; its contexts end with its arena */

/*
 * Load `n` (at least 1) pairs into a store. *which (may be NULL) is the index
 * of the spec at fault. Warnings go to `warn` (may be NULL), one call each.
 */
typedef void (*certs_warn_fn)(void *ctx, size_t which, const char *sentence);

MUST_CHECK enum err_code
certs_store_build(struct arena *a, const struct certs_load_spec *specs,
                  size_t n, int64_t now_s, certs_warn_fn warn, void *ctx,
                  const struct certs_store **out, size_t *which, struct err *e);

/*
 * The context that new connections start with: it answers for the first
 * certificate and changes to another when the client names one (SNI).
 */
struct ssl_ctx_st *certs_store_first(const struct certs_store *s);

/*
 * The context for a name (no port; case and a last dot are looked through), or
 * NULL if none of the certificates covers it. A request whose authority gives
 * another context than its connection's SNI did is misdirected: 421.
 */
struct ssl_ctx_st *certs_store_find(const struct certs_store *s, span name);

/*
 * In a process that serves nobody by it: its contexts and the numbers of their
 * private keys are wiped, and no name is found any more.
 */
void certs_store_forget(const struct certs_store *store);
