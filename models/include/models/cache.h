/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared caches, in closed form.
 *
 * Occupancy. Under replacement that does not favour anybody, a task's part of a shared cache is in proportion to the
 * rate at which it asks for lines (Tam et al., RapidMRC, ASPLOS 2009, section on sharing; Chandra et al., HPCA 2005,
 * "frequency of access" model), but never more than it can use. What a capped task leaves is shared by the others in
 * the same way (water filling).
 *
 * Pollution. Lines that others bring in push a descheduled task's lines out in LRU order: after `inserted` bytes a
 * linear part inserted / capacity of what it had is gone.
 */
#ifndef MODELS_CACHE_H
#define MODELS_CACHE_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * n kinds of tasks, count[i] of each: every task of kind i gets share[i] bytes of `capacity`, by its demand weight[i]
 * >= 0, at most most[i] bytes (what it can use). The shares add up to min(capacity, sum of most of those with a
 * weight).
 */
void cache_shares(double capacity, unsigned n, const unsigned *count, const double *weight, const double *most,
                  double *share);

/* Bytes left of `had` after others inserted `inserted` bytes into a cache of `capacity`. */
double cache_resident(double had, double inserted, double capacity);

/* Misses per 1000 instructions at a share of `size` bytes: piecewise linear, flat beyond both ends. */
double cache_mpki(unsigned n, const double *size_at, const double *mpki_at, double size);

#ifdef __cplusplus
}
#endif

#endif
