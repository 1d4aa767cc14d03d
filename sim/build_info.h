/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this program was built from, and what it runs on. */
#ifndef SIM_BUILD_INFO_H
#define SIM_BUILD_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct build_info {
    const char *version;  /* "0.1.0" */
    const char *commit;   /* 40 hex digits, "unknown" outside of a git tree */
    bool dirty;           /* the tree differed from the commit */
    const char *compiler; /* name and version */
    const char *type;     /* CMake build type */
};

struct build_info build_info(void);

/* 128 bits of FNV-1a: identity of content, no protection against malice. */
struct content_hash {
    uint64_t high, low;
};
#define CONTENT_HASH_TEXT_MAX 33u

struct content_hash content_hash_start(void);
struct content_hash content_hash_add(struct content_hash h, const void *data, size_t n);
/* Adds the terminating zero too, so that a list of strings is unambiguous. */
struct content_hash content_hash_add_string(struct content_hash h, const char *s);
const char *content_hash_text(char buf[CONTENT_HASH_TEXT_MAX], struct content_hash h);
/* false with errno set. */
bool content_hash_file(const char *path, struct content_hash *out);

struct host_info {
    char cpu[128], kernel[128];
    unsigned cpus; /* online */
};

void host_info_read(struct host_info *h);

#endif
