/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every xl.cfg key that the simulator knows, and what becomes of it. */
#include "xlcfg.h"

static const struct xlcfg_key keys[] = {
    {"name", XLCFG_USED, "name of the VM; required"},
    {"type", XLCFG_USED, "\"pv\" (default) or \"hvm\""},
    {"builder", XLCFG_USED, "older spelling of type: \"generic\" or \"linux\" (PV), \"hvm\""},
    {"vcpus", XLCFG_USED, "vCPUs online at start; default 1 as in xl"},
    {"maxvcpus", XLCFG_USED, "vCPUs in all; default vcpus"},
    {"memory", XLCFG_USED, "MiB; required"},
    {"maxmem", XLCFG_USED, "MiB; default memory"},
    {"cpus", XLCFG_USED, "hard affinity, string or list; without it automatic NUMA placement runs"},
    {"cpu_weight", XLCFG_USED, "scheduling weight, 1..65535; default of the scheduler"},
    {"cap", XLCFG_USED, "percent of one pCPU, 0..100 * maxvcpus; 0 means none"},
    {"cpus_soft", XLCFG_USED,
     "soft affinity, string or list, at levels that have it (modern, fixed); no automatic placement"},
    {"vnuma", XLCFG_USED,
     "nodes that the guest sees, from 4.6 on: a list [\"pnode=\", \"size=\" MiB, \"vcpus=\", \"vdistances=\"] for "
     "each"},
    {"claim_on_node", XLCFG_USED,
     "node that all of its memory is claimed on and comes from, at levels that have it (fixed); no automatic "
     "placement"},
    {"pool", XLCFG_USED, "cpupool, by the name of a [[pool]] of the scenario; default Pool-0"},
    {"period", XLCFG_USED, "scheduler rtds: us, 10 or more; default 10000"},
    {"budget", XLCFG_USED, "scheduler rtds: us, 10..period; default 4000"},
    {"extratime", XLCFG_USED,
     "scheduler rtds: 1 (default) to run on when the budget is used up and nobody else wants to"},

    {"uuid", XLCFG_NO_EFFECT, "identity only"},
    {"kernel", XLCFG_NO_EFFECT, "what runs inside comes from the scenario's workload"},
    {"ramdisk", XLCFG_NO_EFFECT, "what runs inside comes from the scenario's workload"},
    {"root", XLCFG_NO_EFFECT, "what runs inside comes from the scenario's workload"},
    {"cmdline", XLCFG_NO_EFFECT, "what runs inside comes from the scenario's workload"},
    {"extra", XLCFG_NO_EFFECT, "what runs inside comes from the scenario's workload"},
    {"bootloader", XLCFG_NO_EFFECT, "what runs inside comes from the scenario's workload"},
    {"bootloader_args", XLCFG_NO_EFFECT, "what runs inside comes from the scenario's workload"},
    {"boot", XLCFG_NO_EFFECT, "boot order; what runs inside comes from the scenario's workload"},
    {"disk", XLCFG_NO_EFFECT, "devices are not simulated"},
    {"vif", XLCFG_NO_EFFECT, "devices are not simulated"},
    {"vfb", XLCFG_NO_EFFECT, "devices are not simulated"},
    {"serial", XLCFG_NO_EFFECT, "devices are not simulated"},
    {"keymap", XLCFG_NO_EFFECT, "devices are not simulated"},
    {"vnc", XLCFG_NO_EFFECT, "devices are not simulated"},
    {"vnclisten", XLCFG_NO_EFFECT, "devices are not simulated"},
    {"sdl", XLCFG_NO_EFFECT, "devices are not simulated"},
    {"usb", XLCFG_NO_EFFECT, "devices are not simulated"},
    {"usbdevice", XLCFG_NO_EFFECT, "devices are not simulated"},
    {"localtime", XLCFG_NO_EFFECT, "the wall clock inside the guest is not simulated"},
    {"rtc_timeoffset", XLCFG_NO_EFFECT, "the wall clock inside the guest is not simulated"},
    {"on_poweroff", XLCFG_NO_EFFECT, "guests neither stop nor crash"},
    {"on_reboot", XLCFG_NO_EFFECT, "guests neither stop nor crash"},
    {"on_watchdog", XLCFG_NO_EFFECT, "guests neither stop nor crash"},
    {"on_crash", XLCFG_NO_EFFECT, "guests neither stop nor crash"},

    {"claim_mode", XLCFG_REFUSED, "it belongs into xl.conf; in a scenario it is xl.claim_mode"},
    {"nodes", XLCFG_REFUSED, "xl has no such key; use cpus= with the pCPUs of the node"},
    {"cpu_cap", XLCFG_REFUSED, "xl has no such key; use cap="},
    {"slice", XLCFG_REFUSED, "a parameter of the sedf scheduler; it can be set at run time only"},
    {"latency", XLCFG_REFUSED, "a parameter of the sedf scheduler; it can be set at run time only"},
    {"shadow_memory", XLCFG_REFUSED, "shadow paging is not simulated"},
    {"hap", XLCFG_REFUSED, "the choice between nested and shadow paging is not simulated"},
    {"nestedhvm", XLCFG_REFUSED, "nested virtualisation is not simulated"},
    {"pci", XLCFG_REFUSED, "passthrough is not simulated"},
};

const struct xlcfg_key *xlcfg_keys(unsigned *n)
{
    *n = sizeof(keys) / sizeof(keys[0]);
    return keys;
}
