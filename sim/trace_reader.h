/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The binary that xentrace writes, since Xen 4.3: a sequence of windows, each one CPU_CHANGE record (pCPU, length in
 * bytes) and that many bytes of records of this pCPU. A record is little-endian 32-bit words: a header (bits 0-27 event
 * id, bits 28-30 number of extra words, bit 31 "has a TSC"), two words of TSC if it has one, the extra words.
 *
 * The reader is strict: what the format does not allow is refused with the byte offset of the word that is wrong, and
 * nothing is skipped in silence. What it refuses beyond what xenalyze refuses: a TSC of 0 and one that goes backwards
 * on its pCPU (xenalyze loses the interval without a word, so its totals are wrong).
 */
#ifndef SIM_TRACE_READER_H
#define SIM_TRACE_READER_H

#include "fault.h"

#define TRACE_HEADER_EVENT 0x0fffffffu
#define TRACE_HEADER_WORDS_SHIFT 28
#define TRACE_HEADER_TSC 0x80000000u
#define TRACE_MAX_WORDS 7u

/* Records about the trace itself. */
#define TRACE_LOST_RECORDS 0x1f001u
#define TRACE_WRAP 0x1f002u
#define TRACE_CPU_CHANGE 0x1f003u
/* As a header: no TSC, two words. */
#define TRACE_CPU_CHANGE_HEADER 0x2001f003u

/* The scheduler's, from the same table. Runstates: running 0, runnable 1, blocked 2, offline 3. */
#define TRACE_RUNSTATE_CHANGE 0x21001u /* + (old << 8) + (new << 4); word: vCPU in bits 0-15, domain in 16-31 */
#define TRACE_CONTINUE_RUNNING 0x21002u
#define TRACE_RUNSTATES 4u
#define TRACE_IDLE_DOMAIN 32767u

/* Highest pCPU number + 1 that a file may name. xenalyze takes only numbers below TRACE_XENALYZE_IDS. */
#define TRACE_MAX_CPUS 4096u
#define TRACE_XENALYZE_IDS 256u

struct trace_record {
    uint64_t tsc;    /* of a record without one: that of the record before it on its pCPU, 0 if there is none */
    uint64_t offset; /* of the header in the file */
    uint32_t event;
    uint32_t word[TRACE_MAX_WORDS];
    uint16_t cpu;
    uint8_t nr_words;
    bool has_tsc;
};

struct trace {
    size_t nr, room;
    struct trace_record *rec; /* in the order of the file; padding (WRAP) and CPU_CHANGE are not among them */
    size_t windows;
    unsigned nr_cpus;             /* highest pCPU number + 1 */
    uint64_t first_tsc, last_tsc; /* of all records that have one; 0: none has */
    uint64_t lost;                /* records that the recorder dropped, from the LOST records */
};

/*
 * Parse a file's bytes. name stands in messages. EXIT_DONE, EXIT_BAD_INPUT ("NAME: byte OFFSET: what was found and what
 * was expected") or EXIT_HOST_FAILED (out of memory). On failure *out holds nothing.
 */
int trace_parse(const void *bytes, size_t nr_bytes, const char *name, struct trace *out, struct fault *f);
/* The same for a file. EXIT_BAD_INPUT as well if it cannot be read. */
int trace_read(const char *path, struct trace *out, struct fault *f);
/* The same for an open file, from where it stands to its end. */
int trace_read_stream(FILE *in, const char *name, struct trace *out, struct fault *f);
void trace_free(struct trace *t);

/* Bring the records into the order of their TSC; equal ones into that of the pCPUs, and of one pCPU as in the file. */
void trace_sort(struct trace *t);

static inline bool trace_is_runstate(uint32_t event)
{
    return (event & ~0xff0u) == TRACE_RUNSTATE_CHANGE;
}
static inline unsigned trace_runstate_old(uint32_t event)
{
    return (event >> 8) & 0xf;
}
static inline unsigned trace_runstate_new(uint32_t event)
{
    return (event >> 4) & 0xf;
}

#endif
