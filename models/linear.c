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

/* x -= f y, of n */
static void subtract_row(unsigned n, double *restrict x, double f, const double *restrict y)
{
    for (unsigned k = 0; k < n; k++)
        x[k] -= f * y[k];
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
            subtract_row(n - i - 1, &a[j * n + i + 1], f, &a[i * n + i + 1]);
            subtract_row(nrhs, &b[j * nrhs], f, &b[i * nrhs]);
        }
    }
    for (unsigned i = n; i-- > 0;) {
        for (unsigned j = i + 1; j < n; j++)
            subtract_row(nrhs, &b[i * nrhs], a[i * n + j], &b[j * nrhs]);
        for (unsigned k = 0; k < nrhs; k++)
            b[i * nrhs + k] /= a[i * n + i];
    }
    return true;
}
