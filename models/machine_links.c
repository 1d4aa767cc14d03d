/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The graph of links between sockets ([[link.between]]) and the routes through it: fewest hops; of several such ways
 * the one whose sockets have the lowest numbers, from the first hop on. Without a graph every two sockets have a link.
 */
#include "machine_keys.h"

#include <stdlib.h>
#include <string.h>

#define FAR UINT32_MAX

static bool add_link(struct machine *m, cfg_table *t, unsigned from, unsigned to, double bandwidth)
{
    for (unsigned l = 0; l < m->nr_links; l++)
        if (m->link[l].from == from && m->link[l].to == to) {
            cfg_fail(t, "to", "there is a link from socket %u to %u already", from, to);
            return false;
        }
    m->link[m->nr_links++] = (struct machine_link){from, to, bandwidth};
    return true;
}

static void read_graph(cfg_doc *doc, cfg_table *link, size_t n, struct machine *m)
{
    m->link = calloc(2 * n, sizeof(*m->link));
    if (!m->link)
        cfg_fail(link, NULL, "out of memory");
    for (size_t i = 0; i < n && !cfg_error(doc); i++) {
        cfg_table *t = cfg_array_at(link, "between", i);
        unsigned from = 0, to = 0;
        double bandwidth = m->link_bandwidth;
        bool one_way = false;
        cfg_uint(t, "from", true, 0, m->nr_sockets - 1, &from);
        cfg_uint(t, "to", true, 0, m->nr_sockets - 1, &to);
        cfg_bandwidth(t, "bandwidth", false, 1e6, 1e13, &bandwidth);
        cfg_bool(t, "one_way", false, &one_way);
        if (cfg_error(doc))
            return;
        if (from == to)
            cfg_fail(t, "to", "a link from socket %u to itself", from);
        else if (add_link(m, t, from, to, bandwidth) && !one_way)
            add_link(m, t, to, from, bandwidth);
    }
}

/* Hops from every socket to `to`, breadth first. */
static void count_hops(const struct machine *m, unsigned to, unsigned *hops)
{
    for (unsigned s = 0; s < m->nr_sockets; s++)
        hops[s] = s == to ? 0 : FAR;
    for (unsigned far = 0, found = 1; found; far++) {
        found = 0;
        for (unsigned l = 0; l < m->nr_links; l++)
            if (hops[m->link[l].to] == far && hops[m->link[l].from] == FAR) {
                hops[m->link[l].from] = far + 1;
                found = 1;
            }
    }
}

/* The link of the next hop: to the lowest socket that is one nearer. */
static unsigned next_link(const struct machine *m, unsigned at, const unsigned *hops)
{
    unsigned best = FAR;
    for (unsigned l = 0; l < m->nr_links; l++)
        if (m->link[l].from == at && hops[m->link[l].to] == hops[at] - 1 &&
            (best == FAR || m->link[l].to < m->link[best].to))
            best = l;
    return best;
}

static void make_routes(cfg_doc *doc, cfg_table *link, struct machine *m)
{
    unsigned s = m->nr_sockets, *hops = calloc((size_t)s * s, sizeof(*hops)), all = 0; /* [to][from] */

    m->route_at = calloc((size_t)s * s + 1, sizeof(*m->route_at));
    for (unsigned to = 0; hops && to < s; to++)
        count_hops(m, to, hops + (size_t)to * s);
    for (unsigned a = 0; hops && a < s; a++)
        for (unsigned b = 0; b < s && !cfg_error(doc); b++) {
            unsigned h = hops[(size_t)b * s + a];
            if (h == FAR)
                cfg_fail(link, "between", "no way from socket %u to socket %u", a, b);
            else
                all += h;
        }
    m->route = cfg_error(doc) ? NULL : calloc(all ? all : 1, sizeof(*m->route));
    if (m->route && m->route_at) {
        unsigned n = 0;
        for (unsigned a = 0; a < s; a++)
            for (unsigned b = 0; b < s; b++) {
                m->route_at[(size_t)a * s + b] = n;
                for (unsigned at = a; at != b; at = m->link[m->route[n++]].to)
                    m->route[n] = next_link(m, at, hops + (size_t)b * s);
            }
        m->route_at[(size_t)s * s] = n;
    } else if (!cfg_error(doc)) {
        cfg_fail(link, NULL, "out of memory");
    }
    free(hops);
}

void machine_read_links(cfg_doc *doc, struct machine *m)
{
    cfg_table *link = machine_find_table(doc, "link");
    size_t n = link ? cfg_array_len(link, "between") : 0;

    if (!n)
        return;
    read_graph(doc, link, n, m);
    if (!cfg_error(doc))
        make_routes(doc, link, m);
}

const unsigned *machine_route(const struct machine *m, unsigned from, unsigned to, unsigned *n)
{
    const unsigned *at = &m->route_at[(size_t)from * m->nr_sockets + to];
    *n = at[1] - at[0];
    return m->route + at[0];
}
