/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An instrumented object, and plain builds of the same sources, cut into blocks. */
#include "path_elf.h"
#include <models/path.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A block goes on at the target of a jump that leads to code without a site of its own; no further than this. */
#define MAX_BLOCK 400u
#define SITE_BYTES (2u * PATH_SITE_STEP)

static int fail(char **err, const char *path, const char *what)
{
    if (asprintf(err, "%s: %s", path, what) < 0)
        *err = NULL;
    return -1;
}

uint64_t path_object_id(const char *object)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325), words[512];
    FILE *f = fopen(object, "re");
    if (!f)
        return 0;
    for (size_t n; memset(words, 0, sizeof(words)), (n = fread(words, 1, sizeof(words), f)) > 0;)
        for (size_t i = 0; i < (n + 7) / 8; i++) {
            h = (h ^ words[i]) * UINT64_C(0x100000001b3);
            h ^= h >> 29;
        }
    fclose(f);
    return h ? h : 1;
}

void path_table_free(struct path_table *t)
{
    if (!t)
        return;
    free(t->site);
    free(t->function);
    for (unsigned i = 0; i < PATH_ISAS; i++)
        free(t->plain[i]);
    free(t);
}

/* What the compiler added to a name cut off (".isra.0"). */
static void clean_name(char *out, size_t n, const char *name, bool cut)
{
    size_t len = cut ? strcspn(name, ".") : strlen(name);
    snprintf(out, n, "%.*s", (int)(len < n ? len : n - 1), name);
}

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

int path_find_function(const struct path_table *t, const char *file, const char *name)
{
    for (unsigned i = 0; i < t->nr_functions; i++)
        if (!strcmp(t->function[i].name, name) &&
            (!*file || !*t->function[i].file || !strcmp(base_name(t->function[i].file), base_name(file))))
            return (int)i;
    return -1;
}

/* The only source, folder included, of functions of that name (NULL: any) and base name ("": any). NULL: none, several.
 */
static const char *only_source(const struct path_table *t, const char *base, const char *name)
{
    const char *found = NULL;
    for (unsigned k = 0; k < t->nr_functions; k++) {
        const struct path_function *r = &t->function[k];
        if (!strchr(r->file, '/') || (name && strcmp(r->name, name) != 0) ||
            (*base && strcmp(base_name(r->file), base) != 0))
            continue;
        if (found && strcmp(found, r->file) != 0)
            return NULL;
        found = r->file;
    }
    return found;
}

void path_table_take_sources(struct path_table *t, const struct path_table *reference)
{
    for (unsigned i = 0; i < t->nr_functions; i++) {
        struct path_function *f = &t->function[i];
        if (strchr(f->file, '/'))
            continue;
        const char *found = only_source(reference, f->file, f->name);
        if (!found && *f->file)
            found = only_source(reference, f->file, NULL);
        if (found)
            memcpy(f->file, found, sizeof(f->file));
    }
}

static int add_function(struct path_table *t, const char *file, const char *name)
{
    char clean_file[32], clean[64];
    clean_name(clean_file, sizeof(clean_file), file, false);
    clean_name(clean, sizeof(clean), name, true);
    int at = path_find_function(t, clean_file, clean);
    if (at >= 0) {
        if (!*t->function[at].file || strchr(clean_file, '/'))
            memcpy(t->function[at].file, clean_file, sizeof(clean_file));
        return at;
    }
    struct path_function *more = realloc(t->function, (t->nr_functions + 1) * sizeof(*more));
    if (!more)
        return -1;
    t->function = more;
    memcpy(more[t->nr_functions].file, clean_file, sizeof(clean_file));
    memcpy(more[t->nr_functions].name, clean, sizeof(clean));
    return (int)t->nr_functions++;
}

/* ---- the instrumented object ---------------------------------------------------------------------------------------
 */

struct walk {
    const struct elf_object *o;
    struct path_decoder *d;
    uint32_t *site; /* sorted */
    unsigned nr_sites;
};

static int by_offset(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static bool is_site(const struct walk *w, uint64_t address)
{
    uint32_t key = (uint32_t)address;
    return bsearch(&key, w->site, w->nr_sites, sizeof(key), by_offset) != NULL;
}

static const struct elf_function *function_of(const struct elf_object *o, uint64_t address)
{
    for (size_t i = 0; i < o->nr_functions; i++)
        if (address >= o->function[i].address && address < o->function[i].address + o->function[i].size)
            return &o->function[i];
    return NULL;
}

/* Instructions from address on until somebody else's begin. */
static void follow(const struct walk *w, const struct elf_function *f, uint64_t address, unsigned *left)
{
    struct path_insn i;
    while (*left && address >= f->address && address < f->address + f->size && !is_site(w, address)) {
        if (!path_decode_flow(w->d, f->code + (address - f->address), f->address + f->size - address, address, &i))
            return;
        path_block_add(w->d);
        --*left;
        if (i.flow == PATH_AWAY && !i.target)
            return;
        address = i.flow == PATH_AWAY ? i.target : address + i.size;
    }
}

static void decode_site(const struct walk *w, const struct elf_function *f, bool first, struct path_site *s)
{
    unsigned left = MAX_BLOCK;
    path_block_begin(w->d);
    if (first)
        follow(w, f, f->address, &left); /* what precedes the first block is done with it */
    follow(w, f, s->offset + SITE_BYTES, &left);
    path_block_end(w->d, &s->block);
}

static int decode_sites(struct path_table *t, const struct walk *w, const char *object, char **err)
{
    for (unsigned i = 0; i < t->nr_sites; i++) {
        struct path_site *s = &t->site[i];
        const struct elf_function *f = function_of(w->o, s->offset);
        if (!f)
            return fail(err, object, "has a counted block outside of every function");
        const uint8_t *code = f->code + (s->offset - f->address);
        if (s->offset + SITE_BYTES > f->address + f->size || memcmp(code, "\x48\x81\x05", 3) != 0 ||
            memcmp(code + PATH_SITE_STEP, "\x48\x81\x05", 3) != 0)
            return fail(err, object, "has a counted block that does not begin as hv/path.h says");
        int at = add_function(t, f->file, f->name);
        if (at < 0)
            return fail(err, object, "out of memory");
        s->function = (uint32_t)at;
        unsigned k = 0; /* the lowest site of the function's address range? */
        uint32_t *lower = w->site;
        while (k < w->nr_sites && lower[k] < f->address)
            k++;
        decode_site(w, f, lower[k] == s->offset, s);
    }
    return 0;
}

struct path_table *path_table_decode(const char *object, char **err)
{
    struct elf_object o;
    if (elf_load(object, &o, err))
        return NULL;
    uint64_t address = 0, size = 0;
    const uint8_t *list = elf_section(&o, "hv_path_sites", &address, &size);
    struct path_table *t = calloc(1, sizeof(*t));
    struct walk w = {.o = &o, .d = path_decoder_open(PATH_X86_64)};
    int rc = -1;
    if (!t || !w.d) {
        fail(err, object, "out of memory");
    } else if (!list || o.machine != EM_X86_64) {
        fail(err, object, "was not built for --hv-cost path (docs/hypervisor-cost.md has how)");
    } else {
        t->object_id = path_object_id(object);
        t->nr_sites = w.nr_sites = (unsigned)(size / 4);
        t->site = calloc(t->nr_sites + 1, sizeof(*t->site));
        w.site = calloc(t->nr_sites + 1, sizeof(*w.site));
        for (unsigned i = 0; t->site && w.site && i < t->nr_sites; i++) {
            int32_t at;
            memcpy(&at, list + 4 * (size_t)i, 4);
            t->site[i].offset = w.site[i] = (uint32_t)(address + 4 * (uint64_t)i + (uint64_t)(int64_t)at);
        }
        if (t->site && w.site) {
            qsort(w.site, w.nr_sites, sizeof(*w.site), by_offset);
            rc = decode_sites(t, &w, object, err);
        }
    }
    free(w.site);
    path_decoder_close(w.d);
    elf_free(&o);
    if (rc) {
        path_table_free(t);
        return NULL;
    }
    return t;
}

/* ---- plain objects -------------------------------------------------------------------------------------------------
 */

static int add_block(struct path_table *t, enum path_isa isa, uint32_t function, const struct path_block *b)
{
    if (!b->instructions)
        return 0;
    if (t->nr_plain[isa] % 256 == 0) {
        struct path_plain *more = realloc(t->plain[isa], (t->nr_plain[isa] + 256) * sizeof(*more));
        if (!more)
            return -1;
        t->plain[isa] = more;
    }
    t->plain[isa][t->nr_plain[isa]++] = (struct path_plain){function, *b};
    return 0;
}

/* Where blocks begin: after every jump, and where jumps lead to. */
static void find_leaders(const struct elf_object *o, struct path_decoder *d, const struct elf_function *f,
                         uint8_t *leader)
{
    struct path_insn i;
    leader[0] = 1;
    for (uint64_t at = 0; at < f->size; at += i.size) {
        if (elf_is_data(o, f->section, f->address + at) ||
            !path_decode_flow(d, f->code + at, f->size - at, f->address + at, &i)) {
            i.size = 4;
            continue;
        }
        if (i.flow != PATH_NEXT && at + i.size < f->size)
            leader[at + i.size] = 1;
        if (i.flow != PATH_NEXT && i.target >= f->address && i.target < f->address + f->size)
            leader[i.target - f->address] = 1;
    }
}

static int add_plain_function(struct path_table *t, enum path_isa isa, const struct elf_object *o,
                              struct path_decoder *d, const struct elf_function *f, uint32_t function)
{
    struct path_block b;
    struct path_insn i;
    int rc = 0;
    uint8_t *leader = calloc(f->size + 1, 1);
    if (!leader)
        return -1;
    find_leaders(o, d, f, leader);
    path_block_begin(d);
    for (uint64_t at = 0; !rc && at < f->size; at += i.size) {
        if (leader[at] && at) {
            path_block_end(d, &b);
            rc = add_block(t, isa, function, &b);
            path_block_begin(d);
        }
        if (elf_is_data(o, f->section, f->address + at) ||
            !path_decode_flow(d, f->code + at, f->size - at, f->address + at, &i)) {
            i.size = 4;
            continue;
        }
        path_block_add(d);
    }
    path_block_end(d, &b);
    free(leader);
    return rc ? rc : add_block(t, isa, function, &b);
}

int path_table_add_plain(struct path_table *t, enum path_isa isa, const char *source, const char *object, char **err)
{
    static const unsigned machines[PATH_ISAS] = {EM_X86_64, EM_AARCH64, EM_ARM};
    struct elf_object o;
    if (elf_load(object, &o, err))
        return -1;
    struct path_decoder *d = path_decoder_open(isa);
    int rc = o.machine != machines[isa] ? fail(err, object, "is of another ISA")
             : d                        ? 0
                                        : fail(err, object, "out of memory");
    for (size_t i = 0; rc == 0 && i < o.nr_functions; i++) {
        int at = add_function(t, source, o.function[i].name);
        if (at < 0 || add_plain_function(t, isa, &o, d, &o.function[i], (uint32_t)at))
            rc = fail(err, object, "out of memory");
    }
    path_decoder_close(d);
    elf_free(&o);
    return rc;
}
