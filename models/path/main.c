/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hv-path-table OBJECT.so OUT [ISA SOURCE OBJECT]... : decode an instrumented core and the plain builds of its sources,
 * once, when they are built. Names of plain objects come from a file if given as @LIST, one a line: ISA SOURCE OBJECT.
 */
#include <models/path.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int isa_of(const char *name)
{
    for (int i = 0; i < PATH_ISAS; i++)
        if (!strcmp(name, path_isa_names[i]))
            return i;
    return -1;
}

static int add_list(struct path_table *t, const char *list, char **err)
{
    char isa[16], source[4096], object[4096];
    FILE *f = fopen(list, "re");
    if (!f) {
        perror(list);
        return -1;
    }
    int rc = 0;
    while (!rc && fscanf(f, "%15s %4095s %4095s", isa, source, object) == 3)
        rc = isa_of(isa) < 0 ? -1 : path_table_add_plain(t, (enum path_isa)isa_of(isa), source, object, err);
    fclose(f);
    return rc;
}

int main(int argc, char **argv)
{
    char *err = NULL;
    if (argc != 4 || argv[3][0] != '@') {
        fprintf(stderr, "usage: hv-path-table OBJECT.so OUT @LIST\n");
        return 2;
    }
    struct path_table *t = path_table_decode(argv[1], &err);
    int rc = !t || add_list(t, argv[3] + 1, &err) ? -1 : 0;
    if (!rc) {
        path_table_take_sources(t, t); /* static functions that the plain builds have inlined */
        rc = path_table_write(t, argv[2], &err);
    }
    if (rc) {
        fprintf(stderr, "hv-path-table: %s\n", err ? err : "failed");
        free(err);
        path_table_free(t);
        return 1;
    }
    printf("%u blocks in %u functions; plain: %u of x86-64, %u of aarch64, %u of armv7\n", t->nr_sites, t->nr_functions,
           t->nr_plain[PATH_X86_64], t->nr_plain[PATH_AARCH64], t->nr_plain[PATH_ARMV7]);
    path_table_free(t);
    return 0;
}
