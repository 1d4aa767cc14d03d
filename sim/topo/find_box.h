/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where in a folder the files of a box lie. */
#ifndef SIM_TOPO_FIND_BOX_H
#define SIM_TOPO_FIND_BOX_H

#include <stdbool.h>
#include <stddef.h>

enum box_files {
    BOX_NONE,
    BOX_SYSFS, /* sys/, as hwloc-gather-topology saves it */
    BOX_CPUID, /* hwloc-cpuid-info and pu0, pu1... as hwloc-gather-cpuid saves them */
};

/*
 * Which of them dir or a folder one or two levels below has (sysfs before cpuid, the nearer before the deeper, then by
 * name), and in root the folder that has it. No links are followed to get there.
 */
enum box_files find_box(const char *dir, char *root, size_t room);

#endif
