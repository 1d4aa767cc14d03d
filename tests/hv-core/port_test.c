/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tp_expect_panic;
jmp_buf tp_panic_jmp;
const char *tp_panic_text;

struct tp_cpu tp_cpu[TP_MAX_CPUS];
s_time_t tp_clock_ahead[TP_MAX_CPUS];
uint64_t tp_perfc[PERFC_NR];
unsigned tp_trylock_failures;
void (*tp_yield)(void);
void (*tp_spin)(void);
void (*tp_panic_hook)(const char *file, int line, const char *text);
int64_t tp_alloc_budget = -1, tp_frametable_budget = -1;
uint64_t tp_alloc_fails_at[HV_ALLOC_NR];
size_t tp_mapped, tp_mapped_pages, tp_frametable_bytes;
uint64_t tp_pages_cleared, tp_pages_copied, tp_irq_after_pages;
bool (*tp_pages_zero)(uint64_t first, unsigned order);
void (*tp_trace_hook)(const struct tp_trace_rec *r);
char tp_console[65536];

static size_t console_len;
static pcpu_id this_cpu;
static s_time_t now_ns;
static unsigned locks_held;
static unsigned nr_cpus;
static const struct hv_core *the_core;

/* Everything that the core got, so that a reset can give it back. The record is at the end of the room before it. */
struct block {
    struct block *next, *prev;
    void *mem; /* itself: a record, and not given back yet */
    size_t bytes, room;
};
static struct block blocks = {&blocks, &blocks, NULL, 0, 0};

static void *block_get(size_t bytes, size_t align)
{
    size_t room = (sizeof(struct block) + align - 1) / align * align, rounded = (bytes + align - 1) / align * align;
    char *all = aligned_alloc(align, room + rounded);
    if (!all) {
        fprintf(stderr, "port_test: out of host memory\n");
        abort();
    }
    void *mem = all + room;
    memset(mem, 0, rounded);
    struct block *b = (struct block *)mem - 1;
    *b = (struct block){blocks.next, &blocks, mem, bytes, room};
    b->next->prev = b;
    blocks.next = b;
    return mem;
}

static void block_put(void *mem, size_t bytes)
{
    struct block *b = (struct block *)mem - 1;
    if (b->mem != mem)
        port_panic(__FILE__, __LINE__, "memory given back that was not taken");
    if (b->bytes != bytes)
        port_panic(__FILE__, __LINE__, "memory given back with another size than it was taken");
    b->prev->next = b->next;
    b->next->prev = b->prev;
    b->mem = NULL;
    free((char *)mem - b->room);
}

void tp_reset(void)
{
    while (blocks.next != &blocks)
        block_put(blocks.next->mem, blocks.next->bytes);
    for (unsigned c = 0; c < TP_MAX_CPUS; c++) {
        tp_cpu[c] = (struct tp_cpu){.timer = S_TIME_MAX, .ipi_at = S_TIME_MAX};
        tp_clock_ahead[c] = 0;
    }
    memset(tp_perfc, 0, sizeof(tp_perfc));
    tp_trylock_failures = 0;
    tp_yield = tp_spin = NULL;
    tp_panic_hook = NULL;
    tp_alloc_budget = tp_frametable_budget = -1;
    tp_mapped = tp_mapped_pages = tp_frametable_bytes = 0;
    tp_pages_cleared = tp_pages_copied = tp_irq_after_pages = 0;
    memset(tp_alloc_fails_at, 0, sizeof(tp_alloc_fails_at));
    tp_pages_zero = NULL;
    tp_trace_hook = NULL;
    tp_console[0] = 0;
    console_len = 0;
    tp_expect_panic = false;
    tp_panic_text = NULL;
    this_cpu = pcpu(0);
    now_ns = 0;
    locks_held = 0;
    nr_cpus = 0;
    the_core = NULL;
}

void tp_set_cpu(unsigned cpu)
{
    this_cpu = pcpu(cpu);
}

void tp_set_time(s_time_t now)
{
    now_ns = now;
}

unsigned tp_locks_held(void)
{
    return locks_held;
}

static void yield(void)
{
    if (tp_yield)
        tp_yield();
}

/* This pCPU waits for another one. False: there is nothing that could let that run. */
static bool spin(void)
{
    if (tp_spin)
        tp_spin();
    else if (tp_yield)
        tp_yield();
    return tp_spin || tp_yield;
}

/* ---- hv/port.h -------------------------------------------------------------------------------------------------- */

pcpu_id port_this_cpu(void)
{
    return this_cpu;
}

s_time_t port_now(void)
{
    return now_ns + tp_clock_ahead[this_cpu.n];
}

void port_timer_set(s_time_t deadline)
{
    tp_cpu[this_cpu.n].timer = deadline == S_TIME_MAX ? deadline : deadline - tp_clock_ahead[this_cpu.n];
}

void port_ipi_send(pcpu_id to)
{
    yield();
    if (to.n >= TP_MAX_CPUS)
        port_panic(__FILE__, __LINE__, "IPI to a pCPU that does not exist");
    if (tp_cpu[to.n].dead)
        port_panic(__FILE__, __LINE__, "IPI to a pCPU that is off");
    if (tp_cpu[to.n].ipi_at > now_ns + 1)
        tp_cpu[to.n].ipi_at = now_ns + 1;
}

void port_play_dead(void)
{
    tp_cpu[this_cpu.n].dead = true;
    tp_cpu[this_cpu.n].timer = tp_cpu[this_cpu.n].ipi_at = S_TIME_MAX;
}

void port_cpu_up(pcpu_id c)
{
    if (tp_cpu[c.n].dead)
        tp_cpu[c.n].ipi_at = now_ns + 1;
    tp_cpu[c.n].dead = false;
}

bool port_irq_pending(void)
{
    return tp_cpu[this_cpu.n].irq_pending;
}

static void lock_take(struct hv_lock *lock)
{
    lock->next++;
    lock->holder = (uint16_t)(this_cpu.n + 1);
    locks_held++;
}

void port_lock(struct hv_lock *lock)
{
    yield();
    while (lock->holder && lock->holder != this_cpu.n + 1 && spin())
        ;
    if (lock->holder)
        port_panic(lock->name ? lock->name : "lock", 0, "taken while it is held");
    lock_take(lock);
}

void port_unlock(struct hv_lock *lock)
{
    yield();
    if (lock->holder != this_cpu.n + 1)
        port_panic(lock->name ? lock->name : "lock", 0, "released by a pCPU that does not hold it");
    lock->holder = 0;
    lock->owner++;
    locks_held--;
}

bool port_trylock(struct hv_lock *lock)
{
    if (tp_trylock_failures) {
        tp_trylock_failures--;
        return false;
    }
    yield();
    if (lock->holder) {
        spin(); /* who tries again and again gives the holder time */
        return false;
    }
    lock_take(lock);
    return true;
}

void port_relax_until(bool (*cond)(void *arg), void *arg)
{
    while (!cond(arg) && spin())
        ;
    if (!cond(arg))
        port_panic(__FILE__, __LINE__, "spins for something that cannot happen on one thread");
}

static void guest_stop(struct tp_guest *g)
{
    if (!g || g->started < 0)
        return;
    s_time_t ran = now_ns - g->started;
    g->done += ran;
    if (g->burn)
        g->left -= ran;
    g->started = -1;
}

void port_context_switch(struct vcpu *prev, struct vcpu *next)
{
    yield();
    tp_cpu[this_cpu.n].switches++;
    guest_stop(prev->guest);
    struct tp_guest *g = next->guest;
    if (g) {
        g->started = now_ns;
        if (g->burn && g->left <= 0)
            g->left = g->burn;
    }
}

void *port_map_pages(mfn_t first, unsigned order)
{
    (void)first;
    if (tp_alloc_budget == 0)
        return NULL;
    if (tp_alloc_budget > 0)
        tp_alloc_budget--;
    tp_mapped++;
    tp_mapped_pages += (size_t)1 << order;
    return block_get((size_t)PAGE_SIZE << order, PAGE_SIZE);
}

void port_unmap_pages(void *va, mfn_t first, unsigned order)
{
    (void)first;
    block_put(va, (size_t)PAGE_SIZE << order);
    tp_mapped--;
    tp_mapped_pages -= (size_t)1 << order;
}

void *port_frametable_alloc(size_t bytes)
{
    if (tp_frametable_budget == 0)
        return NULL;
    if (tp_frametable_budget > 0)
        tp_frametable_budget--;
    tp_frametable_bytes += bytes;
    return block_get(bytes, 64);
}

void port_frametable_free(void *p, size_t bytes)
{
    tp_frametable_bytes -= bytes;
    block_put(p, bytes);
}

void port_clear_pages(mfn_t first, unsigned order)
{
    (void)first;
    tp_pages_cleared += 1ull << order;
}

void port_clear_beside(unsigned others)
{
    (void)others;
}

uint64_t port_clear_pages_until_irq(mfn_t first, uint64_t n)
{
    (void)first;
    if (tp_irq_after_pages && n >= tp_irq_after_pages) {
        n = tp_irq_after_pages;
        tp_irq_after_pages = 0;
        tp_cpu[this_cpu.n].irq_pending = true;
    } else if (tp_irq_after_pages) {
        tp_irq_after_pages -= n;
    }
    tp_pages_cleared += n;
    yield();
    return n;
}

void port_copy_page(mfn_t to, mfn_t from)
{
    (void)to;
    (void)from;
    tp_pages_copied++;
}

bool port_pages_zero(mfn_t first, unsigned order)
{
    return tp_pages_zero && tp_pages_zero(first.n, order);
}

bool port_alloc_fails(enum hv_alloc_class c)
{
    if (tp_alloc_fails_at[c] == 0)
        return false;
    return --tp_alloc_fails_at[c] == 0;
}

void port_console_write(const char *s, size_t n)
{
    if (console_len + n + 1 > sizeof(tp_console))
        console_len = 0;
    if (n > sizeof(tp_console) - 1)
        n = sizeof(tp_console) - 1;
    memcpy(tp_console + console_len, s, n);
    console_len += n;
    tp_console[console_len] = 0;
}

void port_trace(uint32_t event, unsigned nr_words, const uint32_t *words)
{
    if (!tp_trace_hook)
        return;
    struct tp_trace_rec r = {.t = now_ns, .cpu = this_cpu, .event = event, .nr = nr_words};
    for (unsigned i = 0; i < nr_words && i < 7; i++)
        r.w[i] = words[i];
    tp_trace_hook(&r);
}

void port_count(enum hv_perfc what, uint32_t n)
{
    tp_perfc[what] += n;
}

void port_panic(const char *file, int line, const char *text)
{
    tp_panic_text = text;
    if (tp_panic_hook)
        tp_panic_hook(file, line, text);
    if (tp_expect_panic) {
        tp_expect_panic = false;
        longjmp(tp_panic_jmp, 1);
    }
    fprintf(stderr, "%s\nPANIC at %s:%d on pCPU %u, time %lld: %s\n", tp_console, file, line, this_cpu.n,
            (long long)now_ns, text);
    abort();
}

void tp_no_panic(void)
{
    tp_expect_panic = false;
}

/* ---- machines --------------------------------------------------------------------------------------------------- */

struct hv_boot_info *tp_boot_info(const struct tp_machine *m, const struct hv_profile *level)
{
    static struct hv_cpu_desc cpu[TP_MAX_CPUS];
    static struct hv_mem_range range[HV_MAX_NODES];
    static struct hv_boot_info info;
    unsigned per_socket = m->cores * m->threads, per_node = m->sockets_per_node * per_socket;
    unsigned n = m->nodes * per_node;
    if (n > TP_MAX_CPUS || m->nodes > HV_MAX_NODES)
        port_panic(__FILE__, __LINE__, "test machine too large");
    for (unsigned i = 0; i < n; i++)
        cpu[i] = (struct hv_cpu_desc){(uint16_t)(i / per_socket), (uint16_t)(i / m->threads),
                                      (uint16_t)(i % m->threads), node(i / per_node)};
    for (unsigned i = 0; i < m->nodes; i++)
        range[i] = (struct hv_mem_range){i * m->pages_per_node, (i + 1) * m->pages_per_node, node(i)};
    info = (struct hv_boot_info){
        .level = level,
        .opt = {.sched = "credit",
                .sched_ratelimit_us = 1000,
                .sched_credit_tslice_ms = 30,
                .tickle_one_idle_cpu = true,
                .timer_slop = 50000},
        .nr_cpus = n,
        .nr_nodes = m->nodes,
        .nr_ranges = m->nodes,
        .cpu = cpu,
        .range = range,
        .slit = NULL,
    };
    return &info;
}

int tp_boot_info_run(const struct hv_core *core, const struct hv_boot_info *info)
{
    tp_reset();
    int rc = core->boot(info);
    if (rc)
        return rc;
    the_core = core;
    nr_cpus = info->nr_cpus;
    for (unsigned c = 0; c < nr_cpus; c++) {
        tp_set_cpu(c);
        core->cpu_start();
        core->return_to_guest();
    }
    tp_set_cpu(0);
    return 0;
}

int tp_boot(const struct hv_core *core, const struct tp_machine *m, const struct hv_profile *level)
{
    return tp_boot_info_run(core, tp_boot_info(m, level));
}

/* ---- the driver ------------------------------------------------------------------------------------------------- */

void tp_guest_attach(struct vcpu *v, struct tp_guest *g, s_time_t burn, s_time_t block)
{
    *g = (struct tp_guest){.burn = burn, .block = block, .left = burn, .started = -1};
    v->guest = g;
}

static struct tp_guest *guest_of(unsigned c)
{
    return the_core->current(pcpu(c))->guest;
}

/* When pCPU c has something to do next. */
static s_time_t next_event(unsigned c)
{
    const struct tp_cpu *p = &tp_cpu[c];
    s_time_t t = p->ipi_at;
    if (p->timer != S_TIME_MAX) {
        s_time_t fires = p->timer < now_ns ? now_ns + 1 : p->timer + 1;
        if (fires < t)
            t = fires;
    }
    struct tp_guest *g = guest_of(c);
    if (g && g->burn && g->started >= 0 && g->started + g->left < t)
        t = g->started + g->left;
    return t < now_ns ? now_ns : t;
}

static void guest_ends_burn(struct tp_guest *g)
{
    struct vcpu *v = the_core->current(this_cpu);
    guest_stop(g);
    g->started = now_ns;
    g->left = g->burn;
    g->blocks++;
    v->upcall_pending = false;
    if (g->block) {
        struct hv_set_timer_op t = {now_ns + g->block};
        the_core->hypercall(HYPERCALL_set_timer_op, &t);
    }
    struct hv_sched_op op = {SCHEDOP_block};
    the_core->hypercall(HYPERCALL_sched_op, &op);
}

static void handle(unsigned c)
{
    struct tp_cpu *p = &tp_cpu[c];
    tp_set_cpu(c);
    struct tp_guest *g = guest_of(c);
    bool guest_due = g && g->burn && g->started >= 0 && g->started + g->left <= now_ns;
    if (p->timer != S_TIME_MAX && p->timer + 1 <= now_ns) {
        p->timer = S_TIME_MAX;
        the_core->timer_interrupt();
    }
    if (p->ipi_at <= now_ns) {
        p->ipi_at = S_TIME_MAX;
        p->ipis_received++;
        the_core->event_check_interrupt();
    }
    if (guest_due)
        guest_ends_burn(g);
    the_core->return_to_guest();
    if (locks_held)
        port_panic(__FILE__, __LINE__, "a lock is held on the way out of the core");
}

void tp_settle(unsigned cpu)
{
    handle(cpu);
}

void tp_settle_all(void)
{
    for (;;) {
        unsigned c = 0;
        while (c < nr_cpus && tp_cpu[c].ipi_at == S_TIME_MAX)
            c++;
        if (c == nr_cpus)
            return;
        if (tp_cpu[c].ipi_at > now_ns)
            now_ns = tp_cpu[c].ipi_at;
        handle(c);
    }
}

void tp_run_until(s_time_t until, void (*hook)(void))
{
    for (;;) {
        s_time_t best = S_TIME_MAX;
        unsigned who = 0;
        for (unsigned c = 0; c < nr_cpus; c++) {
            s_time_t t = next_event(c);
            if (t < best) {
                best = t;
                who = c;
            }
        }
        if (best > until)
            break;
        now_ns = best;
        handle(who);
        if (hook)
            hook();
    }
    now_ns = until;
}
