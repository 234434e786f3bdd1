/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct kind_info {
    const char *name;
    size_t size;
    uint32_t layout;
};

static const struct kind_info kinds[] = {
#define X(kind, type, version) [kind] = {#type, sizeof(struct type), version},
    SEGMENT_KINDS(X)
#undef X
};

size_t
segment_size(enum segment_kind kind)
{
    return kinds[kind].size;
}

const char *
segment_name(enum segment_kind kind)
{
    return kinds[kind].name;
}

static struct segment_head
head_of(enum segment_kind kind)
{
    return (struct segment_head){.magic = SEGMENT_MAGIC,
                                 .kind = (uint32_t)kind,
                                 .layout = kinds[kind].layout,
                                 .size = kinds[kind].size};
}

static enum err_code
fill_and_seal(enum segment_kind kind, int fd, struct err *e)
{
    struct segment_head head = head_of(kind);

    if (ftruncate(fd, (off_t)head.size))
        return err_set(e, ERR_IO, "no room for the segment of %s: %s",
                       segment_name(kind), strerror(errno));
    if (pwrite(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        return err_set(e, ERR_IO, "the segment of %s cannot be sealed: %s",
                       segment_name(kind), strerror(errno));
    return OK;
}

enum err_code
segment_create(enum segment_kind kind, int *out, struct err *e)
{
    char name[48];

    snprintf(name, sizeof(name), "stile-%s", segment_name(kind));
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_set(e, ERR_IO, "no segment for %s: %s", segment_name(kind),
                       strerror(errno));
    if (fill_and_seal(kind, fd, e)) {
        close(fd);
        return ERR_IO;
    }
    *out = fd;
    return OK;
}

enum err_code
segment_read_only(int fd, int *read_fd, struct err *e)
{
    char path[48];

    /* A mapping of a descriptor opened to read can never be made writable. */
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    *read_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*read_fd < 0)
        return err_set(e, ERR_IO, "a segment cannot be opened to read: %s",
                       strerror(errno));
    return OK;
}

/* Its size and that nobody can change it: what is read later cannot go away. */
static enum err_code
check_file(enum segment_kind kind, int fd, struct err *e)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) !=
                         (F_SEAL_SHRINK | F_SEAL_GROW))
        return err_set(e, ERR_INVALID, "the segment of %s is not sealed",
                       segment_name(kind));
    if (fstat(fd, &st) || (uint64_t)st.st_size != segment_size(kind))
        return err_set(
            e, ERR_INVALID, "the segment of %s has %ld bytes instead of %zu",
            segment_name(kind), (long)st.st_size, segment_size(kind));
    return OK;
}

static enum err_code
check_head(enum segment_kind kind, const struct segment_head *head,
           struct err *e)
{
    struct segment_head want = head_of(kind);

    if (head->magic != want.magic)
        return err_set(e, ERR_INVALID, "this is no segment of Stile's");
    if (head->kind != want.kind)
        return err_set(e, ERR_INVALID, "a segment of %s where %s is wanted",
                       head->kind < COUNT(kinds) ? kinds[head->kind].name
                                                 : "an unknown kind",
                       segment_name(kind));
    if (head->layout != want.layout || head->size != want.size)
        return err_set(e, ERR_INVALID,
                       "the segment of %s has layout %u, this build has %u",
                       segment_name(kind), head->layout, want.layout);
    return OK;
}

static enum err_code
map(enum segment_kind kind, int fd, int prot, void **out, struct err *e)
{
    if (check_file(kind, fd, e))
        return ERR_INVALID;

    void *at = mmap(NULL, segment_size(kind), prot, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return err_set(e, ERR_IO, "the segment of %s cannot be mapped: %s",
                       segment_name(kind), strerror(errno));
    if (check_head(kind, at, e)) {
        munmap(at, segment_size(kind));
        return ERR_INVALID;
    }
    *out = at;
    return OK;
}

enum err_code
segment_map(enum segment_kind kind, int fd, void **out, struct err *e)
{
    return map(kind, fd, PROT_READ | PROT_WRITE, out, e);
}

enum err_code
segment_map_read(enum segment_kind kind, int fd, const void **out,
                 struct err *e)
{
    void *at = NULL;
    enum err_code code = map(kind, fd, PROT_READ, &at, e);

    *out = at;
    return code;
}

void
segment_unmap(enum segment_kind kind, const void *at)
{
    void *p;

    memcpy(&p, &at, sizeof(p)); /* munmap takes what mmap gave: not const */
    if (p)
        munmap(p, segment_size(kind));
}
