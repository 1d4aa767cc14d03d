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
    {"topology", "sockets", MK_SPECIAL_OPTIONAL, 0, 1, 256, "sockets that are alike; else see cores[]"},
    {"topology", "cores_per_socket", MK_SPECIAL_OPTIONAL, 0, 1, 1024, "cores of a socket"},
    {"topology", "threads_per_core", MK_SPECIAL_OPTIONAL, 0, 1, 8,
     "hardware threads of a core; pCPUs are numbered socket by socket, core by core, thread by thread"},
    {"cores[]", "socket", MK_SPECIAL_OPTIONAL, 0, 0, 255,
     "instead of topology.sockets: cores that follow each other in the order of pCPU numbers; their socket"},
    {"cores[]", "node", MK_SPECIAL_OPTIONAL, 0, 0, 63, "their node"},
    {"cores[]", "count", MK_SPECIAL_OPTIONAL, 0, 1, 4096, "how many; default 1"},
    {"cores[]", "threads", MK_SPECIAL_OPTIONAL, 0, 1, 8, "hardware threads of each; default 1"},
    {"cores[]", "kind", MK_SPECIAL_OPTIONAL, 0, 0, 0, "name of a core_kind[]; default: as the machine says for all"},
    {"core_kind[]", "name", MK_SPECIAL_OPTIONAL, 0, 0, 0, "a kind of core, where there are several"},
    {"core_kind[]", "frequency", MK_SPECIAL_OPTIONAL, 0, 1e6, 1e11, "its clock; default topology.frequency"},
    {"core_kind[]", "ipc", MK_SPECIAL_OPTIONAL, 0, 0.01, 100,
     "instructions per cycle that it brings about, relative to the machine's other cores; default 1"},
    {"core_kind[]", "l2_size", MK_SPECIAL_OPTIONAL, 0, 1024, 1e9, "its L2; default cache.l2.size"},
    {"core_kind[]", "l2_latency_cycles", MK_SPECIAL_OPTIONAL, 0, 1, 1000,
     "of its own clock; default cache.l2.latency_cycles"},
    {"topology", "turbo", MK_SPECIAL_OPTIONAL, 0, 1e6, 1e11,
     "list: clock with 1, 2, 3... active cores of the socket, the last for all beyond; left out: always frequency"},
    {"core", "model", MK_SPECIAL_OPTIONAL, 0, 0, 0,
     "for hv_cost = \"path\": its core, in models/cores; default westmere, cortex-a57 or cortex-a15, by isa"},
    {"core", "outstanding", MK_OPTIONAL | MK_NUMBER, AT(core_outstanding), 1, 1024,
     "lines that a core keeps in flight to memory, its prefetchers included; needed by hvsim measure"},
    {"cluster", "cores", MK_OPTIONAL | MK_COUNT, AT(cluster_cores), 1, 1024,
     "consecutive cores of a socket that share one way to the memory system; left out: no limit below the node"},
    {"cluster", "bandwidth", MK_OPTIONAL | MK_BANDWIDTH, AT(cluster_bandwidth), 1e6, 1e13,
     "what goes that way, read and written together"},
    {"cache.l1d", "size", MK_SIZE, AT(l1d.size), 1024, 1e9, "bytes of L1 data cache of a core"},
    {"cache.l1d", "ways", MK_COUNT, AT(l1d.ways), 1, 1024, "associativity"},
    {"cache.l1d", "line", MK_SIZE, AT(l1d.line), 16, 1024, "line size"},
    {"cache.l1d", "latency_cycles", MK_CYCLES, AT(l1d.latency_ns), 1, 1000, "load-to-use latency of a hit"},
    {"cache.l1d", "shared_by", MK_SPECIAL_OPTIONAL, 0, 1, 4096,
     "how many consecutive cores of a socket share one, or a list of the pCPUs of each, as [\"0-3,8-11\", "
     "\"4-7,12-15\"]; default 1 core"},
    {"cache.l1d", "replacement", MK_SPECIAL_OPTIONAL, 0, 0, 0, "lru or random; default lru"},
    {"cache.l2", "size", MK_SIZE, AT(l2.size), 1024, 1e9, "bytes of L2 of a core"},
    {"cache.l2", "ways", MK_COUNT, AT(l2.ways), 1, 1024, "associativity"},
    {"cache.l2", "line", MK_SIZE, AT(l2.line), 16, 1024, "line size"},
    {"cache.l2", "latency_cycles", MK_CYCLES, AT(l2.latency_ns), 1, 1000, "load-to-use latency of a hit"},
    {"cache.l2", "shared_by", MK_SPECIAL_OPTIONAL, 0, 1, 4096,
     "how many consecutive cores of a socket share one, or a list of the pCPUs of each, as [\"0-3,8-11\", "
     "\"4-7,12-15\"]; default 1 core"},
    {"cache.l2", "replacement", MK_SPECIAL_OPTIONAL, 0, 0, 0, "lru or random; default lru"},
    {"cache.l2", "policy", MK_SPECIAL_OPTIONAL, 0, 0, 0,
     "towards the smaller caches: inclusive, non-inclusive, exclusive or victim; default inclusive"},
    {"cache.l3", "size", MK_SIZE, AT(l3.size), 1024, 1e10,
     "bytes of one L3; without the table cache.l3, L2 is the last level"},
    {"cache.l3", "ways", MK_COUNT, AT(l3.ways), 1, 1024, "associativity"},
    {"cache.l3", "line", MK_SIZE, AT(l3.line), 16, 1024, "line size"},
    {"cache.l3", "latency_cycles", MK_CYCLES, AT(l3.latency_ns), 1, 1000, "load-to-use latency of a hit"},
    {"cache.l3", "shared_by", MK_SPECIAL_OPTIONAL, 0, 1, 4096,
     "how many consecutive cores of a socket share one, or a list of the pCPUs of each, as [\"0-3,8-11\", "
     "\"4-7,12-15\"]; default all cores of the socket"},
    {"cache.l3", "replacement", MK_SPECIAL_OPTIONAL, 0, 0, 0, "lru or random; default lru"},
    {"cache.l3", "policy", MK_SPECIAL_OPTIONAL, 0, 0, 0,
     "towards the smaller caches: inclusive, non-inclusive, exclusive or victim; default inclusive"},
    {"memory", "latency_ns", MK_SPECIAL, 0, 1, 1e5,
     "idle load-to-use latency, row by row: [node of the core][node of the memory]"},
    {"memory", "bandwidth", MK_BANDWIDTH, AT(node_bandwidth), 1e6, 1e13, "what the controllers of one node sustain"},
    {"memory", "service", MK_TIME_NS, AT(mem_service_ns), 0.1, 1e4,
     "mean time that a request occupies its bank, for the queueing delay"},
    {"memory", "channels", MK_OPTIONAL | MK_COUNT, AT(mem_channels), 1, 64, "channels of a node"},
    {"memory", "line_transfer", MK_OPTIONAL | MK_TIME_NS, AT(mem_line_ns), 0.1, 1000, "time of a line on a channel"},
    {"memory", "turnaround", MK_OPTIONAL | MK_TIME_NS, AT(mem_turnaround_ns), 0, 1000,
     "what a channel loses by going from reads to a batch of writes and back"},
    {"memory", "write_batch", MK_OPTIONAL | MK_COUNT, AT(mem_write_batch), 1, 1024,
     "lines that are written between two reads; with line_transfer and turnaround: what writes cost"},
    {"memory", "sharing", MK_SPECIAL_OPTIONAL, 0, 0, 0,
     "queue: who waits longer has less, by M/D/1 at every load; max-min: no waiting below saturation, shares by lines "
     "in flight above; default queue"},
    {"snoop", "message", MK_OPTIONAL | MK_SIZE, AT(snoop_message), 1, 1024,
     "bytes that a probe of another socket's caches, and its answer, take of the links there and back; left out: in "
     "the "
     "latencies and bandwidths"},
    {"snoop", "part", MK_SPECIAL_OPTIONAL, 0, 0, 1,
     "part of the misses that probe the other sockets; default 1, as without a directory"},
    {"snoop", "latency", MK_OPTIONAL | MK_TIME_NS, AT(snoop_latency_ns), 0, 1e5,
     "until the last answer is in: a miss that probes takes at least as long"},
    {"snoop", "directory_write", MK_SPECIAL_OPTIONAL, 0, 0, 1,
     "part of the reads from another socket that write the directory back to memory; default 0"},
    {"prefetch", "depth", MK_OPTIONAL | MK_COUNT, AT(prefetch_depth), 1, 1024,
     "lines that the prefetchers keep in flight beyond a program's own misses where it goes through memory in order"},
    {"prefetch", "accuracy", MK_SPECIAL_OPTIONAL, 0, 0.05, 1,
     "part of the lines fetched ahead that are used; default 1"},
    {"node[]", "bandwidth", MK_SPECIAL_OPTIONAL, 0, 1e6, 1e13, "of this node; default memory.bandwidth"},
    {"link.between[]", "from", MK_SPECIAL_OPTIONAL, 0, 0, 255,
     "a link between two sockets; with any of these lines only the links that are listed exist, and routes take the "
     "fewest hops"},
    {"link.between[]", "to", MK_SPECIAL_OPTIONAL, 0, 0, 255, "its other end"},
    {"link.between[]", "bandwidth", MK_SPECIAL_OPTIONAL, 0, 1e6, 1e13, "of each direction; default link.bandwidth"},
    {"link.between[]", "one_way", MK_SPECIAL_OPTIONAL, 0, 0, 0, "true: no way back; default false"},
    {"link", "bandwidth", MK_BANDWIDTH, AT(link_bandwidth), 1e6, 1e13, "between two sockets, one direction"},
    {"link", "port", MK_OPTIONAL | MK_BANDWIDTH, AT(port_bandwidth), 1e6, 1e13,
     "what a node takes in from other nodes, of any socket, and what it gives out, each; left out: no such limit"},
    {"link", "service", MK_TIME_NS, AT(link_service_ns), 0.1, 1e4, "time of a line on the link"},
    {"tlb", "walk", MK_TIME_NS, AT(page_walk_ns), 0, 1e5, "page walk after a miss of it (one dimension)"},
    {"tlb", "l1_entries", MK_SPECIAL_OPTIONAL, 0, 1, 1 << 20,
     "data TLB, first level; left out: TLBs are unknown and nothing is missed in hvsim measure chase"},
    {"tlb", "l1_miss_cycles", MK_OPTIONAL | MK_CYCLES, AT(tlb.l1_miss_ns), 0, 1000, "missed there, hit in the second"},
    {"tlb", "l2_entries", MK_SPECIAL_OPTIONAL, 0, 1, 1 << 20, "second level; left out: there is none"},
    {"tlb", "l2_ways", MK_OPTIONAL | MK_COUNT, AT(tlb.l2_ways), 1, 1 << 20, "its associativity"},
    {"tlb", "l2_miss_cycles", MK_OPTIONAL | MK_CYCLES, AT(tlb.l2_miss_ns), 0, 10000,
     "missed in the last level, table entries found in the caches"},
    {"tlb", "walk_cache_entries", MK_OPTIONAL | MK_COUNT, AT(tlb.walk_cache_entries), 1, 1 << 20,
     "page-walk cache: entries of the level above the last"},
    {"tlb", "walk_cache_reach", MK_OPTIONAL | MK_SIZE, AT(tlb.walk_cache_reach), 4096, 1e15,
     "address space that one of them covers"},
    {"tlb", "walk_cache_miss_cycles", MK_OPTIONAL | MK_CYCLES, AT(tlb.walk_cache_miss_ns), 0, 10000,
     "missed there, too: what the longer walk costs"},
    {"tlb", "pte_bytes", MK_OPTIONAL | MK_COUNT, AT(tlb.pte_bytes), 4, 64, "size of a page table entry; default 8"},
    {"tlb", "l1_entries_2m", MK_SPECIAL_OPTIONAL, 0, 0, 1 << 20, "for pages of 2 MiB; default l1_entries"},
    {"tlb", "l2_entries_2m", MK_SPECIAL_OPTIONAL, 0, 0, 1 << 20, "default l2_entries"},
    {"tlb", "l1_entries_1g", MK_SPECIAL_OPTIONAL, 0, 0, 1 << 20, "for pages of 1 GiB; default l1_entries"},
    {"tlb", "l2_entries_1g", MK_SPECIAL_OPTIONAL, 0, 0, 1 << 20, "default l2_entries"},
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
    {"node[]", "socket", MK_SPECIAL_OPTIONAL, 0, 0, 255,
     "socket whose cores belong to this node; left out: no cores. With cores[]: where its memory is attached; "
     "default: the socket of its first core, or 0"},
    {"node[]", "range[].start", MK_SPECIAL, 0, 0, 0, "first byte of a range of RAM, page aligned"},
    {"node[]", "range[].end", MK_SPECIAL, 0, 0, 0, "first byte behind it"},
};
const unsigned machine_nr_fields = sizeof(machine_fields) / sizeof(machine_fields[0]);

static const char *const type_names[] = {"string",    "integer", "frequency", "size",     "time",
                                         "bandwidth", "number",  "number",    "see text", "see text"};

const struct machine_key *machine_keys(unsigned *n)
{
    static struct machine_key keys[128];
    static char names[128][64];
    for (unsigned i = 0; i < machine_nr_fields; i++) {
        const struct machine_field *f = &machine_fields[i];
        snprintf(names[i], sizeof(names[i]), "%s%s%s", f->table ? f->table : "", f->table ? "." : "", f->key);
        keys[i] = (struct machine_key){names[i], type_names[f->type & ~(unsigned)MK_OPTIONAL], f->text,
                                       f->type != MK_SPECIAL_OPTIONAL && !(f->type & MK_OPTIONAL)};
    }
    *n = machine_nr_fields;
    return keys;
}
