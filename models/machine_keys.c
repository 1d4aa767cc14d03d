/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine_keys.h"

#include <stddef.h>
#include <stdio.h>

#define AT(field) offsetof(struct machine, field)

/* Widest plausible ranges: they catch slips of the unit. Times in ns, sizes in bytes, frequencies in Hz. */
const struct machine_field machine_fields[] = {
    {NULL, "name", MK_STRING, AT(name), 0, 0, "name of the machine"},
    {NULL, "description", MK_STRING, AT(description), 0, 0, "one line for people"},
    {NULL, "isa", MK_STRING, AT(isa), 0, 0, "x86-64, aarch64 or armv7"},
    {NULL, "costs", MK_SPECIAL_OPTIONAL, 0, 0, 0, "cost table of the hypervisor on it, in models/costs; default fixed"},
    {"topology", "frequency", MK_FREQ, AT(freq_hz), 1e6, 1e11, "core clock"},
    {"topology", "sockets", MK_SPECIAL_OPTIONAL, 0, 1, 64, "sockets that are alike; else see cores[]"},
    {"topology", "cores_per_socket", MK_SPECIAL_OPTIONAL, 0, 1, 1024, "cores of a socket"},
    {"topology", "threads_per_core", MK_SPECIAL_OPTIONAL, 0, 1, 8,
     "hardware threads of a core; pCPUs are numbered socket by socket, core by core, thread by thread"},
    {"cores[]", "socket", MK_SPECIAL_OPTIONAL, 0, 0, 63,
     "instead of topology.sockets: cores that follow each other in the order of pCPU numbers; their socket"},
    {"cores[]", "node", MK_SPECIAL_OPTIONAL, 0, 0, 63, "their node"},
    {"cores[]", "count", MK_SPECIAL_OPTIONAL, 0, 1, 4096, "how many; default 1"},
    {"cores[]", "threads", MK_SPECIAL_OPTIONAL, 0, 1, 8, "hardware threads of each; default 1"},
    {"cache.l1d", "size", MK_SIZE, AT(l1d.size), 1024, 1e9, "bytes of L1 data cache of a core"},
    {"cache.l1d", "ways", MK_COUNT, AT(l1d.ways), 1, 1024, "associativity"},
    {"cache.l1d", "line", MK_SIZE, AT(l1d.line), 16, 1024, "line size"},
    {"cache.l1d", "latency_cycles", MK_CYCLES, AT(l1d.latency_ns), 1, 1000, "load-to-use latency of a hit"},
    {"cache.l2", "size", MK_SIZE, AT(l2.size), 1024, 1e9, "bytes of L2 of a core"},
    {"cache.l2", "ways", MK_COUNT, AT(l2.ways), 1, 1024, "associativity"},
    {"cache.l2", "line", MK_SIZE, AT(l2.line), 16, 1024, "line size"},
    {"cache.l2", "latency_cycles", MK_CYCLES, AT(l2.latency_ns), 1, 1000, "load-to-use latency of a hit"},
    {"cache.l3", "size", MK_SIZE, AT(l3.size), 1024, 1e10, "bytes of L3 of a socket, shared by all its cores"},
    {"cache.l3", "ways", MK_COUNT, AT(l3.ways), 1, 1024, "associativity"},
    {"cache.l3", "line", MK_SIZE, AT(l3.line), 16, 1024, "line size"},
    {"cache.l3", "latency_cycles", MK_CYCLES, AT(l3.latency_ns), 1, 1000, "load-to-use latency of a hit"},
    {"memory", "latency_ns", MK_SPECIAL, 0, 1, 1e5,
     "idle load-to-use latency, row by row: [node of the core][node of the memory]"},
    {"memory", "bandwidth", MK_BANDWIDTH, AT(node_bandwidth), 1e6, 1e13, "what the controllers of one node sustain"},
    {"memory", "service", MK_TIME_NS, AT(mem_service_ns), 0.1, 1e4,
     "mean time that a request occupies its bank, for the queueing delay"},
    {"link", "bandwidth", MK_BANDWIDTH, AT(link_bandwidth), 1e6, 1e13, "between two sockets, one direction"},
    {"link", "service", MK_TIME_NS, AT(link_service_ns), 0.1, 1e4, "time of a line on the link"},
    {"tlb", "walk", MK_TIME_NS, AT(page_walk_ns), 0, 1e5, "page walk after a miss of it (one dimension)"},
    {"clock", "apart", MK_SPECIAL_OPTIONAL, 0, 0, 1e9,
     "time by which the clocks of pCPUs with odd numbers are ahead of the others'; default 0 s, as hardware has it"},
    {"timer", "latency", MK_SPECIAL_OPTIONAL, 0, 0, 1e9,
     "interrupts of the pCPUs' timers come this much after their time: an emulated host; default 0 s"},
    {"timer", "jitter", MK_SPECIAL_OPTIONAL, 0, 0, 1e9, "and an exponential time of this mean after that; default 0 s"},
    {"timer", "late_fraction", MK_SPECIAL_OPTIONAL, AT(timer_late_fraction), 0, 1,
     "part of the interrupts of the pCPUs' timers that are late: an emulated host, or one with SMIs; left out: none"},
    {"timer", "late_mean", MK_SPECIAL_OPTIONAL, AT(timer_late_mean_ns), 0, 1e9,
     "they are late by an exponential time of this mean; goes with late_fraction"},
    {"numa", "slit", MK_SPECIAL, 0, 10, 254, "distances, row by row; 10 on the diagonal"},
    {"node[]", "socket", MK_SPECIAL_OPTIONAL, 0, 0, 63,
     "socket whose cores belong to this node; left out: no cores. With cores[]: where its memory is attached; "
     "default: the socket of its first core, or 0"},
    {"node[]", "range[].start", MK_SPECIAL, 0, 0, 0, "first byte of a range of RAM, page aligned"},
    {"node[]", "range[].end", MK_SPECIAL, 0, 0, 0, "first byte behind it"},
};
const unsigned machine_nr_fields = sizeof(machine_fields) / sizeof(machine_fields[0]);

static const char *const type_names[] = {"string",    "integer", "frequency", "size",    "time",
                                         "bandwidth", "number",  "see text",  "see text"};

const struct machine_key *machine_keys(unsigned *n)
{
    static struct machine_key keys[64];
    static char names[64][64];
    for (unsigned i = 0; i < machine_nr_fields; i++) {
        const struct machine_field *f = &machine_fields[i];
        snprintf(names[i], sizeof(names[i]), "%s%s%s", f->table ? f->table : "", f->table ? "." : "", f->key);
        keys[i] = (struct machine_key){names[i], type_names[f->type], f->text, f->type != MK_SPECIAL_OPTIONAL};
    }
    *n = machine_nr_fields;
    return keys;
}
