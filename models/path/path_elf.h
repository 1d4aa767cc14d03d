/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions and their code in an ELF object of either size, little-endian. */
#ifndef MODELS_PATH_ELF_H
#define MODELS_PATH_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_function {
    const char *name;
    const char *file; /* of a local one: the source; "" otherwise */
    uint64_t address, size;
    unsigned section;
    const uint8_t *code;
};

struct elf_object {
    uint8_t *bytes;
    size_t size;
    unsigned machine; /* EM_* */
    size_t nr_functions;
    struct elf_function *function; /* by section, then address */
    size_t nr_data;                /* places of data among code, by section, then address: mapping symbols of Arm */
    struct elf_data {
        unsigned section;
        uint64_t from, to;
    } * data;
};

/* 0, or -1 with *err (malloc'ed). */
int elf_load(const char *path, struct elf_object *out, char **err);
void elf_free(struct elf_object *o);
/* Bytes of a section by name; NULL: there is none. */
const uint8_t *elf_section(const struct elf_object *o, const char *name, uint64_t *address, uint64_t *size);
bool elf_is_data(const struct elf_object *o, unsigned section, uint64_t address);

#endif
