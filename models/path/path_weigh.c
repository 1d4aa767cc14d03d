/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a block costs, of the core's figures and what was decoded:
 *
 *   issue   = instructions / width
 *   class c = n_c x throughput_c
 *   chain   = sum over c of chain_c x latency_c
 *   cycles  = max(issue, every class, chain) + mispredicted
 *   mispredicted = (branches x share + indirect jumps x indirect share) x penalty
 *
 * Blocks follow each other: what of one block overlaps with the next is not seen (docs/hypervisor-cost.md).
 */
#include <models/path.h>

#include <stdlib.h>
#include <string.h>

double path_block_cycles(const struct path_core *c, const struct path_block *b)
{
    double most = b->instructions / c->width, chain = 0;
    for (unsigned k = 0; k < PATH_CLASSES; k++) {
        double port = b->n[k] * c->throughput[k];
        most = port > most ? port : most;
        chain += b->chain[k] * c->latency[k];
    }
    most = chain > most ? chain : most;
    return most + (b->n[PATH_BRANCH] * c->mispredict_share + b->n[PATH_INDIRECT] * c->indirect_mispredict_share) *
                      c->mispredict_cycles;
}

/*
 * Per function of t: what its plain build weighs on c over what its instrumented one does; 0 where either is missing.
 * own: room for a sum a function. The ratio of all that have both, 1 if none has.
 */
static double find_ratios(const struct path_table *t, const struct path_core *c, double *ratio, double *own)
{
    double all_plain = 0, all_own = 0;
    for (unsigned i = 0; i < t->nr_sites; i++)
        own[t->site[i].function] += path_block_cycles(c, &t->site[i].block);
    for (unsigned i = 0; i < t->nr_plain[c->isa]; i++)
        ratio[t->plain[c->isa][i].function] += path_block_cycles(c, &t->plain[c->isa][i].block);
    for (unsigned i = 0; i < t->nr_functions; i++) {
        if (ratio[i] > 0 && own[i] > 0) {
            all_plain += ratio[i];
            all_own += own[i];
            ratio[i] /= own[i];
        } else {
            ratio[i] = 0;
        }
    }
    return all_own > 0 ? all_plain / all_own : 1;
}

double path_table_weigh(const struct path_table *t, const struct path_table *reference, const struct path_core *c,
                        double *cycles)
{
    /* A function of another object may have been changed: only how the two builds of the reference's differ is taken.
     */
    const struct path_table *from = t->nr_plain[c->isa] || !reference ? t : reference;
    double *ratio = calloc(from->nr_functions + 1, sizeof(*ratio)), *own = calloc(from->nr_functions + 1, sizeof(*own));
    double mean = ratio && own ? find_ratios(from, c, ratio, own) : 1;
    int *at = calloc(t->nr_functions + 1, sizeof(*at));
    for (unsigned f = 0; at && f < t->nr_functions; f++)
        at[f] = from == t ? (int)f : path_find_function(from, t->function[f].file, t->function[f].name);
    for (unsigned i = 0; i < t->nr_sites; i++) {
        int f = at ? at[t->site[i].function] : -1;
        cycles[i] = path_block_cycles(c, &t->site[i].block) * (f >= 0 && ratio && ratio[f] > 0 ? ratio[f] : mean);
    }
    free(ratio);
    free(own);
    free(at);
    return mean;
}
