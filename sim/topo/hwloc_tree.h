/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SIM_TOPO_HWLOC_TREE_H
#define SIM_TOPO_HWLOC_TREE_H

#include "topo.h"
#include <hwloc.h>

/* What a loaded topology of libhwloc says. It is not checked (topo_check). NULL with *f, without a name in front. */
struct topo *topo_from_hwloc(hwloc_topology_t h, const char *source, struct fault *f);

#endif
