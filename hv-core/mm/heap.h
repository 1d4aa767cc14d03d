/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to mm/ (and to its tests): the buddy heap below the domain heap and the Xen heap, and the p2m. */
#ifndef HV_MM_HEAP_H
#define HV_MM_HEAP_H

#include <hv/frame.h>

#define NR_ZONES FRAME_BITS /* a frame is in the zone of the highest set bit of its number */

/* ---- mm/heap*.c ------------------------------------------------------------------------------------------------ */

/* All of RAM is free. Boot only. */
int heap_init(void);
/*
 * 2^order frames of zones lo..hi, FRAME_NONE if there are none. d: whose node affinity, rotation and claim count, NULL
 * for the hypervisor. The extent is in use, without an owner, on no list. Takes the heap lock.
 */
uint64_t alloc_heap_pages(unsigned zone_lo, unsigned zone_hi, unsigned order, unsigned memflags, struct domain *d);
/*
 * An extent in use, on no list. Takes the heap lock. dirty: what is in it must not be seen by who gets it next. xen: it
 * was the hypervisor's own.
 */
void free_heap_pages(uint64_t f, unsigned order);
void free_dirty_heap_pages(uint64_t f, unsigned order);
void free_xen_pages(uint64_t f, unsigned order);
/* An extent in use, on list l, becomes its two halves in its place. -HV_ENOMEM: unchanged. Takes the heap lock. */
int heap_halve(struct extent_list *l, uint64_t f, unsigned order);

/* Claims, with page_alloc_lock of d held; they take the heap lock. n: on that node alone, NODE_INVALID: on the host. */
int heap_set_claim(struct domain *d, uint64_t pages, node_id n);
void heap_claim_used(struct domain *d, uint64_t pages);
void heap_claim_grow(struct domain *d, uint64_t pages);

/* moving: frames that are between the heap and an owner right now, on all pCPUs. */
const char *heap_check(uint64_t moving);

/* Free frames of one zone of a node. */
uint64_t avail_zone_pages(node_id n, unsigned zone);

/* Free pages of a node that are to be scrubbed. */
uint64_t need_scrub_pages(node_id n);

/* For tests: the free buddies of one list. */
const struct extent_list *heap_list(unsigned node, unsigned zone, unsigned order);

/* ---- mm/bootscrub.c, mm/lowmem.c --------------------------------------------------------------------------------- */

/* Is free memory scrubbed at boot by pCPUs that idle, later? After the options are known. */
bool bootscrub_idle(void);
/* Scrub what is free, on this pCPU and on others at its side, if boot is to do so now. */
void scrub_heap_pages(void);
/* dom0 has its memory: the threshold of the low-memory VIRQ follows what is left. */
void low_mem_setup(void);

/* ---- mm/domheap.c ---------------------------------------------------------------------------------------------- */

/*
 * d gives 2^order frames at f back: an extent that it owns or a part of one. -HV_ENOMEM: no descriptors for the parts,
 * nothing changed. -HV_EINVAL: they are not d's.
 */
int domain_free_pages(struct domain *d, uint64_t f, unsigned order);
/* Let frames f..f+2^order-1 of d be extents of their own, each that others refer to too; the same errors. */
int domain_isolate(struct domain *d, uint64_t f, unsigned order);
/*
 * With page_alloc_lock held, and no time between the two: isolated frames that nobody else refers to leave d for a
 * list, in use and nobody's; and such an extent, on no list, becomes d's. Claims and limits do not count.
 */
void domain_take_pages(struct domain *d, uint64_t f, unsigned order, struct extent_list *to);
void domain_add_extent(struct domain *d, uint64_t f, unsigned order);
/* This pCPU has so many more, or less, pages in hand that are neither free nor anybody's. */
void domheap_carry(uint64_t more, uint64_t less);
/* Frames between the heap and an owner (heap_check). */
uint64_t domheap_moving(void);
/* The extent in use that f is in, and its first frame; NULL: f is free, or no RAM. The owner's lock, or the heap's. */
const struct frame *extent_holding(uint64_t f, uint64_t *head);
/* The last reference to a frame that d has given up is gone. page_alloc_lock of d held. */
void domain_page_released(struct domain *d, uint64_t f);

/* ---- mm/page_ref.c: for the owner, with its page_alloc_lock held ------------------------------------------------- */

#define PAGE_REF_MAX_FRAMES 6144u     /* frames that others refer to, on the whole host */
#define PAGE_REF_MAX_COUNT 0x3ffffffu /* references to one: Xen's count has 26 bits */

void page_ref_init(void);
/* The first of frames from..end - 1, which are d's, that others refer to; FRAME_NONE. */
uint64_t page_ref_next(const struct domain *d, uint64_t from, uint64_t end);
/* Its owner frees f, which others refer to and which is an extent of its own. */
void page_ref_give_up(uint64_t f);
const char *page_ref_check(void);

/* ---- mm/memory.c, mm/exchange.c -----------------------------------------------------------------------------------
 */

/* May this caller ask for extents of this order? */
bool memop_order_permitted(const struct domain *caller, unsigned order);
/* 2^order frames from each of nr extents from g on are guest frames, and none overflows. */
bool memop_range_valid(uint64_t g, uint64_t nr, unsigned order);
bool memop_flags_valid(unsigned flags);
/* The order of the largest part of g.. to end that an entry or extent of that order around g has room for. */
unsigned memop_piece(uint64_t g, uint64_t end, unsigned order);
long memory_exchange(struct domain *d, struct hv_memory_op *op, const struct domain *caller);

/* ---- mm/pod.c, mm/pod_cache.c: populate on demand. The caller holds p2m_lock but for pod_mark, pod_target_op --------
 */

/* Mark guest frames. -HV_EINVAL: not an HVM guest; -HV_EBUSY: there are pages behind some; -HV_ENOMEM. */
int pod_mark(struct domain *d, uint64_t g, unsigned order);
/* They are about to get pages: those that are marked are so no more. After p2m_prepare. */
void pod_replace(struct domain *d, uint64_t g, unsigned order);
/*
 * d gives them back: what is marked and, while more is owed than waits, what is populated. *done: that was all of it.
 * -HV_ENOMEM: no tables.
 */
int pod_decrease(struct domain *d, uint64_t g, unsigned order, bool *done);
/* Let there be a page behind g if it is marked. 0, or -HV_EFAULT: it is nothing; -HV_ENOMEM: the domain has crashed. */
int pod_demand(struct domain *d, uint64_t g);
int pod_target_op(struct domain *d, struct hv_memory_op *op);
/*
 * Frame f of d is to be taken out of use: if it waits for demand, it is freed, and another one waits in its place if
 * there is one. false: it does not wait, or no descriptors. Takes p2m_lock.
 */
bool pod_offline_replace(struct domain *d, uint64_t f);
/* What waits goes back to d's page list: d is dying. */
void pod_destroy(struct domain *d);
const char *pod_check(const struct domain *d);
/* The pages on d's lists of those that wait: list 0 and 1. NULL: none. */
const struct extent_list *pod_list(const struct domain *d, unsigned i);

/* ---- mm/setaside.c: under the lock of sysctls -------------------------------------------------------------------- */

void set_aside_init(void);

/* ---- mm/xenheap.c, mm/xmalloc.c --------------------------------------------------------------------------------- */

void xenheap_init(void);
void xmalloc_init(void);
/* 2^order frames of the domain heap, mapped and zero-filled; NULL if there are none or they cannot be mapped. */
void *alloc_xenheap_pages(unsigned order, unsigned memflags);
void free_xenheap_pages(void *va, unsigned order);
/* Order of the Xen heap extent mapped at va; false if there is none. */
bool xenheap_order(const void *va, unsigned *order);

/* ---- mm/p2m.c: guest frame -> frame. The caller holds p2m_lock from prepare to set. --------------------------------
 */

#define P2M_MAX_GFN (1ull << 33) /* guests of up to 32 TiB */

/* -HV_ENOMEM; ARM: -HV_EBUSY, there is no VMID left. */
int p2m_create(struct domain *d);
/* The first guest frame that cannot be; how often TLBs were flushed; tables of 512 entries; ARM: the VMID (0: none). */
uint64_t p2m_max_gfn(const struct domain *d);
uint64_t p2m_flushes(const struct domain *d);
uint64_t p2m_tables(const struct domain *d);
unsigned p2m_vmid(const struct domain *d);
void p2m_destroy(struct domain *d);
void p2m_lock(struct domain *d);
void p2m_unlock(struct domain *d);
/* Make the tables for 2^order frames from g on (what is mapped stays). -HV_EINVAL out of range, -HV_ENOMEM. */
int p2m_prepare(struct domain *d, uint64_t g, unsigned order);
/* Map them to f.., or with FRAME_NONE to nothing, in the largest entries that fit. After p2m_prepare. */
void p2m_set(struct domain *d, uint64_t g, uint64_t f, unsigned order);
/* Frame behind g, FRAME_NONE if there is none; *order: size of its entry. */
uint64_t p2m_get(const struct domain *d, uint64_t g, unsigned *order);

/* P2M_pod: to be populated on demand (mm/pod.c), no frame yet. */
enum p2m_type { P2M_none, P2M_ram, P2M_pod };
/* Mark them as to be populated on demand, in the largest entries that fit. After p2m_prepare. */
void p2m_set_pod(struct domain *d, uint64_t g, unsigned order);
/* The same as p2m_get with the type; *order also for what is not there: 2^order frames around g are all the same. */
enum p2m_type p2m_query(const struct domain *d, uint64_t g, uint64_t *f, unsigned *order);

/* ---- mm/vmid.c: tags of ARM's TLB entries, 1 and up. Under the lock of domctls. -----------------------------------
 */

void vmid_init(void);
/* -HV_EBUSY: none is left; at levels where it follows from the domain's id (quirk arm_vmid_domid), that id has none. */
int vmid_alloc(dom_id id, uint16_t *vmid);
void vmid_free(uint16_t vmid);

/* ---- mm/pdx.c: frame numbers without a run of bits that no frame has ----------------------------------------------
 */

/* Of all RAM; boot only. */
void pdx_init(const struct hv_mem_range *range, unsigned nr);
uint64_t mfn_to_pdx(uint64_t f);
uint64_t pdx_to_mfn(uint64_t pdx);

#endif
