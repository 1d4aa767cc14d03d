/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading TOML files: a C interface over toml++. Every file of the project that is TOML is read through it.
 *
 * A reader asks for keys by name and says what it expects; the document remembers which keys were asked for, and
 * cfg_finish() reports every key that nobody knew, with file:line:column and the nearest known name. All errors are
 * collected as text in the document (cfg_error); the first one wins and later calls become no-ops that return false,
 * so a reader can ask for everything and check once.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cfg_doc cfg_doc;
/* A table inside a document; valid as long as the document. */
typedef struct cfg_table cfg_table;

/*
 * Parse a file. Never NULL except when memory is out; check cfg_error(). If the file has a string key `inherits` at top
 * level, the named file (relative to this one) is read first and this one's keys override it, table by table.
 */
cfg_doc *cfg_load(const char *path);
/* The same; what `inherits` names without '/' or ".toml" is NAME.toml in the folder presets (NULL: there is none). */
cfg_doc *cfg_load_from(const char *path, const char *presets);
/* The same from text; name stands in error messages where the path would. */
cfg_doc *cfg_parse(const char *text, const char *name);
void cfg_free(cfg_doc *doc);

/* NULL while all is well, else "file:line:column: what, expected what". */
const char *cfg_error(const cfg_doc *doc);
/* The reader found something wrong itself: report it at the position of key in t (key NULL: of the table). */
void cfg_fail(cfg_table *t, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * Override a dotted key ("a.b=value", arrays of tables by index "vm.0.memory=..."; value in TOML syntax, a bare word
 * that is no TOML value is taken as a string). Missing tables are made; unknown keys surface in cfg_finish. Later
 * errors name the position as "--set a.b". false on a syntax error (see cfg_error).
 */
bool cfg_override(cfg_doc *doc, const char *assignment);

cfg_table *cfg_root(cfg_doc *doc);
/* A sub-table; NULL if absent (an error if required). */
cfg_table *cfg_sub(cfg_table *t, const char *key, bool required);
/* Array of tables: count, then each. 0 if absent. */
size_t cfg_array_len(cfg_table *t, const char *key);
cfg_table *cfg_array_at(cfg_table *t, const char *key, size_t i);
/* The keys of a table, in file order; for tables whose keys are names. Marks them known. */
size_t cfg_keys(cfg_table *t, const char *const **keys);

bool cfg_has(cfg_table *t, const char *key);
/* Is there a string at key? For keys that take a word or a number. */
bool cfg_is_string(cfg_table *t, const char *key);
bool cfg_is_integer(cfg_table *t, const char *key);

/*
 * Scalars. out keeps its value if the key is absent, which is an error only if required. Ranges are inclusive; a value
 * outside is an error that names the range.
 */
bool cfg_int(cfg_table *t, const char *key, bool required, int64_t min, int64_t max, int64_t *out);
bool cfg_uint(cfg_table *t, const char *key, bool required, unsigned min, unsigned max, unsigned *out);
bool cfg_double(cfg_table *t, const char *key, bool required, double min, double max, double *out);
bool cfg_bool(cfg_table *t, const char *key, bool required, bool *out);
/* Valid as long as the document. */
bool cfg_string(cfg_table *t, const char *key, bool required, const char **out);
/* One of a NULL-terminated list of words; *out is its index. The error names the nearest. */
bool cfg_enum(cfg_table *t, const char *key, bool required, const char *const *words, unsigned *out);
/*
 * Arrays of numbers / strings; *n elements, storage owned by the document. cfg_strings takes a lone string as a list of
 * one.
 */
bool cfg_doubles(cfg_table *t, const char *key, bool required, const double **out, size_t *n);
bool cfg_ints(cfg_table *t, const char *key, bool required, const int64_t **out, size_t *n);
bool cfg_strings(cfg_table *t, const char *key, bool required, const char *const **out, size_t *n);

/*
 * Quantities: a string "number unit" ("2.4 GHz", "16 TiB", "30 ms", "82 ns", "12.8 GB/s", "40 cycles"). A bare number
 * or a unit of another kind is an error that lists the units of the kind. Results are in the base unit:
 * time ps (integer), size bytes, frequency Hz, bandwidth bytes/s. Sizes are exact: a fraction of a byte is an error.
 */
bool cfg_time_ps(cfg_table *t, const char *key, bool required, int64_t min, int64_t max, int64_t *out);
bool cfg_size(cfg_table *t, const char *key, bool required, uint64_t min, uint64_t max, uint64_t *out);
bool cfg_freq(cfg_table *t, const char *key, bool required, double min, double max, double *out);
bool cfg_bandwidth(cfg_table *t, const char *key, bool required, double min, double max, double *out);
/* Clock cycles of whatever clock the reader has in mind: "42 cycles". */
bool cfg_cycles(cfg_table *t, const char *key, bool required, double min, double max, double *out);
/* Arrays of frequencies, storage owned by the document. */
bool cfg_freqs(cfg_table *t, const char *key, bool required, double min, double max, const double **out, size_t *n);
/* An array of times, storage owned by the document. */
bool cfg_times_ps(cfg_table *t, const char *key, bool required, int64_t min, int64_t max, const int64_t **out,
                  size_t *n);

/* "file:line:column" of a key (or of the table if key is NULL), for messages of the reader. Valid as long as doc. */
const char *cfg_where(cfg_table *t, const char *key);
/* Path of the file that the value of key came from: relative paths in a file are relative to that file. */
const char *cfg_file_of(cfg_table *t, const char *key);

/* Every key was asked for? Otherwise the error names the first unknown one and its nearest known neighbour. */
bool cfg_finish(cfg_doc *doc);

/* The document as it stands after inheritance and overrides, as JSON text; free() it. */
char *cfg_to_json(cfg_doc *doc);

/* The entry of words (NULL-terminated) nearest to s, NULL if none is near. Used for every "did you mean". */
const char *cfg_nearest(const char *s, const char *const *words);

#ifdef __cplusplus
}
#endif

#endif
