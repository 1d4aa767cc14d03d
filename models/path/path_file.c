/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A decoded object as a file beside it: made by the build, of no use on another kind of host. */
#include <models/path.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC UINT64_C(0x3130687461707668) /* "hvpath01" */

struct header {
    uint64_t magic, object_id;
    uint32_t block_bytes, nr_sites, nr_functions, nr_plain[PATH_ISAS];
};

static int fail(char **err, const char *path, const char *what)
{
    if (asprintf(err, "%s: %s", path, what) < 0)
        *err = NULL;
    return -1;
}

int path_table_write(const struct path_table *t, const char *path, char **err)
{
    char temp[4112];
    struct header h = {MAGIC, t->object_id, sizeof(struct path_block), t->nr_sites, t->nr_functions, {0}};
    memcpy(h.nr_plain, t->nr_plain, sizeof(h.nr_plain));
    snprintf(temp, sizeof(temp), "%s.tmp", path);
    FILE *f = fopen(temp, "we");
    if (!f)
        return fail(err, path, strerror(errno));
    fwrite(&h, sizeof(h), 1, f);
    fwrite(t->site, sizeof(*t->site), t->nr_sites, f);
    fwrite(t->function, sizeof(*t->function), t->nr_functions, f);
    for (unsigned i = 0; i < PATH_ISAS; i++)
        if (t->nr_plain[i])
            fwrite(t->plain[i], sizeof(*t->plain[i]), t->nr_plain[i], f);
    bool failed = ferror(f);
    if (fclose(f) != 0 || failed || rename(temp, path) != 0)
        return fail(err, path, strerror(errno));
    return 0;
}

static bool read_array(FILE *f, void **out, size_t size, size_t nr)
{
    *out = malloc(size * nr + 1);
    return *out && fread(*out, size, nr, f) == nr;
}

struct path_table *path_table_read(const char *path, uint64_t object_id, char **err)
{
    struct header h;
    *err = NULL;
    FILE *f = fopen(path, "re");
    if (!f)
        return NULL;
    if (fread(&h, sizeof(h), 1, f) != 1 || h.magic != MAGIC || h.block_bytes != sizeof(struct path_block) ||
        (object_id && h.object_id != object_id)) {
        fclose(f);
        return NULL;
    }
    struct path_table *t = calloc(1, sizeof(*t));
    bool got = t != NULL;
    if (got) {
        t->object_id = h.object_id;
        t->nr_sites = h.nr_sites;
        t->nr_functions = h.nr_functions;
        memcpy(t->nr_plain, h.nr_plain, sizeof(h.nr_plain));
        got = read_array(f, (void **)&t->site, sizeof(*t->site), t->nr_sites) &&
              read_array(f, (void **)&t->function, sizeof(*t->function), t->nr_functions);
        for (unsigned i = 0; got && i < PATH_ISAS; i++)
            got = read_array(f, (void **)&t->plain[i], sizeof(*t->plain[i]), t->nr_plain[i]);
        for (unsigned i = 0; got && i < t->nr_sites; i++)
            got = t->site[i].function < t->nr_functions;
    }
    fclose(f);
    if (!got) {
        fail(err, path, "is cut off; build again");
        path_table_free(t);
        return NULL;
    }
    return t;
}
