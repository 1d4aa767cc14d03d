/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations drawn from a seed. */
#include "property_kit.h"

uint64_t prop_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

void prop_generate(const struct prop_kit *kit, struct prop_op *ops, unsigned n, uint64_t seed)
{
    unsigned all = 0;
    for (unsigned k = 0; k < kit->nr_kinds; k++)
        all += kit->kinds[k].often;
    for (unsigned i = 0; i < n; i++) {
        unsigned draw = (unsigned)(prop_random(&seed) % all), k = 0;
        for (; draw >= kit->kinds[k].often; k++)
            draw -= kit->kinds[k].often;
        uint64_t r = prop_random(&seed);
        ops[i].kind = k;
        ops[i].mode = kit->draw_mode(prop_random(&seed));
        for (unsigned j = 0; j < 4; j++)
            ops[i].arg[j] = (uint32_t)(r >> 16 * j & 0xffff);
    }
}
