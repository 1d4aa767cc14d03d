/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine as boxes within boxes, as it lies on the board, and what it costs to go from node to node as heat maps. A
 * core is the smallest box; caches that it has for itself are told once, in the head.
 */
#include "view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GAP 8.0
#define TITLE 18.0
#define NODE_H 20.0
#define LEAF_H 24.0
#define CHAR_W 6.4 /* of a digit, generously */
#define CELL 28.0
#define WIDE 2.2 /* a box is wider than high by that, about */
#define NODE_W 130.0
#define MARGIN 20.0
#define MAP_W 210.0 /* of a map's title */
#define HEAD 62.0
#define SHADES 6u /* of kinds of cores */

/* Parts that follow each other and are alike in size, in rows and columns. */
struct run {
    unsigned nr, columns;
    double w, h; /* of a part */
};

struct box {
    const struct tree_obj *obj;
    double w, h; /* at least */
    unsigned nr, nr_runs;
    struct box *part; /* nr of them */
    struct run *run;
};

/* ---- how large? ---------------------------------------------------------------------------------------------------
 */

/* A chain of caches that one core has for itself is drawn as the core. */
static bool is_leaf(const struct tree_obj *o)
{
    while (o->child && !o->child->next && o->type != TREE_CORE && !o->memory)
        o = o->child;
    return o->type == TREE_CORE || o->type == TREE_PU;
}

static void free_box(struct box *b)
{
    for (unsigned i = 0; i < b->nr; i++)
        free_box(&b->part[i]);
    free(b->part);
    free(b->run);
}

/* First and last pCPU of a core, or both of two. */
static void leaf_text(const struct tree_obj *o, char *text, size_t room)
{
    unsigned first = TOPO_NONE, last = 0;
    for (unsigned i = 0; i < TOPO_MAX_CPUS; i++)
        if (topo_set_has(&o->cpus, i)) {
            first = first == TOPO_NONE ? i : first;
            last = i;
        }
    snprintf(text, room, last == first ? "%u" : o->nr_cpus > 2 ? "%u-%u" : "%u %u", first, last);
}

static double title_height(const struct tree_obj *o)
{
    return o->type == TREE_GROUP ? GAP : TITLE + GAP / 2;
}

/* Columns for nr parts: about as wide as asked for, with as few empty places as can be. */
static unsigned choose_columns(unsigned nr, double cell_w, double cell_h)
{
    double ideal = sqrt(WIDE * nr * (cell_h + GAP) / (cell_w + GAP));
    unsigned best = nr;
    double best_cost = INFINITY;
    for (unsigned c = 1; c <= nr; c++) {
        unsigned rows = (nr + c - 1) / c;
        double cost = fabs(log(c / ideal)) + 3.0 * (rows * c - nr) / nr;
        if (cost < best_cost) {
            best_cost = cost;
            best = c;
        }
    }
    return best;
}

static unsigned count_list(const struct tree_obj *o)
{
    unsigned n = 0;
    for (; o; o = o->next)
        n++;
    return n;
}

static unsigned node_columns(const struct tree_obj *o, double w)
{
    unsigned n = count_list(o->memory), most = (unsigned)((w - GAP) / (NODE_W + GAP));
    return n < 2 || most < 2 ? 1 : n < most ? n : most;
}

static double nodes_height(const struct tree_obj *o, double w)
{
    unsigned n = count_list(o->memory), c = node_columns(o, w);
    return (n + c - 1) / c * (NODE_H + GAP);
}

static unsigned rows_of(const struct run *r)
{
    return (r->nr + r->columns - 1) / r->columns;
}

/* Each run as wide as it likes, the others then as wide as the widest. */
static void place_runs(struct box *b)
{
    unsigned widest = 0;
    b->w = b->obj->type == TREE_PACKAGE || b->obj->memory ? 150 : 90;
    for (unsigned i = 0; i < b->nr; i++) {
        struct run *r = b->nr_runs ? &b->run[b->nr_runs - 1] : NULL;
        if (!r || fabs(r->h - b->part[i].h) > 0.1) {
            r = &b->run[b->nr_runs++];
            *r = (struct run){.w = 0, .h = b->part[i].h};
        }
        r->nr++;
        r->w = fmax(r->w, b->part[i].w);
    }
    for (unsigned k = 0; k < b->nr_runs; k++) {
        struct run *r = &b->run[k];
        r->columns = choose_columns(r->nr, r->w, r->h);
        double w = r->columns * (r->w + GAP) + GAP;
        if (w > b->w) {
            b->w = w;
            widest = k;
        }
    }
    b->h = title_height(b->obj) + nodes_height(b->obj, b->w);
    for (unsigned k = 0; k < b->nr_runs; k++) {
        struct run *r = &b->run[k];
        unsigned most = (unsigned)((b->w - GAP) / (r->w + GAP));
        if (k != widest && b->nr_runs > 1)
            r->columns = most < r->nr ? most : r->nr;
        b->h += rows_of(r) * (r->h + GAP);
    }
}

static bool fit(struct box *b, const struct tree_obj *o, double leaf_w)
{
    unsigned nr = count_list(o->child) + 1;
    *b = (struct box){.obj = o, .w = leaf_w, .h = LEAF_H};
    if (is_leaf(o))
        return true;
    b->part = calloc(nr, sizeof(*b->part));
    b->run = calloc(nr, sizeof(*b->run));
    if (!b->part || !b->run)
        return false;
    for (const struct tree_obj *c = o->child; c; c = c->next)
        if (!fit(&b->part[b->nr++], c, leaf_w))
            return false;
    place_runs(b);
    return true;
}

/* ---- drawing ------------------------------------------------------------------------------------------------------
 */

static void text_at(FILE *to, double x, double y, const char *style, const char *text)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, style);
    for (; *text; text++)
        fputs(*text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : (const char[]){*text, 0}, to);
    fputs("</text>\n", to);
}

static void box_at(FILE *to, double x, double y, double w, double h, const char *style)
{
    fprintf(to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"4\" class=\"%s\"/>\n", x, y, w, h,
            style);
}

static void title_of(const struct machine *m, const struct tree_obj *o, char *text, size_t room)
{
    char size[32];
    switch (o->type) {
    case TREE_PACKAGE:
        snprintf(text, room, "socket %u", o->index);
        break;
    case TREE_L3:
        snprintf(text, room, "L3 %s", topo_size(m->l3.size, size, sizeof(size)));
        break;
    case TREE_L2:
        snprintf(text, room, "L2 %s", topo_size(topo_l2_size(m, o), size, sizeof(size)));
        break;
    case TREE_L1:
        snprintf(text, room, "L1d %s", topo_size(topo_l1d_size(m, o), size, sizeof(size)));
        break;
    default:
        *text = 0;
    }
}

static void draw_leaf(FILE *to, const struct machine *m, const struct box *b, double x, double y, double w)
{
    char text[32], style[16];
    unsigned first = 0;
    while (first < m->nr_cpus - 1 && !topo_set_has(&b->obj->cpus, first))
        first++;
    leaf_text(b->obj, text, sizeof(text));
    snprintf(style, sizeof(style), "core k%u", m->cpu[first].kind % SHADES);
    box_at(to, x, y, w, LEAF_H, style);
    text_at(to, x + w / 2, y + LEAF_H / 2 + 4, "cpu", text);
}

static void draw_node(FILE *to, const struct machine *m, const struct tree_obj *n, double x, double y, double w)
{
    char text[128], size[32];
    uint64_t memory = topo_node_memory(m, n->index);
    box_at(to, x, y, w, NODE_H, memory ? "node" : "node empty");
    snprintf(text, sizeof(text), "node %u", n->index);
    text_at(to, x + GAP, y + NODE_H - 6, "title", text);
    text_at(to, x + w - GAP, y + NODE_H - 6, "right", memory ? topo_size(memory, size, sizeof(size)) : "no memory");
}

/* In a place of that size: of a row all are as high as the highest. */
static void draw(FILE *to, const struct machine *m, const struct box *b, double x, double y, double w, double h)
{
    static const char *const style[] = {[TREE_MACHINE] = "machine", [TREE_PACKAGE] = "socket", [TREE_GROUP] = "part",
                                        [TREE_L3] = "l3",           [TREE_L2] = "l2",          [TREE_L1] = "l2"};
    char text[256];
    if (is_leaf(b->obj)) {
        draw_leaf(to, m, b, x, y, w);
        return;
    }
    if (b->obj->type != TREE_MACHINE)
        box_at(to, x, y, w, h, style[b->obj->type]);
    title_of(m, b->obj, text, sizeof(text));
    if (*text)
        text_at(to, x + GAP, y + TITLE - 4, "title", text);
    y += title_height(b->obj);
    unsigned columns = node_columns(b->obj, w), i = 0;
    double node_w = (w - GAP) / columns - GAP;
    for (const struct tree_obj *n = b->obj->memory; n; n = n->next, i++)
        draw_node(to, m, n, x + GAP + i % columns * (node_w + GAP), y + i / columns * (NODE_H + GAP), node_w);
    y += nodes_height(b->obj, w);
    const struct box *part = b->part;
    for (unsigned k = 0; k < b->nr_runs; k++) {
        const struct run *r = &b->run[k];
        double part_w = (w - GAP) / r->columns - GAP;
        for (i = 0; i < r->nr; i++)
            draw(to, m, part++, x + GAP + i % r->columns * (part_w + GAP), y + i / r->columns * (r->h + GAP), part_w,
                 r->h);
        y += rows_of(r) * (r->h + GAP);
    }
}

static void put_head(FILE *to, const struct machine *m)
{
    char text[512], a[32], b[32], c[32], turbo[48] = "";
    text_at(to, MARGIN, 30, "name", m->name);
    snprintf(text, sizeof(text), "%.300s", m->description);
    text_at(to, MARGIN, 48, "note", text);
    if (m->nr_turbo)
        snprintf(turbo, sizeof(turbo), " (up to %g)", m->turbo_hz[0] / 1e9);
    snprintf(
        text, sizeof(text), "%s, %g GHz%s; %u socket%s, %u cores, %u pCPUs, %u node%s, %s. A core has L1d %s%s%s%s.",
        m->isa, m->freq_hz / 1e9, turbo, m->nr_sockets, m->nr_sockets > 1 ? "s" : "", m->nr_cores, m->nr_cpus,
        m->nr_nodes, m->nr_nodes > 1 ? "s" : "", topo_size(machine_memory(m), a, sizeof(a)),
        topo_size(m->l1d.size, b, sizeof(b)), m->l2.nr == m->nr_cores ? ", L2 " : "",
        m->l2.nr == m->nr_cores ? topo_size(m->l2.size, c, sizeof(c)) : "", m->nr_kinds > 1 ? " (kinds differ)" : "");
    text_at(to, MARGIN, 64, "note", text);
}

/* One heat map: the farther the darker. */
static void draw_map(FILE *to, const struct machine *m, double x, double y, const char *title, bool latency)
{
    unsigned n = m->nr_nodes;
    double least = INFINITY, most = 0;
    char text[32];
    for (unsigned i = 0; i < n * n; i++) {
        double d = latency ? m->mem_latency_ns[i] : m->slit[i];
        least = fmin(least, d);
        most = fmax(most, d);
    }
    text_at(to, x, y + TITLE - 4, "title", title);
    y += TITLE + 4;
    for (unsigned a = 0; a < n; a++) {
        snprintf(text, sizeof(text), "%u", a);
        text_at(to, x + CELL / 2, y + (a + 1.5) * CELL + 4, "axis", text);
        text_at(to, x + (a + 1.5) * CELL, y + CELL / 2 + 6, "axis", text);
        for (unsigned b = 0; b < n; b++) {
            double d = latency ? m->mem_latency_ns[a * n + b] : m->slit[a * n + b];
            double far = most > least ? (d - least) / (most - least) : 0;
            fprintf(
                to,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\" fill=\"rgb(%.0f,%.0f,%.0f)\"/>\n",
                x + (b + 1) * CELL + 0.5, y + (a + 1) * CELL + 0.5, CELL - 1, CELL - 1, 232 - 190 * far,
                240 - 158 * far, 250 - 100 * far);
            snprintf(text, sizeof(text), "%.0f", d);
            text_at(to, x + (b + 1.5) * CELL, y + (a + 1.5) * CELL + 4, far > 0.5 ? "cpu light" : "cpu", text);
        }
    }
}

static void put_kinds(FILE *to, const struct machine *m, double y)
{
    double x = MARGIN;
    for (unsigned k = 1; k < m->nr_kinds; k++) {
        char style[16], text[128];
        snprintf(style, sizeof(style), "core k%u", k % SHADES);
        box_at(to, x, y, 18, 14, style);
        snprintf(text, sizeof(text), "%.80s, %g GHz", m->kind[k].name, m->kind[k].freq_hz / 1e9);
        text_at(to, x + 24, y + 11, "note", text);
        x += 44 + CHAR_W * (double)strlen(text);
    }
}

static const char style_sheet[] =
    "<style>text{font-family:'DejaVu Sans',Verdana,sans-serif;font-size:11px;fill:#26303a}"
    ".name{font-size:18px;font-weight:700}.note{fill:#5b6670}.title{font-weight:600}"
    ".right{text-anchor:end}.cpu{text-anchor:middle;font-size:10px}.axis{text-anchor:middle;font-size:10px;fill:#"
    "7a8590}"
    ".light{fill:#fff}.socket{fill:#f3f1ea;stroke:#b9b4a3}.part{fill:#faf9f5;stroke:#cfcabb}"
    ".node{fill:#cfe3c4;stroke:#8fb27c}.empty{fill:#f2f2f2;stroke:#b5b5b5;stroke-dasharray:3 2}"
    ".l3{fill:#fbe7d6;stroke:#dba97c}.l2{fill:#fdf5e4;stroke:#d8c083}.core{fill:#dde7f4;stroke:#8aa4c8}"
    ".k1{fill:#b7cdec}.k2{fill:#e6daf1}.k3{fill:#cdeee5}.k4{fill:#f6dfe3}.k5{fill:#e9edc5}</style>\n";

/* The maps lie beside the machine if it is high, else below it. */
static void put_drawing(FILE *to, const struct machine *m, const struct box *b)
{
    double map = m->nr_nodes > 1 ? (m->nr_nodes + 1) * CELL : 0, map_w = fmax(map, MAP_W), map_h = map + TITLE + 4;
    double top = HEAD + GAP + (m->nr_kinds > 1 ? 26 : 0), w = fmax(b->w, 660), h = top + b->h;
    bool beside = map > 0 && b->h > 2 * map_h + CELL && b->w < 4 * map_w;
    if (map > 0 && !beside) {
        w = fmax(w, 2 * map_w + 2 * CELL);
        h += CELL + map_h;
    }
    double whole = w + (beside ? CELL + map_w : 0) + 2 * MARGIN;
    fprintf(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\">\n",
            whole, h + MARGIN, whole, h + MARGIN);
    fputs(style_sheet, to);
    fputs("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", to);
    put_head(to, m);
    put_kinds(to, m, HEAD + GAP);
    draw(to, m, b, MARGIN - GAP, top - GAP, w + 2 * GAP, b->h);
    if (map > 0) {
        double x = beside ? MARGIN + w + CELL : MARGIN, y = beside ? top : top + b->h + CELL;
        draw_map(to, m, x, y, "distance (SLIT), row to column", false);
        draw_map(to, m, beside ? x : x + map_w + 2 * CELL, beside ? y + map_h + CELL : y, "idle latency in ns", true);
    }
    fputs("</svg>\n", to);
}

int topo_show_svg(const struct machine *m, FILE *to, struct fault *f)
{
    struct tree_obj *root = tree_build(m, f);
    struct box b = {.nr = 0};
    char widest[32];
    if (!root)
        return f->code;
    snprintf(widest, sizeof(widest), m->threads_per_core > 1 ? "%u %u" : "%u", m->nr_cpus, m->nr_cpus);
    if (fit(&b, root, fmax(30, 10 + CHAR_W * (double)strlen(widest))))
        put_drawing(to, m, &b);
    else
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    free_box(&b);
    tree_free(root);
    return f->code;
}
