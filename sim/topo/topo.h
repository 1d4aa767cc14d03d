/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A real box as somebody's file tells it: what the readers (hwloc, sysfs, ACPI, device tree) fill in and the writer
 * turns into a machine file. Whatever the source does not say stays at its "unknown" value; the writer guesses it and
 * says why. CPUs are known by the number that their operating system gives them.
 */
#ifndef SIM_TOPO_H
#define SIM_TOPO_H

#include "../fault.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TOPO_MAX_CPUS 4096u  /* as machines have at most */
#define TOPO_MAX_NODES 1024u /* more than machines have: those that are empty are left out */
#define TOPO_MAX_KINDS 15u   /* as machines have at most */
#define TOPO_MAX_CACHE_LEVELS 5u
#define TOPO_NONE UINT32_MAX

/* What memory can be: other figures in a source are none. ns, and bytes/s of a node. */
#define TOPO_LEAST_NS 1.0
#define TOPO_MOST_NS 1e5
#define TOPO_LEAST_BANDWIDTH 1e8
#define TOPO_MOST_BANDWIDTH 1e13

/* A set of CPUs by index into topo.cpu. */
struct topo_set {
    uint64_t bit[TOPO_MAX_CPUS / 64];
};

struct topo_cpu {
    unsigned os;      /* number that the operating system gives it */
    unsigned package; /* 0.. nr_packages - 1, in order of appearance */
    unsigned core;    /* 0.. nr_cores - 1, machine-wide, in order of appearance */
    unsigned thread;  /* 0.. within the core */
    unsigned node;    /* index into topo.node; TOPO_NONE: of no node */
    unsigned kind;    /* index into topo.kind if there are several; TOPO_NONE: of none of them */
};

/* A kind of core of a machine that has several. */
struct topo_kind {
    char name[64];
    double freq_hz;  /* 0: unknown */
    double ipc;      /* work a cycle, 1: that of the kind with the most; 0: unknown */
    double capacity; /* work a second, in any unit; 0: unknown */
};

struct topo_range {
    uint64_t start, end; /* bytes, physical */
};

struct topo_node {
    unsigned os;     /* number that the operating system or the firmware (proximity domain) gives it */
    uint64_t memory; /* bytes; 0: none */
    bool memory_unknown;
    double bandwidth; /* bytes/s that near CPUs get; 0: unknown */
    unsigned package; /* where its memory is attached; TOPO_NONE: unknown */
    unsigned nr_ranges;
    struct topo_range *range; /* ascending; none: only the size is known */
};

enum topo_cache_type { TOPO_CACHE_DATA, TOPO_CACHE_INSTRUCTION, TOPO_CACHE_UNIFIED };

/* One cache, with those who share it. */
struct topo_cache {
    unsigned level; /* 1.. */
    enum topo_cache_type type;
    uint64_t size;       /* bytes; 0: unknown */
    unsigned ways, line; /* 0: unknown; ways TOPO_NONE: fully associative */
    struct topo_set cpus;
};

struct topo {
    char *source;             /* what it was read from, for people: "hwloc XML box.xml" */
    char *name, *description; /* NULL: the writer takes the file's name */
    char isa[16];             /* "x86-64", "aarch64", "armv7", or "" unknown, or what it is ("ppc64") */
    char cpu_model[128];      /* as the source names it, or "" */
    double freq_hz;           /* 0: unknown */
    bool packages_unknown;    /* the source has none, or not for all CPUs */
    unsigned nr_packages, nr_cores, nr_cpus, nr_nodes, nr_caches, nr_kinds;
    struct topo_cpu *cpu; /* in the order of packages, cores, threads */
    struct topo_node *node;
    struct topo_cache *cache;
    struct topo_kind *kind;
    unsigned *distance; /* nr_nodes x nr_nodes as the source has it; NULL: unknown */
    double *latency_ns; /* nr_nodes x nr_nodes, from CPUs of a node to memory of one; 0: unknown; NULL: all are */
    unsigned nr_notes;
    char **note; /* what was seen and cannot be said in a machine file; become comments in it */
};

/* An empty one; NULL: out of memory. topo_free(NULL) is fine. */
struct topo *topo_new(const char *source);
void topo_free(struct topo *t);

/* Grow by one; NULL: out of memory, or the limit is reached (*f says which). What is new is zero. */
struct topo_cpu *topo_add_cpu(struct topo *t, struct fault *f);
struct topo_node *topo_add_node(struct topo *t, struct fault *f);
struct topo_cache *topo_add_cache(struct topo *t, struct fault *f);
struct topo_kind *topo_add_kind(struct topo *t, struct fault *f);
bool topo_add_range(struct topo_node *n, uint64_t start, uint64_t end, struct fault *f);
bool topo_note(struct topo *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline void topo_set_add(struct topo_set *s, unsigned cpu)
{
    s->bit[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

static inline bool topo_set_has(const struct topo_set *s, unsigned cpu)
{
    return s->bit[cpu / 64] >> cpu % 64 & 1;
}

/*
 * Does it hang together? Every core in one package and node, distances square or NULL, caches that nest (a cache of a
 * level lies within one of the next), at least one CPU and some memory or nodes of unknown size. CPUs are put in order,
 * so that those of a package and of a core lie side by side; packages, cores and threads are renumbered, kinds without
 * CPUs dropped, distances scaled to 10. 0, or -1 with *f naming what is wrong.
 */
int topo_check(struct topo *t, struct fault *f);

/*
 * For a source without packages: nodes with CPUs are what comes closest, unless a cache or a core belongs to several.
 * Call it before topo_check().
 */
void topo_guess_packages(struct topo *t);

/* Which data or unified cache of that level each CPU has (index into topo.cache, TOPO_NONE: none); how many have one.
 */
unsigned topo_caches_of(const struct topo *t, unsigned level, unsigned *of);

/* For a source without kinds of cores: cores with caches of several sizes are of several kinds. */
void topo_kinds_by_cache(struct topo *t, struct fault *f);

/* ---- readers: one file each. Data is the content of the file, name stands in messages. NULL with *f filled in. ----
 */

struct topo *topo_read_hwloc_xml(const char *data, size_t size, const char *name, struct fault *f);
struct topo *topo_read_synthetic(const char *text, struct fault *f); /* hwloc's synthetic strings */
/* A directory that holds sys/ and proc/ of a box, or an archive of one (.tar, .tar.gz, .tar.bz2, .tar.xz). */
struct topo *topo_read_sysfs(const char *path, struct fault *f);
/* acpidump's text, or the binary tables SRAT, SLIT and (optional) APIC, PPTT, HMAT, one behind the other. */
struct topo *topo_read_acpi(const char *data, size_t size, const char *name, struct fault *f);
/* A flattened device tree. */
struct topo *topo_read_dtb(const char *data, size_t size, const char *name, struct fault *f);

/* ---- the writer */

/*
 * The machine file, every guessed value marked "# guessed: why". name: of the machine. The number of guessed values, or
 * -1 with *f: a machine file cannot say it.
 */
int topo_write_machine(const struct topo *given, const char *name, FILE *to, struct fault *f);

#endif
