/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of machine keys: what parses a machine file is what documents it. Private to machine*.c. */
#ifndef MODELS_MACHINE_KEYS_H
#define MODELS_MACHINE_KEYS_H

#include <models/machine.h>

enum machine_type {
    MK_STRING,
    MK_COUNT,
    MK_FREQ,
    MK_SIZE,
    MK_TIME_NS,
    MK_BANDWIDTH,
    MK_CYCLES,
    MK_NUMBER,
    MK_SPECIAL,
    MK_SPECIAL_OPTIONAL,
    MK_OPTIONAL = 64 /* together with one of the above: keeps its value if it is left out, with its table or alone */
};

struct machine_field {
    const char *table, *key; /* table NULL: top level */
    unsigned type;           /* enum machine_type */
    size_t offset;           /* into struct machine; MK_SPECIAL*: read by hand */
    double min, max;         /* in base units of the type */
    const char *text;
};

extern const struct machine_field machine_fields[];
extern const unsigned machine_nr_fields;

/* ---- machine.c: "a.b" below the root; NULL after an error */
cfg_table *machine_find_table(cfg_doc *doc, const char *path);
bool machine_has_table(cfg_doc *doc, const char *path);

/* ---- machine_cores.c: sockets, cores, threads, their nodes. The number of nodes is known, their arrays exist. path:
 * of the file that is loaded, whatever it inherits. */
void machine_read_cores(cfg_doc *doc, const char *path, struct machine *m);
bool machine_node_has_cores(const struct machine *m, unsigned node);
/* ---- the same: kinds of cores, before the cores; clocks by active cores */
void machine_read_kinds(cfg_doc *doc, struct machine *m);
void machine_read_turbo(cfg_doc *doc, struct machine *m);

/* ---- machine_nodes.c: the nodes with their cores, distances, idle latencies */
void machine_read_nodes(cfg_doc *doc, const char *path, struct machine *m);
void machine_read_slit(cfg_doc *doc, struct machine *m);
void machine_read_latency(cfg_doc *doc, struct machine *m);

/* ---- machine_caches.c: after the cores */
void machine_read_caches(cfg_doc *doc, struct machine *m);
void machine_read_tlb(cfg_doc *doc, struct machine *m);
/* After caches and TLBs: what kinds of core have instead. */
void machine_read_kind_caches(cfg_doc *doc, struct machine *m);

/* ---- machine_links.c: after the cores */
void machine_read_links(cfg_doc *doc, struct machine *m);

#endif
