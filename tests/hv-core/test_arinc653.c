/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ARINC 653: slots and nothing but slots, whatever the partitions do; frames as they come, late or new. */
#include "sched_fixture.h"

#define FRAME MILLISECS(10)
#define SLOT_A MILLISECS(3)
#define SLOT_B MILLISECS(2)
/* Timers fire 1 ns late, IPIs take 1 ns: what a slot may lose or win. */
#define PER_SLOT 4

static struct domain *a, *b;
static struct tp_guest guests[2];

/* Slots one after the other; a domain each, vCPU 0. */
static long set_frame(s_time_t major, unsigned n, struct domain *const *d, const s_time_t *runtime)
{
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_scheduler_op};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.major_frame = major;
    op.u.scheduler_op.nr_entries = n;
    for (unsigned i = 0; i < n; i++)
        op.u.scheduler_op.entry[i] = (struct hv_arinc653_entry){d[i]->id, vcpu_n(0), runtime[i]};
    return do_sysctl(&op);
}

/* A and B share a pCPU and do as told; a frame A, B, 5 ms of nothing. */
static void partitions_that(const char *level, s_time_t a_burns, s_time_t b_burns, s_time_t b_blocks)
{
    fx_boot_sched(MACHINE_1, level, "arinc653");
    a = fx_domain(1);
    b = fx_domain(1);
    tp_guest_attach(a->vcpu[0], &guests[0], a_burns, 0);
    tp_guest_attach(b->vcpu[0], &guests[1], b_burns, b_blocks);
    CU_ASSERT_EQUAL_FATAL(set_frame(FRAME, 2, (struct domain *[]){a, b}, (s_time_t[]){SLOT_A, SLOT_B}), 0);
    fx_start(a);
    fx_start(b);
    fx_settle();
    fx_check();
}

static void two_partitions(const char *level, s_time_t b_burns, s_time_t b_blocks)
{
    partitions_that(level, 0, b_burns, b_blocks);
}

static void each_has_its_slots_exactly(void)
{
    static const char *const levels[] = {"xen-4.3", "modern", "fixed"};

    for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
        two_partitions(levels[i], 0, 0);
        s_time_t a0 = fx_ran(a, 0), b0 = fx_ran(b, 0);
        for (unsigned frames = 1; frames <= 100; frames++) {
            tp_run_until(port_now() + FRAME, NULL);
            fx_check();
            fx_check_near(fx_ran(a, 0) - a0, frames * SLOT_A, frames * PER_SLOT);
            fx_check_near(fx_ran(b, 0) - b0, frames * SLOT_B, frames * PER_SLOT);
        }
    }
}

/* A blocks for ever after 1 ms: B has its slots, no less and no more, and the rest idles. */
static void what_one_leaves_is_not_given_to_another(void)
{
    partitions_that("modern", MILLISECS(1), 0, 0);
    tp_run_until(port_now() + FRAME, NULL);
    s_time_t b0 = fx_ran(b, 0);
    tp_run_until(port_now() + 50 * FRAME, fx_check);
    fx_check_near(fx_ran(a, 0), MILLISECS(1), PER_SLOT);
    fx_check_near(fx_ran(b, 0) - b0, 50 * SLOT_B, 50 * PER_SLOT);
}

/* B runs 1 ms, blocks for 0.5 ms, and is back in its slot of 2 ms: what is left of it is its own, 0.5 ms. */
static void who_comes_back_has_the_rest_of_his_slot(void)
{
    two_partitions("modern", MILLISECS(1), MICROSECS(500));
    s_time_t start = 0, began = 0;
    unsigned slots = 0;
    bool ran_before = false;

    /* Look every 10 us for 5 frames: when does B run, within its slot? */
    for (s_time_t end = port_now() + 5 * FRAME; port_now() < end;) {
        tp_run_until(port_now() + MICROSECS(10), NULL);
        bool runs = b->vcpu[0]->is_running;
        if (runs && !ran_before) {
            if (port_now() - began > SLOT_B) {
                began = port_now();
                slots++;
            } else {
                start = port_now();
            }
        }
        if (!runs && ran_before && start > began)
            CU_ASSERT_TRUE(port_now() - began <= SLOT_B + MICROSECS(20));
        ran_before = runs;
    }
    CU_ASSERT_EQUAL(slots, 5);
    CU_ASSERT_TRUE(start > 0);
}

/* In two slots of a frame, one has twice the time; the order of the slots is that of time. */
static void a_partition_may_have_several_slots(void)
{
    two_partitions("modern", 0, 0);
    struct domain *const who[] = {b, a, b, a};
    const s_time_t runtime[] = {MILLISECS(1), MILLISECS(4), MILLISECS(2), MILLISECS(1)};
    static const unsigned is_a[] = {0, 1, 1, 1, 1, 0, 0, 1};

    CU_ASSERT_EQUAL_FATAL(set_frame(MILLISECS(8), 4, who, runtime), 0);
    fx_settle();
    tp_run_until(port_now() + MILLISECS(16), NULL);
    /* The frame that begins now, looked at in the middle of each millisecond. */
    s_time_t t0 = port_now() - port_now() % MILLISECS(1);
    for (s_time_t end = t0 + MILLISECS(20); !b->vcpu[0]->is_running || a->vcpu[0]->is_running;) {
        CU_ASSERT_TRUE_FATAL(port_now() < end);
        tp_run_until(port_now() + 100, NULL);
    }
    while (b->vcpu[0]->is_running)
        tp_run_until(port_now() + 100, NULL);
    /* A begins: either its long slot or its short one. The long one first. */
    s_time_t begin = port_now();
    while (a->vcpu[0]->is_running)
        tp_run_until(port_now() + 100, NULL);
    bool was_long = port_now() - begin > MILLISECS(2);
    t0 = was_long ? begin - MILLISECS(1) : port_now();
    for (unsigned ms = 0; ms < 16; ms++) {
        s_time_t at = t0 + MILLISECS(8) + MILLISECS(ms) + MICROSECS(500);
        tp_run_until(at, NULL);
        CU_ASSERT_EQUAL(a->vcpu[0]->is_running, is_a[ms % 8] != 0);
        CU_ASSERT_EQUAL(b->vcpu[0]->is_running, is_a[ms % 8] == 0);
    }
}

/* A new frame begins at once, also in the middle of the old; it is what a get returns. */
static void a_new_frame_replaces_the_old(void)
{
    two_partitions("modern", 0, 0);
    tp_run_until(port_now() + MILLISECS(4), NULL);
    CU_ASSERT_EQUAL_FATAL(set_frame(MILLISECS(2), 1, (struct domain *[]){a}, (s_time_t[]){MILLISECS(1)}), 0);

    struct hv_sysctl op = {.cmd = XEN_SYSCTL_scheduler_op};
    CU_ASSERT_EQUAL(do_sysctl(&op), 0);
    CU_ASSERT_EQUAL(op.u.scheduler_op.major_frame, MILLISECS(2));
    CU_ASSERT_EQUAL(op.u.scheduler_op.nr_entries, 1);
    CU_ASSERT_EQUAL(op.u.scheduler_op.entry[0].runtime, MILLISECS(1));
    tp_run_until(port_now() + FRAME, NULL); /* what is left of the old slot */
    s_time_t a0 = fx_ran(a, 0), b0 = fx_ran(b, 0);
    tp_run_until(port_now() + MILLISECS(100), fx_check);
    fx_check_near(fx_ran(a, 0) - a0, MILLISECS(50), 50 * PER_SLOT);
    CU_ASSERT_EQUAL(fx_ran(b, 0), b0);
}

/* A pCPU that is late by 1 ms to a frame's end moves all later frames, with the drift; without, frames begin at whole
 * multiples and the late one is cut. */
static void a_late_frame(void)
{
    static const struct {
        const char *level;
        bool drifts;
    } rows[] = {{"modern", true}, {"fixed", false}};

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        two_partitions(rows[i].level, 0, 0);
        s_time_t before = fx_ran(a, 0), t0 = port_now();
        /* Interrupts are off from the middle of A's slot until 1 ms into the next frame. */
        tp_set_time(t0 + FRAME + MILLISECS(1));
        softirq_raise(SCHEDULE_SOFTIRQ);
        tp_settle(0);
        CU_ASSERT_TRUE(a->vcpu[0]->is_running);
        tp_run_until(t0 + 2 * FRAME - MICROSECS(1), NULL);
        fx_check();
        s_time_t slot = rows[i].drifts ? SLOT_A : SLOT_A - MILLISECS(1);
        fx_check_near(fx_ran(a, 0) - before - (FRAME + MILLISECS(1)), slot, MICROSECS(10));
    }
}

static const struct cunit_case tests[] = {
    {"each has its slots exactly", each_has_its_slots_exactly},
    {"what one leaves is not given to another", what_one_leaves_is_not_given_to_another},
    {"who comes back has the rest of his slot", who_comes_back_has_the_rest_of_his_slot},
    {"a partition may have several slots", a_partition_may_have_several_slots},
    {"a new frame replaces the old", a_new_frame_replaces_the_old},
    {"a late frame", a_late_frame},
};

CUNIT_MAIN("hv-core arinc653", tests)
