// SPDX-License-Identifier: GPL-2.0-or-later
//
// The event calendar: what is due next.
//
// Every entity owns a fixed set of slots (its timer device, its interrupt line, ...), each of which is either idle or
// due at one time. The total order is
//     (time, class, id)
// and needs no sequence number to be total, because a slot holds at most one event: (class, id) is unique.
//
// The calendar is two indexed binary heaps over the slots that are due, and the earlier of their heads is the next
// event: one heap for class `resume`, of which few are due at a time and which a processor sets at every step that it
// takes inside the hypervisor, and one for everything else, where a few slots a processor wait for milliseconds. So a
// step costs a small heap, whatever the number of processors that have timers set. Keys lie in the heaps themselves.
// Whoever's event happened mostly sets its next one: until then its place at the head of the heap stays open.
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
    /// When a due slot happens, or a slot that was just taken off happened.
    time_ps time(slot_id s) const
    {
        return slots_[s].time;
    }
    /// (Re)schedule.
    void set(slot_id s, time_ps t)
    {
        slot &e = slots_[s];
        heap &h = heap_of(e);
        const key k = {t, e.order, s};
        if (e.pos == idle) {
            e.time = t;
            if (h.open) {
                h.open = false;
                sift_down(h, 0, k);
            } else {
                h.keys.push_back(k);
                sift_up(h, uint32_t(h.keys.size() - 1), k);
            }
            return;
        }
        close(h);
        if (t < e.time) {
            e.time = t;
            sift_up(h, e.pos, k);
        } else if (t > e.time) {
            e.time = t;
            sift_down(h, e.pos, k);
        }
    }
    void cancel(slot_id s)
    {
        slot &e = slots_[s];
        if (e.pos == idle)
            return;
        heap &h = heap_of(e);
        close(h);
        take(h, e.pos);
    }
    bool empty() const
    {
        return resumes_.empty() && others_.empty();
    }
    slot_id head() const
    {
        return first().head().slot;
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
        const key k = {t, slots_[s].order, s};
        return (resumes_.empty() || before(k, resumes_.head())) && (others_.empty() || before(k, others_.head()));
    }
    slot_id pop()
    {
        heap &h = const_cast<heap &>(first());
        close(h);
        slot_id s = h.keys.front().slot;
        slots_[s].pos = idle;
        h.open = true;
        return s;
    }

  private:
    static constexpr uint32_t idle = UINT32_MAX;
    struct slot {
        time_ps time;
        uint32_t order; // class, id
        uint32_t pos;   // in its heap
    };
    struct key {
        time_ps time;
        uint32_t order;
        slot_id slot;
    };
    struct heap {
        std::vector<key> keys;
        bool open = false; ///< keys[0] is nobody's: it was taken off

        bool empty() const
        {
            return keys.size() == open;
        }
        const key &head() const
        {
            if (!open)
                return keys[0];
            return keys[1 + (keys.size() > 2 && before(keys[2], keys[1]))];
        }
    };

    static bool before(const key &x, const key &y)
    {
        return x.time < y.time || (x.time == y.time && x.order < y.order);
    }
    heap &heap_of(const slot &e)
    {
        return event_class(e.order >> 16) == event_class::resume ? resumes_ : others_;
    }
    /// The heap whose head comes first; one of them is not empty.
    const heap &first() const
    {
        if (resumes_.empty())
            return others_;
        return others_.empty() || before(resumes_.head(), others_.head()) ? resumes_ : others_;
    }
    /// The last one takes the open place, and goes to where it has to be.
    void close(heap &h)
    {
        if (!h.open)
            return;
        h.open = false;
        const key last = h.keys.back();
        h.keys.pop_back();
        if (!h.keys.empty())
            sift_down(h, 0, last);
    }
    void put(heap &h, uint32_t pos, const key &k)
    {
        h.keys[pos] = k;
        slots_[k.slot].pos = pos;
    }
    /// Off the calendar, whoever is at pos.
    void take(heap &h, uint32_t pos)
    {
        slots_[h.keys[pos].slot].pos = idle;
        const key last = h.keys.back();
        h.keys.pop_back();
        if (pos == h.keys.size())
            return;
        if (pos > 0 && before(last, h.keys[(pos - 1) / 2]))
            sift_up(h, pos, last);
        else
            sift_down(h, pos, last);
    }
    /// k, which belongs to pos, goes to where it has to be.
    void sift_up(heap &h, uint32_t pos, const key &k)
    {
        for (; pos > 0 && before(k, h.keys[(pos - 1) / 2]); pos = (pos - 1) / 2)
            put(h, pos, h.keys[(pos - 1) / 2]);
        put(h, pos, k);
    }
    void sift_down(heap &h, uint32_t pos, const key &k)
    {
        const uint32_t n = uint32_t(h.keys.size());
        for (uint32_t kid; (kid = 2 * pos + 1) < n; pos = kid) {
            kid += kid + 1 < n && before(h.keys[kid + 1], h.keys[kid]);
            if (!before(h.keys[kid], k))
                break;
            put(h, pos, h.keys[kid]);
        }
        put(h, pos, k);
    }

    std::vector<slot> slots_;
    heap resumes_, others_;
};

} // namespace sim

#endif
