/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a path through compiled code costs on a modelled core: basic blocks decoded into classes of instructions,
 * weighed by the core's widths, latencies and throughputs. docs/hypervisor-cost.md has the equations.
 */
#ifndef MODELS_PATH_H
#define MODELS_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum path_isa { PATH_X86_64, PATH_AARCH64, PATH_ARMV7, PATH_ISAS };
extern const char *const path_isa_names[PATH_ISAS + 1]; /* as machine.isa; NULL at the end */

/* Classes of operations. An instruction is of as many as it does: an addition to memory is a load, an ALU operation and
 * a store. */
enum path_class {
    PATH_ALU,
    PATH_MUL,
    PATH_DIV,
    PATH_LOAD,
    PATH_STORE,
    PATH_BRANCH,   /* conditional */
    PATH_JUMP,     /* jumps, calls, returns whose target is in the instruction or on the stack */
    PATH_INDIRECT, /* calls and jumps through a register or memory */
    PATH_ATOMIC,
    PATH_OTHER, /* fences, system registers: what empties the pipeline */
    PATH_CLASSES
};
extern const char *const path_class_names[PATH_CLASSES + 1];

struct path_block {
    uint16_t instructions;
    uint16_t n[PATH_CLASSES];
    uint16_t chain[PATH_CLASSES]; /* operations on the longest chain of dependent ones */
    uint16_t derefs; /* loads through a pointer that the block itself loaded from elsewhere than its stack */
};

/* ---- path_decode.c: Capstone --------------------------------------------------------------------------------------
 */

struct path_decoder;
struct path_decoder *path_decoder_open(enum path_isa isa); /* NULL: out of memory */
void path_decoder_close(struct path_decoder *d);

/* What one instruction is to whoever cuts code into blocks. */
enum path_flow { PATH_NEXT, PATH_CONDITIONAL, PATH_AWAY };
struct path_insn {
    unsigned size;
    enum path_flow flow;
    uint64_t target; /* of a jump whose target is in the instruction; 0: none */
    bool call;
};
/* The instruction at code, which is at address; false: not one. */
bool path_decode_flow(struct path_decoder *d, const uint8_t *code, size_t n, uint64_t address, struct path_insn *out);
/* Begin a block, add instructions in order, end it. */
void path_block_begin(struct path_decoder *d);
/* Adds the instruction that path_decode_flow decoded last. */
void path_block_add(struct path_decoder *d);
void path_block_end(struct path_decoder *d, struct path_block *out);

/* ---- path_core.c: the core ----------------------------------------------------------------------------------------
 */

struct path_core {
    char name[64];
    enum path_isa isa;
    double width;                                           /* instructions issued in a cycle */
    double latency[PATH_CLASSES], throughput[PATH_CLASSES]; /* cycles; of throughput: between two, of one class */
    double mispredict_cycles, mispredict_share, indirect_mispredict_share;
};

/* models/cores/NAME.toml. 0, or -1 with *err (malloc'ed). overrides: NULL-terminated, or NULL. */
int path_core_load(const char *path, const char *const *overrides, struct path_core *out, char **err);
/* Cycles that a block takes, its loads hitting in the first level. */
double path_block_cycles(const struct path_core *c, const struct path_block *b);

/* ---- path_table.c: an object, decoded -----------------------------------------------------------------------------
 */

struct path_site {
    uint32_t offset;   /* in the object */
    uint32_t function; /* index */
    struct path_block block;
};
struct path_function {
    char file[32], name[64]; /* source, with its folder if that is known ("" if nothing is); what the compiler made of
                                the name is cut off (".isra.0") */
};
/* A block of the same source, built plainly for an ISA. */
struct path_plain {
    uint32_t function;
    struct path_block block;
};
struct path_table {
    uint64_t object_id; /* of the object's bytes */
    unsigned nr_sites, nr_functions, nr_plain[PATH_ISAS];
    struct path_site *site; /* in the order of the object's own list */
    struct path_function *function;
    struct path_plain *plain[PATH_ISAS];
};

/* A counted block begins with two instructions of as many bytes, which cost nothing on the modelled core. */
#define PATH_SITE_STEP 11u

/* Decode an instrumented object (hv/path.h of hv-core). NULL with *err (malloc'ed). */
struct path_table *path_table_decode(const char *object, char **err);
/* Add the functions of a plain object of an ISA, made from source. 0, or -1 with *err. */
int path_table_add_plain(struct path_table *t, enum path_isa isa, const char *source, const char *object, char **err);
int path_table_write(const struct path_table *t, const char *path, char **err);
/* NULL with *err; *err NULL: there is no such file, or it is of another object. */
struct path_table *path_table_read(const char *path, uint64_t object_id, char **err);
/* The function of that name, of that source ("" if it is not known; folders do not count). -1: none. */
int path_find_function(const struct path_table *t, const char *file, const char *name);
/* An object names the sources of its static functions alone, and without folders. What is missing is taken from the
 * function of that name in reference, or another one of the same source, unless there are several. */
void path_table_take_sources(struct path_table *t, const struct path_table *reference);
void path_table_free(struct path_table *t);
/* Of a file's bytes; 0 if it cannot be read. */
uint64_t path_object_id(const char *object);

/*
 * Cycles of every site's block on a core: its own weight, times what the function's plain build for the core's ISA
 * weighs over what its instrumented one does (of all functions together where it has no such build of its own; 1 where
 * none has). reference: NULL, or a table that has the plain builds if t has none; its ratios are then taken by name.
 * cycles: [nr_sites]. The mean ratio.
 */
double path_table_weigh(const struct path_table *t, const struct path_table *reference, const struct path_core *c,
                        double *cycles);

#ifdef __cplusplus
}
#endif

#endif
