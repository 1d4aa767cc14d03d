/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where things are in an xl.cfg file: the keys with line and column, in the grammar of libxlutil 4.17. libxlutil gives
 * the values but neither lists keys nor knows columns. Included by xlcfg.c and by its test.
 */
#ifndef SIM_XLCFG_SCAN_H
#define SIM_XLCFG_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct xlcfg_pos {
    unsigned line, column; /* from 1; columns count bytes */
};

struct xlcfg_value {
    struct xlcfg_pos at; /* of a string: of its opening quote */
    bool quoted;
    bool list; /* the value is [ ... ] */
    unsigned nr_items;
    struct xlcfg_value *item; /* of a list */
};

struct xlcfg_setting {
    char *key;
    struct xlcfg_pos at;
    struct xlcfg_value value;
    bool append;         /* written with += */
    bool numeric_escape; /* the value holds "\NNN", which libxlutil accepts but decodes wrongly */
    struct xlcfg_pos escape_at;
};

struct xlcfg_scan {
    unsigned nr, room;
    struct xlcfg_setting *setting; /* in file order */
};

/*
 * text[len] must end with a newline. 0, or -1 with what is wrong and where in err/at (err: a sentence without
 * position). Out of memory is reported the same way. The scan must be freed in every case.
 */
int xlcfg_scan(const char *text, size_t len, struct xlcfg_scan *out, char *err, size_t errlen, struct xlcfg_pos *at);
void xlcfg_scan_free(struct xlcfg_scan *s);

#ifdef __cplusplus
}
#endif

#endif
