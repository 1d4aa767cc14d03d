/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine as boxes within boxes, and its distances as a heat map. */
#include "view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GAP 6.0
#define TITLE 17.0
#define LEAF_W 46.0
#define LEAF_H 22.0
#define CELL 26.0
#define WIDE 1.7 /* wider than high */

struct box {
    const struct tree_obj *obj;
    double w, h;           /* of the whole */
    double cell_w, cell_h; /* of a part */
    unsigned nr, columns;
    struct box *part; /* nr of them */
};

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
}

static bool fit(struct box *b, const struct tree_obj *o)
{
    unsigned memory = 0;
    *b = (struct box){.obj = o, .w = LEAF_W, .h = LEAF_H};
    if (is_leaf(o))
        return true;
    for (const struct tree_obj *c = o->child; c; c = c->next)
        b->nr++;
    for (const struct tree_obj *n = o->memory; n; n = n->next)
        memory++;
    if (!(b->part = calloc(b->nr + 1, sizeof(*b->part))))
        return false;
    unsigned i = 0;
    for (const struct tree_obj *c = o->child; c; c = c->next, i++) {
        if (!fit(&b->part[i], c))
            return false;
        b->cell_w = fmax(b->cell_w, b->part[i].w);
        b->cell_h = fmax(b->cell_h, b->part[i].h);
    }
    b->columns = b->nr;
    if (b->nr > 1) {
        double c = ceil(sqrt(WIDE * b->nr * (b->cell_h + GAP) / (b->cell_w + GAP)));
        b->columns = c < 1 ? 1 : c > b->nr ? b->nr : (unsigned)c;
        unsigned rows = (b->nr + b->columns - 1) / b->columns;
        b->columns = (b->nr + rows - 1) / rows; /* rows of one length where that can be */
    }
    unsigned rows = b->nr ? (b->nr + b->columns - 1) / b->columns : 0;
    b->w = fmax(150, b->columns * (b->cell_w + GAP) + GAP);
    b->h = TITLE + GAP + (TITLE + GAP) * memory + rows * (b->cell_h + GAP);
    return true;
}

static void text_at(FILE *to, double x, double y, const char *style, const char *text)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, style);
    for (; *text; text++)
        fputs(*text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : (const char[]){*text, 0}, to);
    fputs("</text>\n", to);
}

static void box_at(FILE *to, double x, double y, double w, double h, const char *style)
{
    fprintf(to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\" class=\"%s\"/>\n", x, y, w, h,
            style);
}

static void title_of(const struct machine *m, const struct tree_obj *o, char *text, size_t room)
{
    char size[32];
    switch (o->type) {
    case TREE_MACHINE:
        snprintf(text, room, "%s, %u pCPUs, %s", m->name, m->nr_cpus, topo_size(machine_memory(m), size, sizeof(size)));
        break;
    case TREE_PACKAGE:
        snprintf(text, room, "socket %u", o->index);
        break;
    case TREE_L3:
        snprintf(text, room, "L3 %s", topo_size(m->l3.size, size, sizeof(size)));
        break;
    case TREE_L2:
        snprintf(text, room, "L2 %s", topo_size(m->l2.size, size, sizeof(size)));
        break;
    case TREE_L1:
        snprintf(text, room, "L1d %s", topo_size(m->l1d.size, size, sizeof(size)));
        break;
    default:
        snprintf(text, room, "part");
    }
}

static void node_title(const struct machine *m, unsigned node, char *text, size_t room)
{
    char size[32];
    uint64_t sum = 0;
    for (unsigned r = 0; r < m->nr_ranges; r++)
        if (m->range[r].node == node)
            sum += m->range[r].end - m->range[r].start;
    snprintf(text, room, "node %u: %s", node, sum ? topo_size(sum, size, sizeof(size)) : "no memory");
}

/* First and last pCPU of a core, and the shade of its kind. */
static void draw_leaf(FILE *to, const struct machine *m, const struct box *b, double x, double y)
{
    char text[32], style[16];
    unsigned first = TOPO_NONE, last = 0;
    for (unsigned i = 0; i < m->nr_cpus; i++)
        if (topo_set_has(&b->obj->cpus, i)) {
            first = first == TOPO_NONE ? i : first;
            last = i;
        }
    if (first == TOPO_NONE)
        return;
    snprintf(style, sizeof(style), "core k%u", m->cpu[first].kind % 4);
    box_at(to, x, y, LEAF_W, LEAF_H, style);
    snprintf(text, sizeof(text), last == first ? "%u" : b->obj->nr_cpus > 2 ? "%u-%u" : "%u %u", first, last);
    text_at(to, x + LEAF_W / 2, y + LEAF_H / 2 + 4, "cpu", text);
}

static void draw(FILE *to, const struct machine *m, const struct box *b, double x, double y)
{
    static const char *const style[] = {"machine", "socket", "part", "l3", "l2", "l2", "core", "core"};
    char text[256];
    if (is_leaf(b->obj)) {
        draw_leaf(to, m, b, x, y);
        return;
    }
    box_at(to, x, y, b->w, b->h, style[b->obj->type]);
    title_of(m, b->obj, text, sizeof(text));
    text_at(to, x + GAP, y + TITLE - 4, "title", text);
    y += TITLE;
    for (const struct tree_obj *n = b->obj->memory; n; n = n->next, y += TITLE + GAP) {
        box_at(to, x + GAP, y, b->w - 2 * GAP, TITLE, "node");
        node_title(m, n->index, text, sizeof(text));
        text_at(to, x + 2 * GAP, y + TITLE - 4, "title", text);
    }
    for (unsigned i = 0; i < b->nr; i++)
        draw(to, m, &b->part[i], x + GAP + i % b->columns * (b->cell_w + GAP), y + i / b->columns * (b->cell_h + GAP));
}

/* Distances: the farther the darker. */
static void draw_slit(FILE *to, const struct machine *m, double x, double y)
{
    unsigned n = m->nr_nodes, most = 11;
    char text[32];
    for (unsigned i = 0; i < n * n; i++)
        most = m->slit[i] > most ? m->slit[i] : most;
    text_at(to, x, y + TITLE - 4, "title", "distances, from row to column");
    y += TITLE + GAP;
    for (unsigned a = 0; a < n; a++) {
        snprintf(text, sizeof(text), "%u", a);
        text_at(to, x + CELL / 2, y + (a + 1.5) * CELL + 4, "cpu", text);
        text_at(to, x + (a + 1.5) * CELL, y + CELL / 2 + 4, "cpu", text);
        for (unsigned b = 0; b < n; b++) {
            unsigned d = m->slit[a * n + b];
            double far = (d - 10.0) / (most - 10.0);
            fprintf(to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"rgb(%.0f,%.0f,%.0f)\"/>\n",
                    x + (b + 1) * CELL, y + (a + 1) * CELL, CELL - 1, CELL - 1, 247 - 190 * far, 251 - 160 * far,
                    255 - 90 * far);
            snprintf(text, sizeof(text), "%u", d);
            text_at(to, x + (b + 1.5) * CELL, y + (a + 1.5) * CELL + 4, far > 0.6 ? "cpu light" : "cpu", text);
        }
    }
}

int topo_show_svg(const struct machine *m, FILE *to, struct fault *f)
{
    struct tree_obj *root = tree_build(m, f);
    struct box b = {.nr = 0};
    if (!root)
        return f->code;
    if (fit(&b, root)) {
        double slit = m->nr_nodes > 1 ? (m->nr_nodes + 1) * CELL : 0;
        double w = fmax(b.w, slit) + 2 * GAP, h = b.h + 3 * GAP + (slit > 0 ? slit + TITLE + 2 * GAP : 0);
        fprintf(to,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\">\n"
                "<style>text{font-family:sans-serif;font-size:11px;fill:#222}.title{font-weight:600}"
                ".cpu{text-anchor:middle;font-size:10px}.light{fill:#fff}rect{stroke:#777;stroke-width:.8}"
                ".machine{fill:#fff}.socket{fill:#f1efe8}.part{fill:#f8f7f2}.node{fill:#cfe0c3}.l3{fill:#fbe3d0}"
                ".l2{fill:#fdf3e1}.core{fill:#dfe7f3}.k1{fill:#b9cdec}.k2{fill:#e9dcf2}.k3{fill:#d2efe9}</style>\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\" stroke=\"none\"/>\n",
                w, h, w, h);
        draw(to, m, &b, GAP, GAP);
        if (slit > 0)
            draw_slit(to, m, GAP, b.h + 3 * GAP);
        fputs("</svg>\n", to);
    } else {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    }
    free_box(&b);
    tree_free(root);
    return f->code;
}
