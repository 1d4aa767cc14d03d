// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace_writer.hpp"

namespace sim
{

namespace
{

/// An epoch ends when one pCPU has this many words; half a buffer of xentrace's default of 32 pages a pCPU.
constexpr size_t epoch_words = 16 * 4096 / 4;

constexpr uint32_t cpu_change = 0x2001f003, has_tsc = 0x80000000, words_shift = 28;
constexpr uint32_t runstate_change = 0x21001, runstate_bits = 0xff0;

/// Memory events but those of grants (the first three) have no TSC; all others do.
bool event_has_tsc(uint32_t event)
{
    constexpr uint32_t mem_class = 0x10f000, mem_grants = 3;
    return (event & 0xffff000) != mem_class || (event & 0xfff) <= mem_grants;
}

} // namespace

trace_writer::trace_writer(FILE *f, unsigned nr_cpus) : file_(f), cpu_(f ? nr_cpus : 0)
{
}

/// The TSC of a record, by the rules of the header.
uint64_t trace_writer::order(pcpu_buffer &b, unsigned cpu, int64_t now, uint32_t event, unsigned nr_words,
                             const uint32_t *words)
{
    uint64_t tsc = now > 0 ? uint64_t(now) : 1;
    if (tsc < b.tsc)
        tsc = b.tsc;
    if ((event & ~runstate_bits) == runstate_change && nr_words == 1) {
        auto [it, first] = vcpu_.try_emplace(words[0], place{tsc, cpu});
        if (!first && it->second.cpu != cpu && tsc <= it->second.tsc)
            tsc = it->second.tsc + 1;
        it->second = place{tsc, cpu};
    }
    return b.tsc = tsc;
}

void trace_writer::add(unsigned cpu, int64_t now, uint32_t event, unsigned nr_words, const uint32_t *words)
{
    pcpu_buffer &b = cpu_[cpu];
    bool timed = event_has_tsc(event);
    b.words.push_back(event | nr_words << words_shift | (timed ? has_tsc : 0));
    if (timed) {
        uint64_t tsc = order(b, cpu, now, event, nr_words, words);
        b.words.push_back(uint32_t(tsc));
        b.words.push_back(uint32_t(tsc >> 32));
    }
    b.words.insert(b.words.end(), words, words + nr_words);
    if (b.words.size() >= epoch_words)
        flush();
}

void trace_writer::flush()
{
    auto put = [this](uint32_t w) {
        const unsigned char bytes[] = {(unsigned char)w, (unsigned char)(w >> 8), (unsigned char)(w >> 16),
                                       (unsigned char)(w >> 24)};
        if (fwrite(bytes, sizeof bytes, 1, file_) != 1)
            failed_ = true;
    };
    for (unsigned i = 0; i < cpu_.size(); i++) {
        if (cpu_[i].words.empty())
            continue;
        put(cpu_change);
        put(i);
        put(uint32_t(cpu_[i].words.size() * 4));
        for (uint32_t w : cpu_[i].words)
            put(w);
        cpu_[i].words.clear();
    }
}

bool trace_writer::finish()
{
    if (!file_)
        return true;
    flush();
    if (fflush(file_) != 0)
        failed_ = true;
    return !failed_;
}

} // namespace sim
