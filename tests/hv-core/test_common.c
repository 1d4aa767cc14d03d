/* SPDX-License-Identifier: GPL-2.0-or-later */
/* printk, levels and softirqs. */
#include "port_test.h"

#include "common/boot.h"
#include <cunit_main.h>
#include <hv/lib.h>
#include <hv/softirq.h>
#include <stdlib.h>
#include <string.h>

/* ---- printk -------------------------------------------------------------------------------------------------------
 */

#define SAYS(expected, ...)                                                                                            \
    do {                                                                                                               \
        char b[80];                                                                                                    \
        CU_ASSERT_EQUAL(hv_snprintf(b, sizeof(b), __VA_ARGS__), (int)strlen(expected));                                \
        CU_ASSERT_STRING_EQUAL(b, expected);                                                                           \
    } while (0)

static void formats(void)
{
    SAYS("a 1 -2 ff %", "a %u %d %x %%", 1u, -2, 255u);
    SAYS("18446744073709551615", "%llu", ~0ull);
    SAYS("-9223372036854775808", "%lld", (long long)INT64_MIN);
    SAYS("00ff|   7|-003| abc", "%04x|%4u|%04d|%4s", 255u, 7u, -3, "abc");
    SAYS("5 6 7", "%lu %ld %lx", 5ul, 6l, 7ul);
    SAYS("xy", "%c%s", 'x', "y");
    SAYS("0", "%u", 0u);
}

static void never_writes_past_the_end(void)
{
    char b[8] = "1234567";
    CU_ASSERT_EQUAL(hv_snprintf(b, 4, "%s", "abcdef"), 6);
    CU_ASSERT_STRING_EQUAL(b, "abc");
    CU_ASSERT_EQUAL(b[4], '5');
    CU_ASSERT_EQUAL(hv_snprintf(NULL, 0, "%u", 12345u), 5);
}

static void long_lines_end_in_dots(void)
{
    char s[400];
    memset(s, 'x', sizeof(s) - 1);
    s[sizeof(s) - 1] = 0;
    tp_reset();
    hv_printk("%s", s);
    CU_ASSERT_EQUAL(strlen(tp_console), 255);
    CU_ASSERT_STRING_EQUAL(tp_console + 250, "x...\n");
}

static void unknown_conversion_panics(void)
{
    char b[8];
    const char *volatile bad = "%p";
    if (TP_PANICS()) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
        hv_snprintf(b, sizeof(b), bad);
#pragma GCC diagnostic pop
        tp_no_panic();
        CU_FAIL("no panic");
    }
}

/* ---- levels -------------------------------------------------------------------------------------------------------
 */

/* "4.10" as 410; "-" (nobody knows) as 0; "" (never) as the end of time. */
static unsigned release(const char *s, unsigned if_empty)
{
    if (!*s)
        return if_empty;
    if (*s == '-')
        return 0;
    char *dot;
    unsigned major = (unsigned)strtoul(s, &dot, 10);
    CU_ASSERT_EQUAL(*dot, '.');
    return major * 100 + (unsigned)strtoul(dot + 1, NULL, 10);
}

static void levels_follow_the_table_of_releases(void)
{
    const struct hv_profile *x43 = hv_profile_find("xen-4.3"), *modern = hv_profile_find("modern");
    for (unsigned q = 0; q < HV_QUIRK_NR; q++) {
        unsigned since = release(hv_quirk_infos[q].since, 0), fixed = release(hv_quirk_infos[q].fixed, ~0u);
        CU_ASSERT_TRUE(since < fixed);
        CU_ASSERT_EQUAL(x43->quirk[q], since <= 403 && 403 < fixed);
        CU_ASSERT_EQUAL(modern->quirk[q], since <= 417 && 417 < fixed);
    }
}

static void levels_that_differ_in_a_known_way(void)
{
    const struct hv_profile *x43 = hv_profile_find("xen-4.3"), *x42 = hv_profile_find("xen-4.2");
    const struct hv_profile *modern = hv_profile_find("modern"), *fixed = hv_profile_find("fixed");
    const struct hv_profile *arm = hv_profile_find("arm-numa");
    CU_ASSERT_EQUAL(x42->max_host_bytes, 5ull << 40);
    CU_ASSERT_EQUAL(x43->max_host_bytes, 16ull << 40);
    for (unsigned q = 0; q < HV_QUIRK_NR; q++) {
        CU_ASSERT_EQUAL(x42->quirk[q], x43->quirk[q]); /* 4.2: limits only */
        CU_ASSERT_TRUE(!fixed->quirk[q] || modern->quirk[q]);
        bool arm_only = q == HV_QUIRK_arm_one_node || q == HV_QUIRK_arm_vcpus_8 || q == HV_QUIRK_arm_pcpus_8 ||
                        q == HV_QUIRK_arm_first_bank || q == HV_QUIRK_arm_ram_16g || q == HV_QUIRK_arm_aarch32_guests;
        CU_ASSERT_EQUAL(arm->quirk[q], x43->quirk[q] && !arm_only);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(arm->note);
    CU_ASSERT_PTR_NOT_NULL(strstr(arm->note, "not Xen"));
    CU_ASSERT_PTR_NULL(hv_profile_find("xen-4"));
    CU_ASSERT_PTR_NULL(hv_profile_find("xen-4.33"));
    CU_ASSERT_PTR_NULL(hv_profile_find(""));
}

/* ---- softirqs -----------------------------------------------------------------------------------------------------
 */

static char order[16];
static unsigned nr_order;
static void note(char c)
{
    order[nr_order++] = c;
    order[nr_order] = 0;
}
static void on_timer(void)
{
    note('t');
}
static void on_schedule(void)
{
    note('s');
    if (nr_order < 4)
        softirq_raise(TIMER_SOFTIRQ); /* comes before what is still pending */
}
static void on_tasklet(void)
{
    note('k');
}

static void lowest_softirq_first(void)
{
    tp_reset();
    softirq_reset();
    nr_order = 0;
    softirq_open(TIMER_SOFTIRQ, on_timer);
    softirq_open(SCHEDULE_SOFTIRQ, on_schedule);
    softirq_open(TASKLET_SOFTIRQ, on_tasklet);
    softirq_raise(TASKLET_SOFTIRQ);
    softirq_raise(SCHEDULE_SOFTIRQ);
    softirq_raise(TIMER_SOFTIRQ);
    CU_ASSERT_TRUE(hypercall_preempt_check());
    softirq_run();
    CU_ASSERT_STRING_EQUAL(order, "tstk");
    CU_ASSERT_FALSE(softirq_pending(pcpu(0)));
    CU_ASSERT_FALSE(hypercall_preempt_check());
    CU_ASSERT_EQUAL(tp_perfc[PERFC_softirq], 4);
}

static void one_ipi_per_clear_bit(void)
{
    tp_reset();
    softirq_reset();
    tp_set_time(100);
    softirq_raise_on(pcpu(1), SCHEDULE_SOFTIRQ);
    CU_ASSERT_EQUAL(tp_cpu[1].ipi_at, 101);
    tp_cpu[1].ipi_at = S_TIME_MAX;
    softirq_raise_on(pcpu(1), SCHEDULE_SOFTIRQ); /* is pending already */
    CU_ASSERT_EQUAL(tp_cpu[1].ipi_at, S_TIME_MAX);
    softirq_raise_on(pcpu(1), TIMER_SOFTIRQ);
    CU_ASSERT_EQUAL(tp_cpu[1].ipi_at, 101);
    softirq_raise_on(pcpu(0), TIMER_SOFTIRQ); /* this pCPU needs none */
    CU_ASSERT_EQUAL(tp_cpu[0].ipi_at, S_TIME_MAX);
    CU_ASSERT_TRUE(softirq_pending(pcpu(0)) && softirq_pending(pcpu(1)));
    softirq_reset();
}

static void an_interrupt_preempts_a_hypercall(void)
{
    tp_reset();
    softirq_reset();
    CU_ASSERT_FALSE(hypercall_preempt_check());
    tp_cpu[0].irq_pending = true;
    CU_ASSERT_TRUE(hypercall_preempt_check());
}

static const struct cunit_case tests[] = {
    {"printk formats", formats},
    {"snprintf stays within its buffer", never_writes_past_the_end},
    {"console lines that are too long are cut visibly", long_lines_end_in_dots},
    {"a conversion that printk does not know panics", unknown_conversion_panics},
    {"levels follow the releases of each quirk", levels_follow_the_table_of_releases},
    {"4.2, fixed and arm-numa differ as documented", levels_that_differ_in_a_known_way},
    {"the lowest numbered softirq runs first", lowest_softirq_first},
    {"raising elsewhere sends an IPI only if the bit was clear", one_ipi_per_clear_bit},
    {"a pending interrupt preempts a hypercall", an_interrupt_preempts_a_hypercall},
};

CUNIT_MAIN("hv-core common", tests)
