/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockets: the listening sockets, held by the supervisor for life.
 *
 * A TCP address has one SO_REUSEPORT socket per worker slot, and slots never
 * shrink: closing one loses what waits in its queue. A new slot is bound when a
 * loader asks, so that errors show, and listens only when its generation goes:
 * until then the kernel chooses it for nobody.
 */
#pragma once

#include "proxy/base/err.h"
#include "proxy/super/messages.h"

#include <sys/socket.h>

#define SOCKETS_MAX 64u

struct sockets_entry {
    struct sockaddr_storage at;
    socklen_t at_len; /* 0: the entry is free */
    enum socket_use use;
    int fds[WORKERS_MAX];
    bool listens[WORKERS_MAX];
    size_t n;
    bool is_given; /* by systemd: one for all workers, and never closed */
    uid_t owner;   /* of the admin socket's file; 0: who binds it */
};

struct sockets {
    struct sockets_entry entries[SOCKETS_MAX];
    uid_t owner; /* of the admin socket; 0: who we are */
};

/* Which entries a generation uses. */
struct sockets_used {
    bool entry[SOCKETS_MAX];
};

/*
 * Take the listening sockets that systemd passed (sd_listen_fds(3)), if any: who
 * asks for such an address gets that one. Children do not see the variables.
 */
void sockets_take_given(struct sockets *s);

/*
 * The entry for an address, found or made, with `slots` sockets at least. Marks it
 * in `used`. What was made for a failed call is closed again.
 */
MUST_CHECK enum err_code sockets_want(struct sockets *s, span sockaddr,
                                      uint64_t use, uint64_t slots,
                                      struct sockets_used *used,
                                      const struct sockets_entry **out,
                                      struct err *e);

/*
 * Sockets of an earlier supervisor, which listen; those that are new here are
 * taken from the array. Marks them in `used`. Errors as above.
 */
MUST_CHECK enum err_code sockets_adopt(struct sockets *s, span sockaddr,
                                       uint64_t use, int *fds, size_t n,
                                       struct sockets_used *used,
                                       struct err *e);

/* Let all sockets of a generation listen; what cannot is logged. */
void sockets_listen(struct sockets *s, const struct sockets_used *used);

/* Close the entries that are in none of `n` sets; Unix sockets are unlinked. */
void sockets_sweep(struct sockets *s, const struct sockets_used *const *used,
                   size_t n);
