/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <models/cache.h>

#include <stdbool.h>

void cache_shares(double capacity, unsigned n, const unsigned *count, const double *weight, const double *most,
                  double *share)
{
    double left = capacity, open_weight = 0;
    for (unsigned i = 0; i < n; i++) {
        share[i] = -1;
        open_weight += count[i] * weight[i];
    }
    /* Each round closes at least one task whose part is more than it can use; n rounds at most. */
    for (bool again = true; again && open_weight > 0;) {
        again = false;
        double per_weight = left / open_weight;
        open_weight = 0;
        for (unsigned i = 0; i < n; i++) {
            if (share[i] >= 0)
                continue;
            if (per_weight * weight[i] > most[i]) {
                share[i] = most[i];
                left -= count[i] * most[i];
                again = true;
            } else {
                open_weight += count[i] * weight[i];
            }
        }
    }
    for (unsigned i = 0; i < n; i++)
        if (share[i] < 0)
            share[i] = open_weight > 0 ? left * weight[i] / open_weight : 0;
}

double cache_resident(double had, double inserted, double capacity)
{
    return inserted >= capacity ? 0 : had * (1 - inserted / capacity);
}

double cache_mpki(unsigned n, const double *size_at, const double *mpki_at, double size)
{
    if (n == 0)
        return 0;
    if (size <= size_at[0])
        return mpki_at[0];
    for (unsigned i = 1; i < n; i++)
        if (size <= size_at[i])
            return mpki_at[i - 1] +
                   (mpki_at[i] - mpki_at[i - 1]) * (size - size_at[i - 1]) / (size_at[i] - size_at[i - 1]);
    return mpki_at[n - 1];
}
