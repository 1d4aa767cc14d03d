/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dtb.h"

#include <libfdt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define OLDEST_VERSION 16 /* of the format; 17 is today's */
#define MAX_DEPTH 64      /* real trees have about ten levels */

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static int by_phandle(const void *a, const void *b)
{
    const struct dtb_phandle *x = a, *y = b;
    return x->phandle != y->phandle ? (x->phandle < y->phandle ? -1 : 1) : x->node < y->node ? -1 : x->node > y->node;
}

static void add_phandle(struct dtb *d, unsigned node)
{
    uint32_t p = fdt_get_phandle(d->fdt, d->node[node].offset);
    if (p && p != UINT32_MAX)
        d->phandle[d->nr_phandles++] = (struct dtb_phandle){p, node};
}

static unsigned count_nodes(const void *fdt)
{
    unsigned n = 0;
    for (int at = 0; at >= 0; at = fdt_next_node(fdt, at, NULL))
        n++;
    return n;
}

static bool index_nodes(struct dtb *d)
{
    unsigned open[MAX_DEPTH + 1] = {0}, most = count_nodes(d->fdt);
    int depth = 0, last = 0;

    d->node = malloc(most * sizeof(*d->node));
    d->phandle = malloc(most * sizeof(*d->phandle));
    if (!d->node || !d->phandle)
        return dtb_no_memory(d);
    for (int at = 0; at >= 0 && depth >= 0; at = fdt_next_node(d->fdt, at, &depth)) {
        if (depth > MAX_DEPTH)
            return dtb_bad(d, d->nr - 1, "more than %d levels of nodes", MAX_DEPTH);
        for (; last >= depth && d->nr; last--)
            d->node[open[last]].end = d->nr;
        d->node[d->nr] = (struct dtb_node){at, depth ? open[depth - 1] : 0, 0};
        open[depth] = d->nr++;
        last = depth;
    }
    for (; last >= 0; last--)
        d->node[open[last]].end = d->nr;
    for (unsigned i = 0; i < d->nr; i++)
        add_phandle(d, i);
    qsort(d->phandle, d->nr_phandles, sizeof(*d->phandle), by_phandle);
    for (unsigned i = 1; i < d->nr_phandles; i++)
        if (d->phandle[i].phandle == d->phandle[i - 1].phandle)
            return dtb_bad(d, d->phandle[i].node, "phandle 0x%x is that of another node, too", d->phandle[i].phandle);
    return true;
}

bool dtb_open(struct dtb *d, const char *data, size_t size, struct fault *f)
{
    *d = (struct dtb){.f = f};
    if (size < sizeof(struct fdt_header) || fdt_magic(data) != FDT_MAGIC) {
        fault_set(f, EXIT_BAD_INPUT, "no device tree blob: expected 0xd00dfeed and a header");
        return false;
    }
    if (fdt_totalsize(data) > size) {
        fault_set(f, EXIT_BAD_INPUT, "%zu bytes: its header says that the device tree has %u: is it cut short?", size,
                  fdt_totalsize(data));
        return false;
    }
    /* Names of nodes are paths in older ones; nobody makes those, and libfdt (1.6.1) crashes on some. */
    if (fdt_version(data) < OLDEST_VERSION) {
        fault_set(f, EXIT_BAD_INPUT, "device tree of version %u: expected %d or later", fdt_version(data),
                  OLDEST_VERSION);
        return false;
    }
    if (!(d->fdt = malloc(size)))
        return dtb_no_memory(d);
    memcpy(d->fdt, data, size);
    int err =
        fdt_off_dt_struct(data) % 4 || fdt_off_mem_rsvmap(data) % 8 ? -FDT_ERR_ALIGNMENT : fdt_check_full(d->fdt, size);
    if (err < 0) {
        fault_set(f, EXIT_BAD_INPUT, "damaged device tree: %s", fdt_strerror(err));
        return false;
    }
    return index_nodes(d);
}

void dtb_close(struct dtb *d)
{
    free(d->phandle);
    free(d->node);
    free(d->fdt);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

const char *dtb_path(const struct dtb *d, unsigned node, char *buf, size_t size)
{
    unsigned way[MAX_DEPTH + 1], depth = 0;
    size_t n = 0;
    for (unsigned i = node; i && depth < MAX_DEPTH; i = d->node[i].parent)
        way[depth++] = i;
    snprintf(buf, size, "/");
    while (depth-- && n < size) {
        int len = 0;
        const char *name = fdt_get_name(d->fdt, d->node[way[depth]].offset, &len);
        n += (size_t)snprintf(buf + n, size - n, "/%s", name ? name : "?");
    }
    return buf;
}

bool dtb_bad(const struct dtb *d, unsigned node, const char *fmt, ...)
{
    char path[300], what[500];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    fault_set(d->f, EXIT_BAD_INPUT, "%s: %s", dtb_path(d, node, path, sizeof(path)), what);
    return false;
}

bool dtb_no_memory(const struct dtb *d)
{
    fault_set(d->f, EXIT_HOST_FAILED, "out of memory");
    return false;
}

void dtb_name(const struct dtb *d, unsigned node, char *buf, size_t size)
{
    const char *is = fdt_get_name(d->fdt, d->node[node].offset, NULL);
    snprintf(buf, size, "%.*s", is ? (int)strcspn(is, "@") : 0, is ? is : "");
}

bool dtb_is_named(const struct dtb *d, unsigned node, const char *name)
{
    size_t n = strlen(name);
    const char *is = fdt_get_name(d->fdt, d->node[node].offset, NULL);
    return is && strncmp(is, name, n) == 0 && (!is[n] || is[n] == '@');
}

unsigned dtb_child(const struct dtb *d, unsigned parent, const char *name)
{
    for (unsigned c = parent + 1; c < d->node[parent].end; c = d->node[c].end)
        if (dtb_is_named(d, c, name))
            return c;
    return 0;
}

unsigned dtb_find(const struct dtb *d, uint32_t phandle)
{
    unsigned low = 0, high = d->nr_phandles;
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        if (d->phandle[mid].phandle < phandle)
            low = mid + 1;
        else
            high = mid;
    }
    return low < d->nr_phandles && d->phandle[low].phandle == phandle ? d->phandle[low].node : 0;
}

/* ---- properties -------------------------------------------------------------------------------------------------- */

const uint8_t *dtb_prop(const struct dtb *d, unsigned node, const char *prop, unsigned *len)
{
    int n = 0;
    const void *p = fdt_getprop(d->fdt, d->node[node].offset, prop, &n);
    *len = p && n > 0 ? (unsigned)n : 0;
    return p;
}

bool dtb_has(const struct dtb *d, unsigned node, const char *prop)
{
    unsigned len;
    return dtb_prop(d, node, prop, &len) != NULL;
}

const char *dtb_string(const struct dtb *d, unsigned node, const char *prop)
{
    unsigned len;
    const uint8_t *p = dtb_prop(d, node, prop, &len);
    return p && memchr(p, 0, len) ? (const char *)p : NULL;
}

bool dtb_lists(const struct dtb *d, unsigned node, const char *prop, const char *string)
{
    unsigned len;
    const uint8_t *p = dtb_prop(d, node, prop, &len);
    return p && fdt_stringlist_contains((const char *)p, (int)len, string);
}

uint64_t dtb_read(const uint8_t *p, unsigned cells)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 4 * cells; i++)
        v = v << 8 | p[i];
    return v;
}

bool dtb_number(const struct dtb *d, unsigned node, const char *prop, uint64_t *out)
{
    unsigned len;
    const uint8_t *p = dtb_prop(d, node, prop, &len);
    if (!p)
        return true;
    if (len != 4 && len != 8)
        return dtb_bad(d, node, "%s: %u bytes: expected a number of one or two cells", prop, len);
    *out = dtb_read(p, len / 4);
    return true;
}

bool dtb_u32(const struct dtb *d, unsigned node, const char *prop, uint32_t *out)
{
    unsigned len;
    const uint8_t *p = dtb_prop(d, node, prop, &len);
    if (!p)
        return true;
    if (len != 4)
        return dtb_bad(d, node, "%s: %u bytes: expected one cell of 4", prop, len);
    *out = (uint32_t)dtb_read(p, 1);
    return true;
}

bool dtb_cells(const struct dtb *d, unsigned node, const char *prop, uint32_t dflt, uint32_t most, uint32_t *out)
{
    *out = dflt;
    if (!dtb_u32(d, node, prop, out))
        return false;
    return *out <= most || dtb_bad(d, node, "%s: %u: expected at most %u", prop, *out, most);
}

bool dtb_enabled(const struct dtb *d, unsigned node)
{
    return !dtb_has(d, node, "status") || dtb_lists(d, node, "status", "okay") || dtb_lists(d, node, "status", "ok");
}
