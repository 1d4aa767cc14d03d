// SPDX-License-Identifier: GPL-2.0-or-later
#include "show.hpp"
#include "toolstack.hpp"

namespace sim
{

void show::guests_started()
{
    start_ = host_.room.now();
    arm();
}

/// They are in order of time, those for the end last.
void show::arm()
{
    if (next_ < host_.opt.nr_shows && host_.opt.show[next_].at_ps != RUN_SHOW_AT_END)
        host_.room.cal.set(slot_, start_ + host_.opt.show[next_].at_ps);
}

process *show::due(slot_id)
{
    const run_show &s = host_.opt.show[next_++];
    print(s, s.at_ps);
    arm();
    return nullptr;
}

void show::finish()
{
    for (; next_ < host_.opt.nr_shows; next_++)
        print(host_.opt.show[next_], host_.room.now() - start_);
}

void show::print(const run_show &s, time_ps at)
{
    fprintf(host_.opt.show_file, "# xl %s, %.6f s\n", xl_names[s.what], double(at) / 1e12);
    xl_host x = {};
    x.core = host_.hv;
    x.level = host_.scn.level;
    x.ctx = &host_;
    x.domain_name = [](void *ctx, unsigned id) -> const char * {
        for (const auto &v : static_cast<host *>(ctx)->vms)
            if (v->id.n == id)
                return v->name.c_str();
        return nullptr;
    };
    x.pool_name = [](void *ctx, unsigned id) { return static_cast<host *>(ctx)->ts->pool_name(id); };
    bool was = host_.observing;
    host_.observing = true;
    host_.console_copy = host_.opt.show_file;
    xl_print(host_.opt.show_file, &x, s.what);
    host_.console_copy = nullptr;
    host_.observing = was;
    fflush(host_.opt.show_file);
}

} // namespace sim
