/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path_elf.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Both sizes of a section header and a symbol, as the larger one. */
static bool section_at(const struct elf_object *o, unsigned i, Elf64_Shdr *out)
{
    bool wide = o->bytes[EI_CLASS] == ELFCLASS64;
    uint64_t table = wide ? ((const Elf64_Ehdr *)(const void *)o->bytes)->e_shoff
                          : ((const Elf32_Ehdr *)(const void *)o->bytes)->e_shoff;
    unsigned nr = wide ? ((const Elf64_Ehdr *)(const void *)o->bytes)->e_shnum
                       : ((const Elf32_Ehdr *)(const void *)o->bytes)->e_shnum;
    size_t entry = wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
    if (i >= nr || table + (i + 1) * entry > o->size)
        return false;
    if (wide) {
        memcpy(out, o->bytes + table + i * entry, entry);
    } else {
        Elf32_Shdr s;
        memcpy(&s, o->bytes + table + i * entry, entry);
        *out = (Elf64_Shdr){.sh_name = s.sh_name,
                            .sh_type = s.sh_type,
                            .sh_flags = s.sh_flags,
                            .sh_addr = s.sh_addr,
                            .sh_offset = s.sh_offset,
                            .sh_size = s.sh_size,
                            .sh_link = s.sh_link,
                            .sh_entsize = s.sh_entsize};
    }
    return out->sh_type == SHT_NOBITS || out->sh_offset + out->sh_size <= o->size;
}

static void symbol_at(const struct elf_object *o, const Elf64_Shdr *table, size_t i, Elf64_Sym *out)
{
    if (o->bytes[EI_CLASS] == ELFCLASS64) {
        memcpy(out, o->bytes + table->sh_offset + i * sizeof(*out), sizeof(*out));
        return;
    }
    Elf32_Sym s;
    memcpy(&s, o->bytes + table->sh_offset + i * sizeof(s), sizeof(s));
    *out = (Elf64_Sym){.st_name = s.st_name,
                       .st_info = s.st_info,
                       .st_other = s.st_other,
                       .st_shndx = s.st_shndx,
                       .st_value = s.st_value,
                       .st_size = s.st_size};
}

static int by_address(const void *a, const void *b)
{
    const struct elf_function *x = a, *y = b;
    if (x->section != y->section)
        return x->section < y->section ? -1 : 1;
    return x->address < y->address ? -1 : x->address > y->address;
}

static int data_by_address(const void *a, const void *b)
{
    const struct elf_data *x = a, *y = b;
    if (x->section != y->section)
        return x->section < y->section ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

static bool add_function(struct elf_object *o, const Elf64_Sym *s, const char *name, const char *file)
{
    Elf64_Shdr sec;
    bool relocatable = ((const Elf64_Ehdr *)(const void *)o->bytes)->e_type == ET_REL;
    uint64_t begin = o->machine == EM_ARM ? s->st_value & ~UINT64_C(1) : s->st_value;
    if (!section_at(o, s->st_shndx, &sec) || sec.sh_type == SHT_NOBITS)
        return true;
    uint64_t at = begin - (relocatable ? 0 : sec.sh_addr);
    if (at + s->st_size > sec.sh_size)
        return true;
    o->function[o->nr_functions++] =
        (struct elf_function){name,        ELF64_ST_BIND(s->st_info) == STB_LOCAL ? file : "",
                              begin,       s->st_size,
                              s->st_shndx, o->bytes + sec.sh_offset + at};
    return true;
}

static int read_symbols(struct elf_object *o, const Elf64_Shdr *table)
{
    Elf64_Shdr names;
    size_t entry = o->bytes[EI_CLASS] == ELFCLASS64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    size_t nr = table->sh_size / entry;
    const char *file = "";
    if (!section_at(o, table->sh_link, &names))
        return -1;
    o->function = calloc(nr + 1, sizeof(*o->function));
    o->data = calloc(nr + 1, sizeof(*o->data));
    if (!o->function || !o->data)
        return -1;
    for (size_t i = 0; i < nr; i++) {
        Elf64_Sym s;
        symbol_at(o, table, i, &s);
        if (s.st_name >= names.sh_size)
            return -1;
        const char *name = (const char *)o->bytes + names.sh_offset + s.st_name;
        if (ELF64_ST_TYPE(s.st_info) == STT_FILE)
            file = name;
        else if (ELF64_ST_TYPE(s.st_info) == STT_FUNC && s.st_shndx != SHN_UNDEF && s.st_shndx < SHN_LORESERVE)
            add_function(o, &s, name, file);
        else if (name[0] == '$' && (name[1] == 'd' || name[1] == 'a' || name[1] == 'x' || name[1] == 't'))
            o->data[o->nr_data++] = (struct elf_data){s.st_shndx, s.st_value, name[1] == 'd'};
    }
    qsort(o->function, o->nr_functions, sizeof(*o->function), by_address);
    qsort(o->data, o->nr_data, sizeof(*o->data), data_by_address);
    /* From marks to stretches of data: each up to the next mark. */
    size_t kept = 0;
    for (size_t i = 0; i < o->nr_data; i++) {
        bool is_data = o->data[i].to;
        uint64_t to =
            i + 1 < o->nr_data && o->data[i + 1].section == o->data[i].section ? o->data[i + 1].from : UINT64_MAX;
        if (is_data)
            o->data[kept++] = (struct elf_data){o->data[i].section, o->data[i].from, to};
    }
    o->nr_data = kept;
    return 0;
}

static int fail(char **err, const char *path, const char *what)
{
    if (asprintf(err, "%s: %s", path, what) < 0)
        *err = NULL;
    return -1;
}

int elf_load(const char *path, struct elf_object *out, char **err)
{
    memset(out, 0, sizeof(*out));
    FILE *f = fopen(path, "re");
    if (!f)
        return fail(err, path, strerror(errno));
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    out->size = size > 0 ? (size_t)size : 0;
    out->bytes = malloc(out->size + 1);
    bool got = out->bytes && fread(out->bytes, 1, out->size, f) == out->size;
    fclose(f);
    if (!got) {
        elf_free(out);
        return fail(err, path, "cannot be read");
    }
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)(const void *)out->bytes;
    if (out->size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_ident[EI_DATA] != ELFDATA2LSB) {
        elf_free(out);
        return fail(err, path, "is no little-endian ELF object");
    }
    out->machine = h->e_machine; /* at the same place in both sizes */
    Elf64_Shdr s;
    for (unsigned i = 0; section_at(out, i, &s); i++)
        if (s.sh_type == SHT_SYMTAB && !out->function && read_symbols(out, &s)) {
            elf_free(out);
            return fail(err, path, "has a broken symbol table");
        }
    if (!out->function) {
        elf_free(out);
        return fail(err, path, "has no symbol table: was it stripped?");
    }
    return 0;
}

void elf_free(struct elf_object *o)
{
    free(o->function);
    free(o->data);
    free(o->bytes);
    memset(o, 0, sizeof(*o));
}

const uint8_t *elf_section(const struct elf_object *o, const char *name, uint64_t *address, uint64_t *size)
{
    Elf64_Shdr names, s;
    bool wide = o->bytes[EI_CLASS] == ELFCLASS64;
    unsigned strings = wide ? ((const Elf64_Ehdr *)(const void *)o->bytes)->e_shstrndx
                            : ((const Elf32_Ehdr *)(const void *)o->bytes)->e_shstrndx;
    if (!section_at(o, strings, &names))
        return NULL;
    for (unsigned i = 0; section_at(o, i, &s); i++)
        if (s.sh_name < names.sh_size && !strcmp((const char *)o->bytes + names.sh_offset + s.sh_name, name)) {
            *address = s.sh_addr;
            *size = s.sh_size;
            return o->bytes + s.sh_offset;
        }
    return NULL;
}

bool elf_is_data(const struct elf_object *o, unsigned section, uint64_t address)
{
    for (size_t i = 0; i < o->nr_data; i++)
        if (o->data[i].section == section && address >= o->data[i].from && address < o->data[i].to)
            return true;
    return false;
}
