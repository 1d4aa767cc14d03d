/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ways to look at a machine, and to hand it to other tools. */
#ifndef SIM_TOPO_VIEW_H
#define SIM_TOPO_VIEW_H

#include "tree.h"

/* The tree as text: parts that are alike are drawn once. EXIT_DONE, or *f. */
int topo_show_text(const struct machine *m, FILE *to, struct fault *f);
/* A drawing: sockets with their nodes, caches and cores, and the distances as a heat map. */
int topo_show_svg(const struct machine *m, FILE *to, struct fault *f);
/* hwloc's XML, as libhwloc writes it after having loaded the machine. */
int topo_export_hwloc(const struct machine *m, FILE *to, struct fault *f);

/* Bytes of a node, and of an L2: that of its cores' kind. */
uint64_t topo_node_memory(const struct machine *m, unsigned node);
uint64_t topo_l2_size(const struct machine *m, const struct tree_obj *l2);
uint64_t topo_l1d_size(const struct machine *m, const struct tree_obj *l1d);

/* "128 GiB", "1.5 GiB": at most one decimal. */
const char *topo_size(uint64_t bytes, char *buf, size_t room);

#endif
