/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gaussian elimination with partial pivoting, for the small dense systems of the rate model. */
#include "rate_private.h"

static double magnitude(double x)
{
    return x < 0 ? -x : x;
}

static void swap_rows(double *a, unsigned columns, unsigned i, unsigned j)
{
    for (unsigned k = 0; k < columns; k++) {
        double t = a[i * columns + k];
        a[i * columns + k] = a[j * columns + k];
        a[j * columns + k] = t;
    }
}

bool linear_solve(unsigned n, double *a, unsigned nrhs, double *b)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned pivot = i;
        for (unsigned j = i + 1; j < n; j++)
            if (magnitude(a[j * n + i]) > magnitude(a[pivot * n + i]))
                pivot = j;
        if (a[pivot * n + i] == 0)
            return false;
        if (pivot != i) {
            swap_rows(a, n, i, pivot);
            swap_rows(b, nrhs, i, pivot);
        }
        double inverse = 1 / a[i * n + i];
        for (unsigned j = i + 1; j < n; j++) {
            double f = a[j * n + i] * inverse;
            if (f == 0)
                continue;
            for (unsigned k = i + 1; k < n; k++)
                a[j * n + k] -= f * a[i * n + k];
            for (unsigned k = 0; k < nrhs; k++)
                b[j * nrhs + k] -= f * b[i * nrhs + k];
        }
    }
    for (unsigned i = n; i-- > 0;) {
        for (unsigned k = 0; k < nrhs; k++) {
            double x = b[i * nrhs + k];
            for (unsigned j = i + 1; j < n; j++)
                x -= a[i * n + j] * b[j * nrhs + k];
            b[i * nrhs + k] = x / a[i * n + i];
        }
    }
    return true;
}
