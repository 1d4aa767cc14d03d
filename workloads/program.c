/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps through a profile: a start offset once, then compute and block, phase after phase, for ever. */
#include <workloads/program.h>

#include <math.h>
#include <stdlib.h>

enum step { STEP_START, STEP_COMPUTE, STEP_BLOCK };

struct program {
    const struct workload_profile *profile;
    struct stream *stream;
    int64_t start_offset_ps;
    enum step step;
    unsigned phase;
};

struct program *program_create(const struct workload_profile *p, struct stream *stream, int64_t start_offset_ps)
{
    struct program *prog = malloc(sizeof(*prog));
    if (!prog) {
        stream_close(stream);
        return NULL;
    }
    *prog = (struct program){.profile = p,
                             .stream = stream,
                             .start_offset_ps = start_offset_ps,
                             .step = start_offset_ps > 0 ? STEP_START : STEP_COMPUTE};
    return prog;
}

void program_free(struct program *p)
{
    if (!p)
        return;
    stream_close(p->stream);
    free(p);
}

static void advance_phase(struct program *p)
{
    p->phase = (p->phase + 1) % p->profile->nr_phases;
    p->step = STEP_COMPUTE;
}

void program_next(struct program *p, struct action *out)
{
    const struct profile_phase *ph = &p->profile->phase[p->phase];

    switch (p->step) {
    case STEP_START:
        *out = (struct action){.kind = ACTION_BLOCK, .block_ps = p->start_offset_ps};
        p->step = STEP_COMPUTE;
        return;
    case STEP_COMPUTE:
        *out = (struct action){.kind = ACTION_COMPUTE, .mix = &ph->mix, .instructions = HUGE_VAL};
        if (ph->instructions > 0) { /* 0: endless, there is nothing after it */
            out->instructions = stream_jitter(p->stream, ph->instructions, ph->jitter);
            if (out->instructions < 1.0) /* a pass executes something, so that the loop makes progress */
                out->instructions = 1.0;
        }
        if (ph->block_ps > 0 || ph->period_ps > 0)
            p->step = STEP_BLOCK;
        else
            advance_phase(p);
        return;
    case STEP_BLOCK:
        if (ph->period_ps > 0) {
            *out = (struct action){.kind = ACTION_BLOCK, .period_ps = ph->period_ps, .align_ps = ph->align_ps};
            advance_phase(p);
            return;
        }
        *out = (struct action){.kind = ACTION_BLOCK,
                               .block_ps = (int64_t)stream_jitter(p->stream, (double)ph->block_ps, ph->block_jitter)};
        if (out->block_ps < 1) /* jitter 1 may draw less than the resolution of time: a block is a block */
            out->block_ps = 1;
        advance_phase(p);
        return;
    }
}
