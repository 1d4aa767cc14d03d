/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xl.cfg files. Values come from Xen's own parser (libxlutil); keys and positions from our scanner. A key that has no
 * effect in the simulation is accepted by name only if the table of keys lists it; every other unknown key is an error.
 */
#ifndef SIM_XLCFG_H
#define SIM_XLCFG_H

#include <stdbool.h>
#include <stddef.h>
#include <toolstack/toolstack.h>

#ifdef __cplusplus
extern "C" {
#endif

struct xlcfg;

/* Read and check a file. NULL with *err (malloc'ed, one line "file:line:column: ..."). */
struct xlcfg *xlcfg_load(const char *path, char **err);
/* The same from text; name stands in messages where the path would. */
struct xlcfg *xlcfg_parse(const char *text, size_t len, const char *name, char **err);
void xlcfg_free(struct xlcfg *x);

/* Strings in it are owned by x and live as long. */
const struct ts_domain_config *xlcfg_domain(const struct xlcfg *x);
bool xlcfg_given(const struct xlcfg *x, const char *key); /* the file has it */
/* Position of the value of key as "file:line:column" (of the file's start if the key is not there). Owned by x. */
const char *xlcfg_where(struct xlcfg *x, const char *key);
/*
 * A message about the value of key (item: of a list, else 0), at the character offset (from 0) of its text: malloc'ed
 * "file:line:column: ...".
 */
char *xlcfg_complain(const struct xlcfg *x, const char *key, unsigned item, unsigned offset, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

enum xlcfg_effect {
    XLCFG_USED,      /* read */
    XLCFG_NO_EFFECT, /* accepted, changes nothing in the simulation: text says why */
    XLCFG_REFUSED    /* known to xl, but would change what is simulated and is not simulated: text says what to do */
};
struct xlcfg_key {
    const char *name;
    enum xlcfg_effect effect;
    const char *text;
};
/* The table that the reader works from; for `hvsim list xl-keys`. */
const struct xlcfg_key *xlcfg_keys(unsigned *n);

#ifdef __cplusplus
}
#endif

#endif
