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

    {"pool", XLCFG_REFUSED, "cpupools are not simulated; all VMs run in the pool of dom0"},
    {"cpus_soft", XLCFG_REFUSED, "soft affinity came with Xen 4.5; this host behaves like 4.3"},
    {"vnuma", XLCFG_REFUSED, "virtual NUMA came with Xen 4.6; this host behaves like 4.3"},
    {"claim_mode", XLCFG_REFUSED, "it belongs into xl.conf, and claims are not simulated"},
    {"nodes", XLCFG_REFUSED, "xl has no such key; use cpus= with the pCPUs of the node"},
    {"cpu_cap", XLCFG_REFUSED, "xl has no such key; use cap="},
    {"period", XLCFG_REFUSED, "a parameter of the sedf and rtds schedulers; this host runs credit"},
    {"slice", XLCFG_REFUSED, "a parameter of the sedf scheduler; this host runs credit"},
    {"latency", XLCFG_REFUSED, "a parameter of the sedf scheduler; this host runs credit"},
    {"extratime", XLCFG_REFUSED, "a parameter of the sedf and rtds schedulers; this host runs credit"},
    {"budget", XLCFG_REFUSED, "a parameter of the rtds scheduler; this host runs credit"},
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
