/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenarios on machines of ARM: what guests are built for, and what such a machine has not. */
#include "scenario_file.h"

static enum hv_guest_type type_of_first(const char *const *set)
{
    scratch_write("t.toml", "%s", whole);
    struct scenario *s = must_load("t.toml", set);
    enum hv_guest_type type = s->vm[0].cfg.type;
    scenario_free(s);
    return type;
}

/* What a guest is built for: as the machine at levels that have it, or as the scenario says. */
static void guests_of_arm(void)
{
    static const struct {
        const char *set[4];
        enum hv_guest_type type;
    } rows[] = {
        {{NULL}, HV_GUEST_PV},
        {{"vm.0.isa='x86-64'"}, HV_GUEST_PV},
        {{"machine='calxeda-midway'"}, HV_GUEST_ARM32},
        {{"machine='x-gene-m400'"}, HV_GUEST_ARM32},
        {{"machine='x-gene-m400'", "xen.behaviour='modern'"}, HV_GUEST_ARM64},
        {{"machine='x-gene-m400'", "xen.behaviour='modern'", "vm.0.isa='armv7'"}, HV_GUEST_ARM32},
        {{"machine='altra-2s'", "xen.behaviour='arm-numa'"}, HV_GUEST_ARM64},
    };
    scratch_write("a.cfg", "name = 'a'\nmemory = 512\nvcpus = 8\n"); /* without pCPUs that these machines have not */
    scratch_write("b.cfg", "name = 'b'\nmemory = 256\ntype = 'pv'\n");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        CU_ASSERT_EQUAL(type_of_first(rows[i].set), rows[i].type);
    good_cfgs();
}

static void what_arm_has_not(void)
{
#define GENE "machine='x-gene-m400'"
    static const struct {
        const char *cfg, *set[4], *text;
    } rows[] = {
        {"vcpus = 9\n",
         {GENE},
         "a.cfg:3:9: VM 'a' has 9 vCPUs: a guest of machine 'x-gene-m400' has 8 at most at level 'xen-4.3' (GICv2)"},
        {"vcpus = 2\nmaxvcpus = 9\n",
         {GENE},
         "a.cfg:4:12: VM 'a' has 9 vCPUs: a guest of machine 'x-gene-m400' has 8 at most at level 'xen-4.3' (GICv2)"},
        {"vcpus = 129\n",
         {GENE, "xen.behaviour='modern'"},
         "a.cfg:3:9: VM 'a' has 129 vCPUs: a guest of machine 'x-gene-m400' has 128 at most at level 'modern' (GICv3)"},
        {"vcpus = 9\n",
         {"machine='calxeda-midway'", "xen.behaviour='modern'"},
         "a.cfg:3:9: VM 'a' has 9 vCPUs: a guest of machine 'calxeda-midway' has 8 at most at level 'modern' (GICv2)"},
        {"type = 'hvm'\n", {GENE}, "a.cfg:3:9: VM 'a' is an HVM guest, but machine 'x-gene-m400' runs ARM guests"},
        {"builder = 'hvm'\n", {GENE}, "a.cfg:3:12: VM 'a' is an HVM guest, but machine 'x-gene-m400' runs ARM guests"},
        {"",
         {GENE, "vm.0.isa='aarch64'"},
         "--set vm.0.isa: level 'xen-4.3' runs guests built for armv7 only, also where the machine has 64 bits"},
        {"",
         {"machine='calxeda-midway'", "vm.0.isa='aarch64'", "xen.behaviour='modern'"},
         "--set vm.0.isa: machine 'calxeda-midway' (armv7) cannot run a guest built for aarch64"},
        {"",
         {GENE, "vm.0.isa='x86-64'"},
         "--set vm.0.isa: machine 'x-gene-m400' (aarch64) cannot run a guest built for x86-64"},
        {"",
         {"vm.0.isa='armv7'"},
         "--set vm.0.isa: machine 'westmere-ep-2s' (x86-64) cannot run a guest built for armv7"},
        {"",
         {GENE, "vm.0.isa='arch64'"},
         "--set vm.0.isa: expected x86-64, armv7 or aarch64, found 'arch64'; did you mean 'aarch64'?"},
        {"",
         {GENE, "dom0.vcpus=9"},
         "--set dom0.vcpus: dom0 has 9 vCPUs: a guest of machine 'x-gene-m400' has 8 at most at level 'xen-4.3'"},
        {"",
         {"machine='kunpeng-920-96'"},
         "t.toml:11:13: machine 'kunpeng-920-96' has 96 pCPUs: at level 'xen-4.3' Xen on ARM knows the GICv2, which "
         "has 8; all of them with level 'modern', 'fixed' or 'arm-numa'"},
    };
    scratch_write("b.cfg", "name = 'b'\nmemory = 256\n"); /* good_cfgs' has a pCPU that these machines have not */
    scratch_write("t.toml", "%s", whole);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[256];
        snprintf(text, sizeof(text), "name = 'a'\nmemory = 512\n%s", rows[i].cfg);
        scratch_write("a.cfg", text);
        check_refused(rows[i].set, rows[i].text);
    }
    good_cfgs();
}

static const struct cunit_case tests[] = {
    {"set-up", in_a_directory_of_its_own},
    {"guests of ARM", guests_of_arm},
    {"what ARM has not", what_arm_has_not},
    {"clean-up", clean_up},
};

CUNIT_MAIN("scenario ARM", tests)
