/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Property tests: random operations, all invariants after each, and the smallest sequence that breaks one.
 *
 * An operation is plain numbers, and means something in any state of the world (arguments are taken modulo what there
 * is; one that has no object does nothing). So any part of a sequence is a sequence, and one that fails can be shrunk:
 * chunks are left out, then single operations, then arguments are made smaller, as long as the same failure remains.
 * Every candidate runs in a process of its own: a panic, a sanitizer's report or an endless loop is a failure like any
 * other. What remains is printed as a table of C that --replay reads.
 *
 *   generate.c  operations drawn from a seed
 *   table.c     a case as a table of C, written and read
 *   shrink.c    running a case in a child; the smallest one that fails
 *   command.c   what command lines have in common
 */
#ifndef PROPERTY_KIT_H
#define PROPERTY_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prop_op {
    uint32_t kind; /* index of struct prop_kit.kinds */
    uint32_t mode; /* the test's own: how it is done */
    uint32_t arg[4];
};

struct prop_kind {
    const char *name; /* the enumerator, as in the table of C */
    unsigned often;   /* out of all */
};

/* A member of the case: a text of that many bytes, or (0) a uint32_t. */
struct prop_field {
    const char *name;
    size_t offset, text;
};
#define PROP_NUMBER(type, member)                                                                                      \
    {                                                                                                                  \
#member, offsetof(type, member), 0                                                                             \
    }
#define PROP_TEXT(type, member)                                                                                        \
    {                                                                                                                  \
#member, offsetof(type, member), sizeof(((type *)0)->member)                                                   \
    }

/* A property test. Cases are what is told to a world before it begins; the kit looks into them by their fields only. */
struct prop_kit {
    const char *program;
    const struct prop_kind *kinds;
    unsigned nr_kinds;
    const struct prop_field *fields;
    unsigned nr_fields;
    size_t case_size;
    bool (*case_valid)(const void *k);
    uint32_t (*draw_mode)(uint64_t random);
    uint32_t simplest_mode;
    /* Do them all in a new world with all checks; prop_fail at the first failure. Keeps prop_at. */
    void (*run)(const void *k, const struct prop_op *ops, unsigned n);
};

struct prop_failure {
    bool failed;
    uint32_t at; /* number of the operation; that of all of them: in the end */
    char text[240];
};

enum { PROP_EXIT_FOUND = 1, PROP_EXIT_USAGE = 2 };

/* How far run is. */
extern unsigned prop_at;

/* In run: a property does not hold. Ends the child, unless the case is run in this process. */
void prop_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
extern void (*prop_on_failure)(const char *text);
/* The same for the core's panics (tp_panic_hook). */
void prop_panic(const char *file, int line, const char *text);

/* ---- generate.c ------------------------------------------------------------------------------------------------- */

/* Advances the state. */
uint64_t prop_random(uint64_t *state);
void prop_generate(const struct prop_kit *kit, struct prop_op *ops, unsigned n, uint64_t seed);

/* ---- table.c ---------------------------------------------------------------------------------------------------- */

void prop_print(const struct prop_kit *kit, const void *k, const struct prop_op *ops, unsigned n, const char *text);
bool prop_save(const struct prop_kit *kit, const char *file, const void *k, const struct prop_op *ops, unsigned n,
               const char *text);
/* False, after a message: the file cannot be read, or is no such table. *ops is malloc'ed; k has room for a case. */
bool prop_load(const struct prop_kit *kit, const char *file, void *k, struct prop_op **ops, unsigned *n);

/* ---- shrink.c --------------------------------------------------------------------------------------------------- */

/* In a child. loud: what the core prints before it dies is shown. */
struct prop_failure prop_try(const struct prop_kit *kit, const void *k, const struct prop_op *ops, unsigned n,
                             bool loud);
/* ops fails with f: make it as small as it gets with max_tries runs. The new number of operations. */
unsigned prop_shrink(const struct prop_kit *kit, const void *k, struct prop_op *ops, unsigned n, struct prop_failure *f,
                     unsigned max_tries);

/* ---- command.c -------------------------------------------------------------------------------------------------- */

/* ops has failed with f: say so, shrink and print it, save it too if save is not NULL. PROP_EXIT_FOUND. */
int prop_found(const struct prop_kit *kit, const void *k, struct prop_op *ops, unsigned n, struct prop_failure *f,
               const char *save);
/* Run a file once: 0, PROP_EXIT_FOUND or PROP_EXIT_USAGE. */
int prop_replay(const struct prop_kit *kit, const char *file);
/*
 * The test of the test: ops fails with f because of a fault that was injected into it, which without, the same case
 * without it, has not. It must shrink to at most that many operations, survive being written and read, and hold
 * without the fault. 0, or 1 after a message.
 */
int prop_self_test(const struct prop_kit *kit, const void *k, const void *without, struct prop_op *ops, unsigned n,
                   struct prop_failure *f, unsigned at_most);
/* A decimal number up to max. */
bool prop_number(const char *text, uint64_t max, uint64_t *out);

/* What command lines say. NULL, and one_machine false: nothing of that. */
struct prop_args {
    const char *level, *replay, *save;
    uint64_t ops, seed, machine; /* machine: at most max_machine */
    bool self_test, one_machine;
};
/*
 * --level, --machine, --ops, --seed, --save, --replay, --self-test and --help, into *a, which holds the defaults;
 * level_ok says whether there is such a level; own takes any other option with its value, false: there is no such one
 * (NULL: none). -1, or what to exit with after a message.
 */
int prop_parse(int argc, char **argv, const char *usage, uint64_t max_machine, bool (*level_ok)(const char *level),
               bool (*own)(const char *option, const char *value), struct prop_args *a);

#endif
