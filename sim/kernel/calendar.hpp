// SPDX-License-Identifier: GPL-2.0-or-later
//
// The event calendar: what is due next.
//
// Every entity owns a fixed set of slots (its timer device, its interrupt line, ...), each of which is either idle or
// due at one time. The calendar is an indexed binary heap over the slots that are due. The total order is
//     (time, class, id)
// and needs no sequence number to be total, because a slot holds at most one event: (class, id) is unique.
#ifndef SIM_KERNEL_CALENDAR_HPP
#define SIM_KERNEL_CALENDAR_HPP

#include <cstdint>
#include <vector>

namespace sim
{

/// Picoseconds since boot.
using time_ps = int64_t;

/// In the order in which simultaneous events happen: marks of the scenario, then what devices do, then processors, then
/// those who only look.
enum class event_class : uint16_t { scenario, ipi, timer, resume, guest, observer };

using slot_id = uint32_t;

class calendar
{
  public:
    /// A new slot, idle.
    slot_id add_slot(event_class cls, uint16_t id)
    {
        slots_.push_back({0, (uint32_t(cls) << 16) | id, idle});
        return slot_id(slots_.size() - 1);
    }
    bool due(slot_id s) const
    {
        return slots_[s].pos != idle;
    }
    /// When a due slot happens.
    time_ps time(slot_id s) const
    {
        return slots_[s].time;
    }
    /// (Re)schedule.
    void set(slot_id s, time_ps t)
    {
        slot &e = slots_[s];
        if (e.pos == idle) {
            e.time = t;
            e.pos = uint32_t(heap_.size());
            heap_.push_back(s);
            sift_up(e.pos);
        } else if (t < e.time) {
            e.time = t;
            sift_up(e.pos);
        } else if (t > e.time) {
            e.time = t;
            sift_down(e.pos);
        }
    }
    void cancel(slot_id s)
    {
        uint32_t pos = slots_[s].pos;
        if (pos == idle)
            return;
        slots_[s].pos = idle;
        slot_id last = heap_.back();
        heap_.pop_back();
        if (last == s)
            return;
        heap_[pos] = last;
        slots_[last].pos = pos;
        sift_up(pos);
        sift_down(slots_[last].pos);
    }
    bool empty() const
    {
        return heap_.empty();
    }
    slot_id head() const
    {
        return heap_.front();
    }
    event_class cls(slot_id s) const
    {
        return event_class(slots_[s].order >> 16);
    }
    uint16_t id(slot_id s) const
    {
        return uint16_t(slots_[s].order);
    }
    /// Would an event (t, class and id of slot s) come before everything that is due?
    bool would_be_first(slot_id s, time_ps t) const
    {
        if (heap_.empty())
            return true;
        const slot &h = slots_[heap_.front()];
        return t < h.time || (t == h.time && slots_[s].order < h.order);
    }
    slot_id pop()
    {
        slot_id s = heap_.front();
        cancel(s);
        return s;
    }

  private:
    static constexpr uint32_t idle = UINT32_MAX;
    struct slot {
        time_ps time;
        uint32_t order; // class, id
        uint32_t pos;   // in heap_
    };
    bool before(slot_id a, slot_id b) const
    {
        const slot &x = slots_[a], &y = slots_[b];
        return x.time < y.time || (x.time == y.time && x.order < y.order);
    }
    void sift_up(uint32_t pos)
    {
        slot_id s = heap_[pos];
        while (pos > 0) {
            uint32_t up = (pos - 1) / 2;
            if (!before(s, heap_[up]))
                break;
            heap_[pos] = heap_[up];
            slots_[heap_[pos]].pos = pos;
            pos = up;
        }
        heap_[pos] = s;
        slots_[s].pos = pos;
    }
    void sift_down(uint32_t pos)
    {
        slot_id s = heap_[pos];
        for (;;) {
            uint32_t kid = 2 * pos + 1;
            if (kid >= heap_.size())
                break;
            if (kid + 1 < heap_.size() && before(heap_[kid + 1], heap_[kid]))
                kid++;
            if (!before(heap_[kid], s))
                break;
            heap_[pos] = heap_[kid];
            slots_[heap_[pos]].pos = pos;
            pos = kid;
        }
        heap_[pos] = s;
        slots_[s].pos = pos;
    }

    std::vector<slot> slots_;
    std::vector<slot_id> heap_;
};

} // namespace sim

#endif
