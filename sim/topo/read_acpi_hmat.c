/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HMAT, what firmware says of latencies and bandwidths between processors and memory. ACPI specification 6.4, 5.2.28:
 * after the header and four reserved bytes structures of type (2 bytes), two reserved, length (4). Type 1 has a matrix
 * of 16-bit entries, initiators by targets, in base units of a picosecond or of a MB/s from revision 2 on; earlier
 * firmware disagrees about units. An entry of 0 says nothing, 0xffff that there is no way.
 */
#include "acpi.h"

#include <stdlib.h>

#define HMAT_FIRST (ACPI_HEADER + 4u)
#define MATRIX_HEADER 32u

enum { ACCESS_LATENCY, READ_LATENCY, WRITE_LATENCY, ACCESS_BANDWIDTH, READ_BANDWIDTH, WRITE_BANDWIDTH };

/* What a machine file has no place for. */
struct left_out {
    unsigned caches, writes, strangers, none;
};

static unsigned node_of(const struct acpi_reader *r, uint32_t domain)
{
    for (unsigned i = 0; i < r->nr_domains; i++)
        if (r->domain[i] == domain)
            return i;
    return TOPO_NONE;
}

/* One entry, in ps or MB/s. False: no memory has such a figure. */
static bool take(struct topo *t, unsigned from, unsigned to, bool latency, double value)
{
    double bytes = value * 1e6, ns = value / 1000;
    if (latency ? ns < TOPO_LEAST_NS || ns > TOPO_MOST_NS : bytes < TOPO_LEAST_BANDWIDTH || bytes > TOPO_MOST_BANDWIDTH)
        return false;
    if (latency)
        t->latency_ns[(size_t)from * t->nr_nodes + to] = ns;
    else if (bytes > t->node[to].bandwidth)
        t->node[to].bandwidth = bytes;
    return true;
}

/* kinds: bit per data type that is wanted. */
static void read_matrix(struct acpi_reader *r, const uint8_t *e, uint32_t length, unsigned kinds, struct left_out *out)
{
    uint64_t initiators = acpi_le(e + 12, 4), targets = acpi_le(e + 16, 4), unit = acpi_le64(e + 24);
    if (initiators > length || targets > length ||
        MATRIX_HEADER + 4 * (initiators + targets) + 2 * initiators * targets > length) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: HMAT: %llu by %llu entries in a structure of %u bytes", r->name,
                  (unsigned long long)initiators, (unsigned long long)targets, length);
        return;
    }
    if (e[8] & 15) {
        out->caches++;
        return;
    }
    out->writes += e[9] == WRITE_LATENCY || e[9] == WRITE_BANDWIDTH;
    if (e[9] > WRITE_BANDWIDTH || !(kinds >> e[9] & 1))
        return;
    const uint8_t *from = e + MATRIX_HEADER, *to = from + 4 * initiators, *entry = to + 4 * targets;
    for (uint64_t a = 0; a < initiators; a++)
        for (uint64_t b = 0; b < targets; b++) {
            unsigned x = node_of(r, acpi_le(from + 4 * a, 4)), y = node_of(r, acpi_le(to + 4 * b, 4));
            uint32_t value = acpi_le(entry + 2 * (a * targets + b), 2);
            if (x == TOPO_NONE || y == TOPO_NONE)
                out->strangers++;
            else if (value && value != 0xffff)
                out->none += !take(r->t, x, y, e[9] <= WRITE_LATENCY, (double)value * (double)unit);
        }
}

static void read_structures(struct acpi_reader *r, const struct acpi_table *t, unsigned kinds, struct left_out *out)
{
    *out = (struct left_out){0};
    for (uint32_t at = HMAT_FIRST; at < t->size && r->f->code == EXIT_DONE;) {
        const uint8_t *e = t->data + at;
        uint32_t length = t->size - at < 8 ? 0 : acpi_le(e + 4, 4);
        unsigned type = length ? acpi_le(e, 2) : 0;
        if (length < 8 || length > t->size - at || (type == 1 && length < MATRIX_HEADER)) {
            fault_set(r->f, EXIT_BAD_INPUT, "%s: HMAT: structure at its byte %u has %u bytes", r->name, at, length);
            return;
        }
        if (type == 1)
            read_matrix(r, e, length, kinds, out);
        else if (type == 2)
            out->caches++;
        at += length;
    }
}

void acpi_read_hmat(struct acpi_reader *r, const struct acpi_table *t)
{
    struct left_out out;
    size_t cells = (size_t)r->t->nr_nodes * r->t->nr_nodes;
    if (t->data[8] < 2) {
        topo_note(r->t, "HMAT is of revision %u, whose units are not certain: not read", t->data[8]);
        return;
    }
    if (!r->t->latency_ns && !(r->t->latency_ns = calloc(cells + 1, sizeof(double)))) {
        fault_set(r->f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    /* What is said of reads goes before what is said of any access. */
    read_structures(r, t, 1u << ACCESS_LATENCY | 1u << ACCESS_BANDWIDTH, &out);
    if (r->f->code == EXIT_DONE)
        read_structures(r, t, 1u << READ_LATENCY | 1u << READ_BANDWIDTH, &out);
    if (r->f->code != EXIT_DONE)
        return;
    topo_note(r->t,
              "latencies and bandwidths as far as HMAT has them are what the firmware says of them, not measured");
    if (out.writes)
        topo_note(r->t, "HMAT: %u tables of what writes take, left out", out.writes);
    if (out.caches)
        topo_note(r->t, "HMAT: %u structures about memory-side caches, left out: what they hold counts as memory",
                  out.caches);
    if (out.strangers)
        topo_note(r->t, "HMAT: %u entries of proximity domains that SRAT does not have, left out", out.strangers);
    if (out.none)
        topo_note(r->t, "HMAT: %u entries of reads that no memory has (%g to %g ns, %g to %g bytes/s), left out",
                  out.none, TOPO_LEAST_NS, TOPO_MOST_NS, TOPO_LEAST_BANDWIDTH, TOPO_MOST_BANDWIDTH);
}
