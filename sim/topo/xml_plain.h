/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwloc's XML, cut down to what a machine file can use. */
#ifndef SIM_TOPO_XML_PLAIN_H
#define SIM_TOPO_XML_PLAIN_H

#include "../fault.h"
#include <stddef.h>

/*
 * Well-formed? Of objects that hwloc has, with numbers and sets where those belong? Then the same tree, written anew as
 * hwloc 2 reads it: without devices, annotations and comments; what hwloc 3 has elsewhere goes where hwloc 2 has it.
 * malloc'ed, with a NUL behind it; NULL with *f: file, line, and what was expected.
 */
char *xml_plain(const char *data, size_t size, const char *name, size_t *out_size, struct fault *f);

#endif
