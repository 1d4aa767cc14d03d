// SPDX-License-Identifier: GPL-2.0-or-later
//
// One simulation from scenario to result.
#include "../run.h"
#include "inject.hpp"
#include "measure.hpp"
#include "pcpu.hpp"
#include "show.hpp"
#include "toolstack.hpp"
#include "watch.hpp"
#include <cerrno>
#include <chrono>
#include <cstring>
#include <dlfcn.h>

// SystemC's library refers to it; hvsim has a main of its own and elaborates inside run_scenario.
int sc_main(int, char *[])
{
    return 0;
}

namespace sim
{

namespace
{

/// The process that SystemC sees, by which everybody else runs.
class conductor : public sc_core::sc_module
{
  public:
    conductor(sc_core::sc_module_name name, room &r, bool through_the_kernel) : sc_module(name), room_(r)
    {
        SC_HAS_PROCESS(conductor);
        if (through_the_kernel) {
            SC_THREAD(thread);
        } else {
            SC_METHOD(method);
        }
    }

  private:
    void thread()
    {
        room_.start();
    }
    void method()
    {
        room_.conduct();
    }
    room &room_;
};

/// The core to use: the linked one, or a shared object (*so). nullptr with the reason in error.
const hv_core *find_core(const char *path, void **object, char *error, size_t n)
{
    const hv_core *core;
    if (!path) {
        core = hv_core_get();
    } else {
        void *so = *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!so) {
            snprintf(error, n, "%s", dlerror());
            return nullptr;
        }
        auto get = reinterpret_cast<const hv_core *(*)()>(dlsym(so, "hv_core_get"));
        if (!get) {
            snprintf(error, n, "%s: not a hypervisor core: it does not export hv_core_get", path);
            return nullptr;
        }
        core = get();
    }
    if (core->abi_version != HV_ABI_VERSION) {
        snprintf(error, n, "%s: hypervisor core has ABI version %u, this hvsim needs %u", path ? path : "built-in core",
                 core->abi_version, HV_ABI_VERSION);
        return nullptr;
    }
    return core;
}

int simulate(const scenario &s, const run_options &opt, const hv_core *core, void *object, run_result &out)
{
    sc_core::sc_set_time_resolution(1, sc_core::SC_PS);
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    host h(s, opt, core);
    if (s.cost_mode == HV_COST_PATH) {
        static std::string id;
        std::string error;
        if (!h.path.attach(object, opt.hv_core_path, error)) {
            snprintf(out.error, sizeof out.error, "%s", error.c_str());
            return EXIT_BAD_INPUT;
        }
        id = std::string(core->build_id) + ", " + h.path.id();
        out.hv_build_id = id.c_str();
    }
    measure m(h);
    h.measure = &m;
    watch w(h);
    h.watch = &w;
    show xl(h);
    h.show = &xl;
    std::unique_ptr<injector> faults;
    if (s.nr_faults)
        faults = std::make_unique<injector>(h);
    h.inject = faults.get();
    conductor first("conductor", h.room, opt.sync_every_event);
    auto begin = std::chrono::steady_clock::now();
    sc_core::sc_start();
    out.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    out.simulated_s = double(h.room.now()) / 1e12;
    out.start_cpu_s = h.start_cpu_s;
    out.guests_cpu_s = h.guests_cpu_s;
    out.fingerprint = h.room.fingerprint();
    out.events = h.room.events();
    out.handovers = h.room.handovers();
    out.window = m.work();
    if (h.room.exit_code == EXIT_DONE && !m.complete()) {
        h.room.exit_code = EXIT_MODEL_PANIC;
        h.room.error = "the simulation ended before the window of measurement did";
    }
    if (h.room.exit_code == EXIT_DONE && h.ts->actions_done() < s.nr_actions) {
        const scenario_action &a = s.action[h.ts->actions_done()];
        h.room.exit_code = EXIT_BAD_INPUT;
        h.room.error = std::string(a.where) + ": '" + a.command + "' was not over when the run ended";
    }
    if (!h.trace.finish() && h.room.exit_code == EXIT_DONE) {
        h.room.exit_code = EXIT_HOST_FAILED;
        h.room.error = std::string("the trace could not be written: ") + strerror(errno);
    }
    if (h.room.exit_code == EXIT_DONE && opt.check_invariants) {
        h.observing = true;
        if (const char *broken = core->check()) {
            h.room.exit_code = EXIT_MODEL_PANIC;
            h.room.error = std::string("invariant violated: ") + broken;
        }
    }
    if (h.room.exit_code == EXIT_DONE)
        xl.finish();
    if (h.room.exit_code == EXIT_DONE)
        m.write(out.metrics);
    else
        snprintf(out.error, sizeof out.error, "%s%s", h.room.error.c_str(), faults ? faults->report().c_str() : "");
    return h.room.exit_code;
}

} // namespace

} // namespace sim

int run_scenario(const struct scenario *s, const struct run_options *opt, struct run_result *out)
{
    memset(out, 0, sizeof *out);
    metrics_init(&out->metrics);
    struct run_options o = *opt;
    std::string instrumented;
    if (s->cost_mode == HV_COST_PATH && !o.hv_core_path) {
        instrumented = sim::path_costs::default_object();
        o.hv_core_path = instrumented.c_str();
        if (instrumented.empty()) {
            snprintf(out->error, sizeof out->error,
                     "hv-core-path.so, which --hv-cost path needs, was not built: target hv_core_path_table");
            return EXIT_HOST_FAILED;
        }
    }
    void *object = nullptr;
    const hv_core *core = sim::find_core(o.hv_core_path, &object, out->error, sizeof out->error);
    if (!core)
        return EXIT_BAD_INPUT;
    out->hv_build_id = core->build_id;
    try {
        return sim::simulate(*s, o, core, object, *out);
    } catch (const std::bad_alloc &) {
        snprintf(out->error, sizeof out->error, "out of memory");
        return EXIT_HOST_FAILED;
    } catch (const std::exception &e) {
        snprintf(out->error, sizeof out->error, "%s", e.what());
        return EXIT_HOST_FAILED;
    }
}

void run_result_free(struct run_result *r)
{
    metrics_free(&r->metrics);
}
