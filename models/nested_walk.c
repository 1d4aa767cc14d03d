/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <models/nested_walk.h>

#define LEVELS 4u /* of x86-64's tables, and of LPAE's with 4 KiB granules and 48 bits */

unsigned nested_walk_references(unsigned guest_levels, unsigned host_levels)
{
    return (guest_levels + 1) * (host_levels + 1) - 1;
}

double nested_walk_ns(double walk_ns, const double pages[3])
{
    double all = 0, references = 0;

    for (unsigned size = 0; size < 3; size++) {
        all += pages[size];
        references += pages[size] * nested_walk_references(LEVELS, LEVELS - size);
    }
    return all > 0 ? references / all * walk_ns / LEVELS : 0;
}
