/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An archive of a box's files, unpacked for the time of reading it. */
#ifndef SIM_TOPO_UNPACK_H
#define SIM_TOPO_UNPACK_H

#include "../fault.h"
#include <stdbool.h>

struct unpacked {
    char dir[450]; /* temporary, to be removed */
};

/*
 * A tar archive, plain or compressed by gzip, bzip2, xz or zstd. Only files, directories and links within the archive
 * are made, and those of devices that no topology is read from are left out; names with ".." are refused, as
 * are more than 1,000,000 entries or 512 MiB. false with *f, and nothing is left behind.
 */
bool unpack(const char *path, struct unpacked *u, struct fault *f);
void unpack_remove(struct unpacked *u);

#endif
