/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What read_acpi.c and its reader of the PPTT share. */
#ifndef SIM_TOPO_ACPI_H
#define SIM_TOPO_ACPI_H

#include "topo.h"

#define ACPI_HEADER 36u

/* The tables that matter; of all others only the length is looked at. */
enum { ACPI_SRAT, ACPI_SLIT, ACPI_APIC, ACPI_PPTT, ACPI_HMAT, ACPI_TABLES };

struct acpi_table {
    const char *sig;
    const uint8_t *data; /* NULL: it is not there */
    uint32_t size;
};

/* A processor, before it becomes a CPU. */
struct acpi_proc {
    uint32_t apic;  /* APIC or GICC interface: what SRAT calls it */
    uint32_t uid;   /* what PPTT calls it */
    uint32_t order; /* as the tables list it */
    uint32_t domain;
    bool in_srat, in_madt, usable;
    unsigned place_package, place_core;
    unsigned package, core;                /* as PPTT has them: its offsets; TOPO_NONE: unknown */
    unsigned cache[TOPO_MAX_CACHE_LEVELS]; /* by level, PPTT's offsets of data or unified ones; 0: none */
    unsigned owner[TOPO_MAX_CACHE_LEVELS]; /* the part of the hierarchy that it is private to */
};

struct acpi_reader {
    const char *name;
    struct fault *f;
    uint8_t *raw; /* of acpidump's text */
    struct acpi_table table[ACPI_TABLES];
    struct acpi_proc *proc;
    unsigned nr_procs;
    bool arm, ia64, has_madt, has_pptt;
    uint32_t domain[TOPO_MAX_NODES]; /* ascending */
    unsigned nr_domains;
    struct topo *t;
};

static inline uint32_t acpi_le(const uint8_t *p, unsigned bytes)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint32_t)p[i] << 8 * i;
    return v;
}

static inline uint64_t acpi_le64(const uint8_t *p)
{
    return acpi_le(p, 4) | (uint64_t)acpi_le(p + 4, 4) << 32;
}

/* The entry at *at of a table of entries that begin with type and length; NULL: the end, or a fault. */
const uint8_t *acpi_next(struct acpi_reader *r, const struct acpi_table *t, uint32_t *at);
/* That entry has so many bytes at least, or there is a fault. */
bool acpi_long_enough(struct acpi_reader *r, const struct acpi_table *t, const uint8_t *e, unsigned least);

/* PPTT: fills in package, core and caches of the processors that it names. */
void acpi_read_pptt(struct acpi_reader *r, const struct acpi_table *t);
/* HMAT: latencies and bandwidths of the nodes that SRAT has. */
void acpi_read_hmat(struct acpi_reader *r, const struct acpi_table *t);
/* The caches of the processors, which are in their final order, into the topology. */
bool acpi_add_caches(struct acpi_reader *r, const struct acpi_table *t);

#endif
