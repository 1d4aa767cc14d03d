/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libhwloc says neither where nor why it does not take a file, and version 2 takes none of version 3. So libxml2 reads
 * the file first; what libhwloc gets is written by us.
 */
#include "xml_plain.h"

#include <ctype.h>
#include <hwloc.h>
#include <libxml/parser.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECTED "expected complete XML as lstopo writes it"
#define MAX_SET 65536u /* characters of a set of CPUs or nodes: 4,096 CPUs take 1,407 */

#define MAX_NODES 4096u
#define MOST_NUMBERS (1u << 20) /* of CPUs and nodes */
#define MAX_DEPTH 100u

struct plain {
    const char *name;
    struct fault *f;
    FILE *to;
    unsigned version;     /* of hwloc's format: 1 (or before), 2, 3 */
    hwloc_bitmap_t pus;   /* seen so far */
    unsigned nr_nodes;    /* with CPUs */
    hwloc_bitmap_t *cpus; /* of each */
    const xmlNode **node; /* MAX_NODES */
};

static void bad(struct plain *p, const xmlNode *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void bad(struct plain *p, const xmlNode *at, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fault_set(p->f, EXIT_BAD_INPUT, "%s:%ld: %s", p->name, xmlGetLineNo(at), text);
}

static bool is(const xmlNode *n, const char *tag)
{
    return n->type == XML_ELEMENT_NODE && !strcmp((const char *)n->name, tag);
}

/* The text of an attribute; "" if there is none. */
static const char *value_of(const xmlAttr *a)
{
    return a->children && a->children->content ? (const char *)a->children->content : "";
}

static const char *attribute(const xmlNode *n, const char *key)
{
    for (const xmlAttr *a = n->properties; a; a = a->next)
        if (!strcmp((const char *)a->name, key))
            return value_of(a);
    return NULL;
}

static bool one_of(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(text, *list))
            return true;
    return false;
}

/* ---- is it right? --------------------------------------------------------------------------------------------------
 */

/* "0x0000ffff,,0x1": words of 32 bits, the highest first. "0xf...f" has no end and belongs to no box. */
static bool is_set(const char *text)
{
    if (strlen(text) > MAX_SET)
        return false;
    for (const char *c = text; *c;) {
        unsigned digits = 0;
        if (c[0] == '0' && c[1] == 'x')
            c += 2;
        for (; isxdigit((unsigned char)*c); c++)
            digits++;
        if (digits > 8 || (*c && *c != ','))
            return false;
        c += *c == ',';
    }
    return *text != 0;
}

static bool is_number(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n > 0 && n <= 20 && text[n] == 0;
}

static bool check_attribute(struct plain *p, const xmlNode *n, const xmlAttr *a)
{
    static const char *const sets[] = {"cpuset",  "complete_cpuset",  "online_cpuset",
                                       "nodeset", "complete_nodeset", NULL};
    static const char *const numbers[] = {"os_index",     "gp_index",  "depth", "cache_size", "cache_linesize",
                                          "local_memory", "memory_kB", "size",  "count",      "kind",
                                          "subkind",      "nbobjs",    NULL};
    const char *key = (const char *)a->name, *value = value_of(a);
    if (one_of(key, sets) && !is_set(value)) {
        bad(p, n, "%s=\"%.60s\": expected words of hexadecimal digits, as \"0x00000003,0xffffffff\"", key, value);
        return false;
    }
    /* -1 stands for "none" in some. */
    if (one_of(key, numbers) && !is_number(value) && strcmp(value, "-1") != 0) {
        bad(p, n, "%s=\"%.60s\": expected a number", key, value);
        return false;
    }
    return true;
}

static bool has_no_memory_or_cpus(const char *type)
{
    static const char *const devices[] = {"Bridge", "PCIDev", "OSDev", "Misc", NULL};
    return one_of(type, devices);
}

static bool check_type(struct plain *p, const xmlNode *n, const char *type)
{
    static const char *const types[] = {"System",    "Machine",  "Package", "Socket",  "Die",      "Group",
                                        "NUMANode",  "Node",     "Core",    "PU",      "Cache",    "L1Cache",
                                        "L2Cache",   "L3Cache",  "L4Cache", "L5Cache", "L1iCache", "L2iCache",
                                        "L3iCache",  "MemCache", "Bridge",  "PCIDev",  "OSDev",    "Misc",
                                        "Processor", "Proc",     "Module",  "Cluster", "Tile",     NULL};
    if (!type)
        bad(p, n, "an object without a type: " EXPECTED);
    else if (!one_of(type, types))
        bad(p, n, "type=\"%.60s\": hwloc has no such object", type);
    return p->f->code == EXIT_DONE;
}

/* Its number; libhwloc makes room for all below it, also for the highest that there is where none is told. */
static bool check_number(struct plain *p, const xmlNode *n, const char *type, unsigned *number)
{
    const char *os = attribute(n, "os_index");
    unsigned long value = os ? strtoul(os, NULL, 10) : 0;
    if (!os)
        bad(p, n, "a %s without an os_index", type);
    else if (value >= MOST_NUMBERS)
        bad(p, n, "a %s with os_index=\"%.20s\": expected less than %u", type, os, MOST_NUMBERS);
    *number = (unsigned)value;
    return p->f->code == EXIT_DONE;
}

/* A CPU that is there twice. */
static bool check_pu(struct plain *p, const xmlNode *n)
{
    unsigned cpu;
    if (!check_number(p, n, "PU", &cpu))
        return false;
    if (hwloc_bitmap_isset(p->pus, cpu))
        bad(p, n, "CPU %u is there twice", cpu);
    else if (hwloc_bitmap_set(p->pus, cpu) < 0)
        fault_set(p->f, EXIT_HOST_FAILED, "out of memory");
    return p->f->code == EXIT_DONE;
}

/* Of two nodes one may lie within the other (fast memory of some CPUs, slow memory of more), but they may not cross. */
static bool check_node(struct plain *p, const xmlNode *n)
{
    const char *set = attribute(n, "cpuset"), *os = attribute(n, "os_index");
    unsigned number;
    if (!check_number(p, n, "NUMANode", &number))
        return false;
    hwloc_bitmap_t cpus = hwloc_bitmap_alloc(), both = hwloc_bitmap_alloc();
    if (!cpus || !both || p->nr_nodes == MAX_NODES)
        fault_set(p->f, cpus && both ? EXIT_BAD_INPUT : EXIT_HOST_FAILED, "%s",
                  cpus && both ? "more than 4096 nodes" : "out of memory");
    else if (set && hwloc_bitmap_sscanf(cpus, set) < 0)
        bad(p, n, "cpuset=\"%.60s\": no set", set);
    for (unsigned i = 0; i < p->nr_nodes && p->f->code == EXIT_DONE; i++) {
        const char *other = attribute(p->node[i], "os_index");
        if (hwloc_bitmap_and(both, cpus, p->cpus[i]) == 0 && !hwloc_bitmap_iszero(both) &&
            !hwloc_bitmap_isequal(both, cpus) && !hwloc_bitmap_isequal(both, p->cpus[i]))
            bad(p, n, "CPU %d is in node %.20s and in node %.20s (line %ld)", hwloc_bitmap_first(both), os ? os : "?",
                other ? other : "?", xmlGetLineNo(p->node[i]));
    }
    hwloc_bitmap_free(both);
    if (p->f->code != EXIT_DONE || hwloc_bitmap_iszero(cpus)) {
        hwloc_bitmap_free(cpus);
        return p->f->code == EXIT_DONE;
    }
    p->cpus[p->nr_nodes] = cpus;
    p->node[p->nr_nodes++] = n;
    return true;
}

/* What an object's own attributes do not show. */
static bool check_object(struct plain *p, const xmlNode *n, const char *type)
{
    if (!strcmp(type, "PU") || !strcmp(type, "Processor") || !strcmp(type, "Proc"))
        return check_pu(p, n);
    return (strcmp(type, "NUMANode") != 0 && strcmp(type, "Node") != 0) || check_node(p, n);
}

/* ---- written anew --------------------------------------------------------------------------------------------------
 */

/* What stands for a character in XML; NULL: itself. */
static const char *escape(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return (unsigned char)c < ' ' || c == 0x7f ? " " : NULL;
    }
}

/* Mostly sets of CPUs, which may be megabytes, and stand for themselves. */
static void put_text(FILE *to, const char *text)
{
    while (*text) {
        size_t n = 0;
        while (text[n] && !escape(text[n]))
            n++;
        fwrite(text, 1, n, to);
        text += n;
        if (*text)
            fputs(escape(*text++), to);
    }
}

/* The tag with its attributes, without the closing ">"; false with the fault. */
static bool put_tag(struct plain *p, const xmlNode *n)
{
    fprintf(p->to, "<%s", n->name);
    for (const xmlAttr *a = n->properties; a; a = a->next) {
        if (!check_attribute(p, n, a))
            return false;
        fprintf(p->to, " %s=\"", a->name);
        put_text(p->to, value_of(a));
        fputc('"', p->to);
    }
    return true;
}

static bool put_empty(struct plain *p, const xmlNode *n)
{
    bool ok = put_tag(p, n);
    fputs("/>\n", p->to);
    return ok;
}

/* Text: of distances in hwloc 2, a list of numbers. */
static void put_content(struct plain *p, const xmlNode *n)
{
    for (const xmlNode *c = n->children; c; c = c->next)
        if (c->type == XML_TEXT_NODE && c->content)
            put_text(p->to, (const char *)c->content);
}

/* An element whose parts are of one kind, each empty or with text. */
static bool put_list(struct plain *p, const xmlNode *n, const char *part, const char *other)
{
    bool ok = put_tag(p, n);
    fputs(">\n", p->to);
    for (const xmlNode *c = n->children; c && ok; c = c->next) {
        if (!is(c, part) && !(other && is(c, other)))
            continue;
        ok = c->children ? put_tag(p, c) : put_empty(p, c); /* libhwloc takes no "></info>" */
        if (!c->children)
            continue;
        fputc('>', p->to);
        put_content(p, c);
        fprintf(p->to, "</%s>\n", c->name);
    }
    fprintf(p->to, "</%s>\n", n->name);
    return ok;
}

static bool put_object(struct plain *p, const xmlNode *n, const xmlNode *topology, unsigned depth)
{
    const char *type = attribute(n, "type");
    if (!check_type(p, n, type))
        return false;
    if (has_no_memory_or_cpus(type))
        return true;
    if (!put_tag(p, n) || !check_object(p, n, type))
        return false;
    if (depth > MAX_DEPTH) {
        bad(p, n, "objects within objects, %u deep", depth);
        return false;
    }
    fputs(">\n", p->to);
    bool ok = true;
    /* hwloc 3 tells of the whole box behind the objects, hwloc 2 in the first one. */
    for (const xmlNode *c = topology ? topology->children : NULL; c && ok; c = c->next)
        if (is(c, "info"))
            ok = put_empty(p, c);
    for (const xmlNode *c = n->children; c && ok; c = c->next)
        if (is(c, "info") || is(c, "page_type"))
            ok = put_empty(p, c);
        else if (is(c, "distances") && p->version < 2)
            ok = put_list(p, c, "latency", NULL);
    for (const xmlNode *c = n->children; c && ok; c = c->next)
        if (is(c, "object"))
            ok = put_object(p, c, NULL, depth + 1);
    fputs("</object>\n", p->to);
    return ok;
}

static bool put_topology(struct plain *p, const xmlNode *root)
{
    const xmlNode *machine = NULL;
    bool ok = true;

    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n", p->to);
    fprintf(p->to, p->version >= 2 ? "<topology version=\"2.0\">\n" : "<%s>\n", root->name);
    for (const xmlNode *c = root->children; c && ok; c = c->next) {
        if (!is(c, "object"))
            continue;
        if (machine)
            bad(p, c, "a second machine: expected one");
        machine = c;
        ok = p->f->code == EXIT_DONE && put_object(p, c, p->version > 2 ? root : NULL, 0);
    }
    if (ok && hwloc_bitmap_iszero(p->pus))
        bad(p, root, "no object of type PU in it: " EXPECTED);
    /* Distances of nodes, kinds of cores, what firmware says of latencies: all behind the objects. */
    for (const xmlNode *c = root->children; c && ok && p->f->code == EXIT_DONE; c = c->next) {
        const char *type = attribute(c, "type");
        if (is(c, "distances2") && type && !strcmp(type, "NUMANode"))
            ok = put_list(p, c, "indexes", "u64values");
        else if (is(c, "cpukind"))
            ok = put_list(p, c, "info", NULL);
        else if (is(c, "memattr"))
            ok = put_list(p, c, "memattr_value", NULL);
    }
    fprintf(p->to, "</%s>\n", root->name);
    return ok && p->f->code == EXIT_DONE;
}

/* hwloc's format: "<topology version="2.0">"; before 2 it has no version, before 1 it is "<root>". */
static bool find_version(struct plain *p, const xmlNode *root)
{
    const char *v = root ? attribute(root, "version") : NULL;
    if (!root || (!is(root, "topology") && !is(root, "root"))) {
        if (root)
            bad(p, root, "<%.60s>: expected <topology>, as lstopo writes it", (const char *)root->name);
        return false;
    }
    p->version = v ? (unsigned)strtoul(v, NULL, 10) : 1;
    if (p->version == 1 || p->version == 2 || p->version == 3)
        return true;
    bad(p, root, "version=\"%.60s\": expected one of hwloc 1 to 3", v);
    return false;
}

/* What libxml2 found wrong. */
static void not_xml(struct plain *p, xmlParserCtxt *c)
{
    const xmlError *e = c ? xmlCtxtGetLastError(c) : NULL;
    if (!e || !e->message) {
        fault_set(p->f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    fault_set(p->f, EXIT_BAD_INPUT, "%s:%d:%d: %.*s: " EXPECTED, p->name, e->line, e->int2,
              (int)strcspn(e->message, "\n"), e->message);
}

static void write_plain(struct plain *p, const xmlNode *root, char **out, size_t *out_size)
{
    p->pus = hwloc_bitmap_alloc();
    p->cpus = calloc(MAX_NODES, sizeof(*p->cpus));
    p->node = calloc(MAX_NODES, sizeof(*p->node));
    p->to = open_memstream(out, out_size);
    bool ok = p->pus && p->cpus && p->node && p->to;
    if (!ok)
        fault_set(p->f, EXIT_HOST_FAILED, "out of memory");
    ok = ok && put_topology(p, root);
    if (p->to && fclose(p->to)) {
        fault_set(p->f, EXIT_HOST_FAILED, "out of memory");
        ok = false;
    }
    if (!ok) {
        free(*out);
        *out = NULL;
    }
    for (unsigned i = 0; i < p->nr_nodes; i++)
        hwloc_bitmap_free(p->cpus[i]);
    hwloc_bitmap_free(p->pus);
    free(p->cpus);
    free(p->node);
}

char *xml_plain(const char *data, size_t size, const char *name, size_t *out_size, struct fault *f)
{
    /* HUGE: sets of thousands of CPUs fill more than the 10 MB that libxml2 takes for an attack; entities would be one.
     */
    const int how = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOBLANKS | XML_PARSE_NOCDATA |
                    XML_PARSE_BIG_LINES | XML_PARSE_HUGE;
    char *out = NULL;
    struct plain p = {.name = name, .f = f};
    if (memmem(data, size, "<!ENTITY", 8)) {
        fault_set(f, EXIT_BAD_INPUT, "%s: it declares entities: " EXPECTED, name);
        return NULL;
    }
    xmlParserCtxt *c = xmlNewParserCtxt();
    xmlDoc *doc = c ? xmlCtxtReadMemory(c, data, (int)size, name, NULL, how) : NULL;
    if (!doc)
        not_xml(&p, c);
    else if (find_version(&p, xmlDocGetRootElement(doc)))
        write_plain(&p, xmlDocGetRootElement(doc), &out, out_size);
    xmlFreeDoc(doc);
    xmlFreeParserCtxt(c);
    return out;
}
