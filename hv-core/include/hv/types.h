/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Basic types of the hypervisor core.
 *
 * Identifiers of different things are different types, so that a pCPU number
 * cannot be handed over where a vCPU number is meant. Every identifier has an
 * invalid value, and is built and taken apart only with the helpers below.
 */
#ifndef HV_TYPES_H
#define HV_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compile-time limits (not defaults: the machine says how many there are). */
#define HV_MAX_PCPUS 4096u
#define HV_MAX_NODES 64u
#define HV_MAX_DOMAINS 32768u /* ids 0..0x7FEF, and the idle domain's 0x7FFF */
#define HV_MAX_VCPUS_PER_DOMAIN 512u

/* Signed nanoseconds since boot. */
typedef int64_t s_time_t;
#define S_TIME_MAX INT64_MAX
#define MICROSECS(us) ((s_time_t)(us)*1000)
#define MILLISECS(ms) ((s_time_t)(ms)*1000000)
#define SECONDS(s) ((s_time_t)(s)*1000000000)

typedef struct {
    uint16_t n;
} pcpu_id;
typedef struct {
    uint16_t n;
} vcpu_id;
typedef struct {
    uint8_t n;
} node_id;
typedef struct {
    uint16_t n;
} dom_id;
/* Machine frame number: physical address >> 12. */
typedef struct {
    uint64_t n;
} mfn_t;
/* Guest frame number: guest-physical address >> 12. */
typedef struct {
    uint64_t n;
} gfn_t;

#define PCPU_INVALID ((pcpu_id){0xffff})
#define VCPU_INVALID ((vcpu_id){0xffff})
#define NODE_INVALID ((node_id){0xff}) /* Xen's NUMA_NO_NODE */
#define MFN_INVALID ((mfn_t){~0ull})
#define DOM_INVALID ((dom_id){0x7ff4})
#define DOM_IDLE ((dom_id){0x7fff})
#define DOM_FIRST_RESERVED 0x7ff0u

static inline pcpu_id pcpu(unsigned n)
{
    return (pcpu_id){(uint16_t)n};
}
static inline vcpu_id vcpu_n(unsigned n)
{
    return (vcpu_id){(uint16_t)n};
}
static inline node_id node(unsigned n)
{
    return (node_id){(uint8_t)n};
}
static inline dom_id dom(unsigned n)
{
    return (dom_id){(uint16_t)n};
}
static inline mfn_t mfn(uint64_t n)
{
    return (mfn_t){n};
}
static inline gfn_t gfn(uint64_t n)
{
    return (gfn_t){n};
}
static inline mfn_t mfn_add(mfn_t m, uint64_t pages)
{
    return (mfn_t){m.n + pages};
}
static inline bool pcpu_eq(pcpu_id a, pcpu_id b)
{
    return a.n == b.n;
}
static inline bool node_eq(node_id a, node_id b)
{
    return a.n == b.n;
}
static inline bool mfn_eq(mfn_t a, mfn_t b)
{
    return a.n == b.n;
}
static inline bool dom_eq(dom_id a, dom_id b)
{
    return a.n == b.n;
}
static inline bool pcpu_valid(pcpu_id a)
{
    return a.n < HV_MAX_PCPUS;
}
static inline bool node_valid(node_id a)
{
    return a.n < HV_MAX_NODES;
}

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ull << PAGE_SHIFT)

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
