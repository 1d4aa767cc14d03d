/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Libraries that die of some inputs die in a child process first. */
#ifndef SIM_TOPO_IN_CHILD_H
#define SIM_TOPO_IN_CHILD_H

#include "../fault.h"

#define IN_CHILD_SECONDS 10u /* of the processor; 4,096 CPUs of 64 nodes take less than one */

/*
 * What what(arg), run in a child, returned: 0 to 63. -1 with *f: it crashed, or was at it for longer than
 * IN_CHILD_SECONDS ("NAME: LIBRARY ..."), or there is no child to be had. Nothing that it does to memory stays.
 */
int in_child(int (*what)(void *arg), void *arg, const char *name, const char *library, struct fault *f);

#endif
