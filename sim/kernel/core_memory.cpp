// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_memory.hpp"
#include <cstdint>
#include <cstring>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

namespace sim
{

namespace
{

/// Programs, libraries, stacks and the sanitizers' shadows are elsewhere, on x86-64 as on AArch64 (48 bits).
constexpr uintptr_t where = 0x200000000000;

} // namespace

bool core_memory::reserve()
{
    void *at = mmap(reinterpret_cast<void *>(where), room, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (at == MAP_FAILED)
        return false;
    if (at != reinterpret_cast<void *>(where)) { // a kernel that does not know NOREPLACE takes it for a wish
        munmap(at, room);
        return false;
    }
    madvise(at, room, MADV_NOHUGEPAGE); // pages of all sizes lie side by side: what is touched is what counts
    base_ = static_cast<char *>(at);
    return true;
}

void *core_memory::take(unsigned order)
{
    const size_t bytes = page << order;
    if (!base_ && !reserve())
        return nullptr;
    if (order < free_.size() && !free_[order].empty()) {
        void *va = free_[order].back();
        free_[order].pop_back();
        ASAN_UNPOISON_MEMORY_REGION(va, bytes);
        memset(va, 0, bytes);
        return va;
    }
    size_t at = (used_ + bytes - 1) & ~(bytes - 1); // aligned to its size, as frames are
    if (at + bytes > room)
        return nullptr;
    used_ = at + bytes;
    return base_ + at;
}

void core_memory::give_back(void *va, unsigned order)
{
    if (order >= free_.size())
        free_.resize(order + 1);
    free_[order].push_back(va);
    ASAN_POISON_MEMORY_REGION(va, page << order);
}

core_memory::~core_memory()
{
    if (base_) {
        ASAN_UNPOISON_MEMORY_REGION(base_, used_);
        munmap(base_, room);
    }
}

} // namespace sim
