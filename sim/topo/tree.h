/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine as a tree of what lies within what: for drawing it, and for other tools' formats. */
#ifndef SIM_TOPO_TREE_H
#define SIM_TOPO_TREE_H

#include "topo.h"
#include <models/machine.h>

enum tree_type {
    TREE_MACHINE,
    TREE_PACKAGE,
    TREE_GROUP, /* CPUs of a node that are nothing else */
    TREE_L3,
    TREE_L2,
    TREE_L1,
    TREE_CORE,
    TREE_PU,
    TREE_NODE, /* memory: a child of what its CPUs are */
};

struct tree_obj {
    enum tree_type type;
    unsigned index; /* number among its type, as the machine has it */
    struct topo_set cpus;
    unsigned nr_cpus;
    struct tree_obj *memory, *child, *next; /* first of its nodes, first of its parts, next of the same parent */
};

/* NULL with *f: out of memory, or parts that cross each other (a node of one socket's half and another's). */
struct tree_obj *tree_build(const struct machine *m, struct fault *f);
void tree_free(struct tree_obj *t);

#endif
