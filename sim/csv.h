/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CSV as of RFC 4180, with \n for line ends. */
#ifndef SIM_CSV_H
#define SIM_CSV_H

#include "fault.h"

/* One field, in quotes if it needs them. */
void csv_write_field(FILE *f, const char *s);

struct csv {
    size_t nr_columns, nr_rows;
    char **column;
    char **cell;    /* nr_rows x nr_columns */
    unsigned *line; /* of each row in the file, 1-based */
    unsigned *at;   /* column in its line where each cell begins, 1-based */
    unsigned header_line;
};

/* The first row names the columns; every row must have as many fields. Lines that begin with # are comments. */
int csv_read(const char *path, struct csv *out, struct fault *f);
void csv_free(struct csv *c);
/* Index of a column; -1 if there is none. */
int csv_column(const struct csv *c, const char *name);
const char *csv_cell(const struct csv *c, size_t row, int column);

#endif
