// SPDX-License-Identifier: GPL-2.0-or-later
//
// hvsim run --show: what xl would print, at given moments. It only looks: the run's fingerprint is that of one without.
#ifndef SIM_KERNEL_SHOW_HPP
#define SIM_KERNEL_SHOW_HPP

#include "host.hpp"

namespace sim
{

class show : public entity
{
  public:
    explicit show(host &h) : host_(h), slot_(h.room.add_slot(event_class::observer, 1, this))
    {
    }
    /// Moments count from now.
    void guests_started();
    process *due(slot_id s) override;
    /// The window is over: what was asked for at the end.
    void finish();

  private:
    void arm();
    void print(const run_show &s, time_ps at);

    host &host_;
    slot_id slot_;
    time_ps start_ = 0;
    unsigned next_ = 0;
};

} // namespace sim

#endif
