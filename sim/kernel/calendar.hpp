// SPDX-License-Identifier: GPL-2.0-or-later
//
// The event calendar: what is due next.
//
// Every entity owns a fixed set of slots (its timer device, its interrupt line, ...), each of which is either idle or
// due at one time. The total order is
//     (time, class, id)
// and needs no sequence number to be total, because a slot holds at most one event: (class, id) is unique.
//
// Class `resume` is what matters for speed: a processor sets its resume event at every step that it takes inside the
// hypervisor, mostly for a few nanoseconds later, when few others are due. So the first few of that class lie sorted in
// a row, where one is taken off at the end and a new one finds its place within one or two. Those that come after them
// (who is charged microseconds at a time), and all other classes, where a few slots a processor wait for milliseconds,
// lie in indexed binary heaps. Whoever's event happened mostly sets its next one: until then its place at the head of
// the heap stays open.
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
        const key k = {t, e.order, s};
        if (!is_resume(e)) {
            set_other(e, k);
            return;
        }
        if (e.pos != idle) [[unlikely]]
            forget_resume(e, s);
        e.time = t;
        add_resume(k);
    }
    void cancel(slot_id s)
    {
        slot &e = slots_[s];
        if (e.pos == idle)
            return;
        if (is_resume(e)) {
            forget_resume(e, s);
        } else {
            close(others_);
            take(others_, e.pos);
            other_ = others_.head();
        }
    }
    bool empty() const
    {
        return nr_soon_ == 0 && other_.slot == idle;
    }
    slot_id head() const
    {
        return (before(soon_[nr_soon_], other_) ? soon_[nr_soon_] : other_).slot;
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
        return before(k, soon_[nr_soon_]) && before(k, other_);
    }
    slot_id pop()
    {
        if (before(soon_[nr_soon_], other_)) {
            slot_id s = soon_[nr_soon_].slot;
            slots_[s].pos = idle;
            if (--nr_soon_ == 0)
                bring_up();
            return s;
        }
        return pop_other();
    }

  private:
    static constexpr uint32_t idle = UINT32_MAX, in_row = UINT32_MAX - 1;
    /// As many resumes lie in the row; it is filled, and relieved, by half.
    static constexpr unsigned row = 16;
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
    static constexpr key nobody = {INT64_MAX, UINT32_MAX, idle};
    struct heap {
        std::vector<key> keys;
        bool open = false; ///< keys[0] is nobody's: it was taken off

        bool empty() const
        {
            return keys.size() == open;
        }
        /// nobody: it is empty.
        const key &head() const
        {
            if (empty())
                return nobody;
            if (!open)
                return keys[0];
            return keys[1 + (keys.size() > 2 && before(keys[2], keys[1]))];
        }
    };

    static bool before(const key &x, const key &y)
    {
        return x.time < y.time || (x.time == y.time && x.order < y.order);
    }
    static bool is_resume(const slot &e)
    {
        return event_class(e.order >> 16) == event_class::resume;
    }

    // ---- class resume: the row, later_ ----

    void add_resume(const key &k)
    {
        if (nr_soon_ == row && before(k, soon_[1])) [[unlikely]]
            relieve();
        if (before(k, soon_[1]) || (nr_soon_ < row && later_.empty())) {
            unsigned i = nr_soon_++;
            for (; before(soon_[i], k); i--)
                soon_[i + 1] = soon_[i];
            soon_[i + 1] = k;
            slots_[k.slot].pos = in_row;
            return;
        }
        add_later(k);
    }
    [[gnu::noinline]] void add_later(const key &k)
    {
        later_.keys.push_back(k);
        sift_up(later_, uint32_t(later_.keys.size() - 1), k);
    }
    [[gnu::noinline]] void forget_resume(slot &e, slot_id s)
    {
        if (e.pos != in_row) {
            take(later_, e.pos);
            return;
        }
        unsigned i = nr_soon_;
        while (soon_[i].slot != s)
            i--;
        for (nr_soon_--; i <= nr_soon_; i++)
            soon_[i] = soon_[i + 1];
        e.pos = idle;
        if (nr_soon_ == 0)
            bring_up();
    }
    /// The row is full: its later half goes.
    [[gnu::noinline]] void relieve()
    {
        for (unsigned i = 1; i <= row / 2; i++) {
            add_later(soon_[i]);
            soon_[i] = soon_[i + row / 2];
        }
        nr_soon_ = row / 2;
    }
    /// The row is empty: the first of those that come after it, if there are any.
    [[gnu::noinline]] void bring_up()
    {
        nr_soon_ = later_.keys.size() < row / 2 ? unsigned(later_.keys.size()) : row / 2;
        for (unsigned i = nr_soon_; i > 0; i--) {
            soon_[i] = later_.keys.front();
            take(later_, 0);
            slots_[soon_[i].slot].pos = in_row;
        }
    }

    // ---- the other classes ----

    [[gnu::noinline]] void set_other(slot &e, const key &k)
    {
        if (e.pos == idle) {
            e.time = k.time;
            if (others_.open) {
                others_.open = false;
                sift_down(others_, 0, k);
            } else {
                others_.keys.push_back(k);
                sift_up(others_, uint32_t(others_.keys.size() - 1), k);
            }
        } else {
            close(others_);
            bool earlier = k.time < e.time;
            e.time = k.time;
            if (earlier)
                sift_up(others_, e.pos, k);
            else
                sift_down(others_, e.pos, k);
        }
        other_ = others_.head();
    }
    [[gnu::noinline]] slot_id pop_other()
    {
        close(others_);
        slot_id s = others_.keys.front().slot;
        slots_[s].pos = idle;
        others_.open = true;
        other_ = others_.head();
        return s;
    }

    // ---- heaps ----

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
    key soon_[row + 1] = {nobody}; ///< [1] to [nr_soon_], the first one last; none in later_ comes before any of them
    unsigned nr_soon_ = 0;
    key other_ = nobody; ///< the first of others_
    heap later_, others_;
};

} // namespace sim

#endif
