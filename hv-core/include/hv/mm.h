/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory manager as the rest of the core sees it: a buddy heap per node, zone and order over a sparse frame table;
 * the domain heap and the Xen heap on top of it; guest-physical memory (populate_physmap).
 */
#ifndef HV_MM_H
#define HV_MM_H

#include <hv/domain.h>
#include <hv/numa.h>

#define MAX_ORDER 18u /* 1 GiB */

/*
 * Allocation flags (4.3 numbering); node + 1 in bits 8..15, address bits in 24..31. no_scrub, the hypervisor's own:
 * what is in the pages does not matter.
 */
enum {
    MEMF_no_refcount = 1u << 0,
    MEMF_populate_on_demand = 1u << 1,
    MEMF_no_dma = 1u << 3,
    MEMF_exact_node = 1u << 4,
    MEMF_no_scrub = 1u << 16
};
#define MEMF_node(id) ((((unsigned)(id).n) + 1u) << 8)
#define MEMF_bits(n) ((unsigned)(n) << 24)

/* All RAM of the machine becomes free heap. 0 or -HV_E*. Before scheduler_init. */
int mm_init(void);

/* ---- heap ------------------------------------------------------------------------------------------------------ */

/* 2^order pages; MFN_INVALID if there is none. d NULL: for the hypervisor itself. */
mfn_t alloc_domheap_pages(struct domain *d, unsigned order, unsigned memflags);
void free_domheap_pages(mfn_t first, unsigned order);

uint64_t avail_pages(void);
uint64_t avail_node_pages(node_id n);
uint64_t node_size_pages(node_id n);
uint64_t total_pages(void);
uint64_t outstanding_claims(void);
uint64_t node_outstanding_claims(node_id n);
/* Width in address bits of the DMA zone that is kept back; 0: there is none. */
unsigned dma_bitsize(void);
/* Boot parameter dma_bits, before mm_init; 0: what the machine's nodes suggest, and none on a machine of one node. */
void dma_bitsize_set(unsigned bits);

/*
 * Boot parameter memop-max-order, at levels that have it: up to four numbers with commas between, each of which may be
 * left out: orders of the largest extents that a domU, the control domain, the hardware domain and a domU with devices
 * may ask for (9,18,12,12). NULL: these. -HV_EINVAL, and unchanged: something else, or above MAX_ORDER.
 */
int memop_max_order_set(const char *text);
/* Boot parameter bootscrub, before mm_init. A word that the level does not know is default, with a message. */
void bootscrub_set(enum hv_bootscrub when);
/* Boot parameter low_mem_virq_limit, before mm_init: at what free memory dom0 is told first; -1: Xen chooses; 0: never.
 */
void low_mem_virq_limit_set(int64_t bytes);
/* dom0 is built: scrub what is left, if that is to be done at boot, and set the limit of low memory. */
void heap_init_late(void);
/* How often dom0 was to be told (VIRQ_ENOMEM) that memory is low. */
uint64_t low_mem_virqs(void);
/*
 * The body of the idle loop: scrub free pages of this pCPU's node, or else of the nearest node without pCPUs, until
 * there is other work. True: there is more to be scrubbed that nobody is at.
 */
bool scrub_free_pages(void);

#define HV_ANY_ZONE (~0u)
/*
 * Let that many pages of a node (of one zone: frames from 2^zone to 2^(zone + 1)) be free: what is too many is taken
 * for nobody, what is too few of that goes back. -HV_ERESTART: preempted, to be called again. -HV_ENOMEM: no more can
 * be taken or given back; as far as it could. -HV_EINVAL: no such node or zone. One at a time.
 */
int set_aside(node_id n, unsigned zone, uint64_t keep_free);

/* ---- frames taken out of use (mm/offline.c) ------------------------------------------------------------------------
 */

/*
 * Take a frame out: at once if it is free, else when it is freed. broken: it never comes back, and an owner that is hit
 * by it again crashes. *status: PG_OFFLINE_*. 0; -HV_EINVAL: no RAM; -HV_EPERM: the hypervisor's; -HV_ENOMEM.
 */
int offline_page(mfn_t m, bool broken, uint32_t *status);
/* Take it back, or let it stay. *status: PG_ONLINE_*, 0 if nothing was to be done. -HV_EINVAL: broken, or no RAM. */
int online_page(mfn_t m, uint32_t *status);
/* PG_OFFLINE_STATUS_*; *order: that its descriptor says, which should be 0. */
int query_page_offline(mfn_t m, uint32_t *status, unsigned *order);
long page_offline_do_sysctl(struct hv_sysctl *op);

/* ---- references to frames (mm/page_ref.c) -------------------------------------------------------------------------
 */

/* What a frame is used as, by those who say so. Types exclude each other. */
enum page_type {
    PGT_none,
    PGT_l1_page_table,
    PGT_l2_page_table,
    PGT_l3_page_table,
    PGT_l4_page_table,
    PGT_seg_desc,
    PGT_writable_page
};

/*
 * Hold a frame of d: it stays d's until it is put as often, whatever d does, and d stays until then. 0, -HV_EINVAL: it
 * is not d's, or d is dying. -HV_EBUSY: it is used as another type. -HV_ENOMEM: too many references. They take
 * page_alloc_lock of d.
 */
int get_page(mfn_t m, struct domain *d);
int get_page_and_type(mfn_t m, struct domain *d, enum page_type type);
void put_page(mfn_t m);
void put_page_and_type(mfn_t m);

/* Beyond the reference that goes with being allocated; given_up: that one is gone. */
struct page_counts {
    uint32_t count, type_count;
    enum page_type type;
    bool given_up;
};
void page_count(mfn_t m, struct page_counts *out);

/* ---- hypervisor objects ---------------------------------------------------------------------------------------- */

/* Zero-filled memory from the Xen heap for the core's own structures, aligned to 64 bytes from 64 bytes on. NULL if
 * short. */
void *hv_zalloc(size_t size);
void hv_free(void *obj);
/* For reports: pages that an object has to itself, 0 if it shares one, and the node that they are on. */
uint64_t hv_whole_pages(const void *obj, node_id *n);
/* For reports: pages of the Xen heap on each node; pages that objects share, and bytes of these objects. */
void xenheap_pages(uint64_t pages[HV_MAX_NODES]);
void xmalloc_usage(uint64_t *pages, uint64_t *bytes);

/* ---- domains --------------------------------------------------------------------------------------------------- */

int mm_init_domain(struct domain *d);
/* The pages of a PV domain's own mappings, and back. 0, or -HV_ENOMEM and none. */
int perdomain_create(struct domain *d);
void perdomain_destroy(struct domain *d);
/*
 * d is dying: give back all that nobody else refers to, its claim and its p2m. -HV_ENOMEM: no descriptors for the parts
 * of an extent that is referred to; as far as it could, to be called again.
 */
int mm_relinquish(struct domain *d);
/* Give back everything that d owns. Nobody else refers to any of it. */
void mm_destroy_domain(struct domain *d);
/* Set or release (pages 0) the claim of d. */
int domain_set_outstanding_pages(struct domain *d, uint64_t pages, node_id n);
long do_memory_op(struct hv_memory_op *op);
/*
 * d uses guest frame g, which has nothing behind it: what a nested page fault comes to. 0: there is a page now (or
 * was). -HV_EFAULT: there is none to be had; it is the guest's mistake. -HV_ENOMEM: there ought to be one, and d has
 * crashed.
 */
int p2m_fault(struct domain *d, gfn_t g);
/* dom0's memory: 4.3 takes it in one go from the nodes of its affinity. */
int mm_populate_dom0(struct domain *d, uint64_t pages);

/* Pages behind d's guest-physical memory by node and size of the mapping: 4 KiB, 2 MiB, 1 GiB; in 4 KiB pages. */
void p2m_count_pages(const struct domain *d, uint64_t pages[HV_MAX_NODES][3]);

/* Lists x sizes = counters = total, heads aligned, no unmerged free buddies, claims <= free. NULL or the violation. */
const char *mm_check(void);

#endif
