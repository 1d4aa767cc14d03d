/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <models/cpulist.h>

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>

struct cpulist cpulist_begin(const char *text)
{
    return (struct cpulist){text, 0, 0, false, false};
}

static bool number(struct cpulist *l, unsigned *out)
{
    unsigned long n = 0;
    if (!isdigit((unsigned char)*l->rest))
        return false;
    for (; isdigit((unsigned char)*l->rest); l->rest++)
        n = n * 10 + (unsigned long)(*l->rest - '0') > INT_MAX ? INT_MAX : n * 10 + (unsigned long)(*l->rest - '0');
    *out = (unsigned)n;
    return true;
}

bool cpulist_next(struct cpulist *l)
{
    if (l->within && l->cpu < l->last) {
        l->cpu++;
        return true;
    }
    if (l->bad || (l->within && !*l->rest))
        return false;
    if (l->within && *l->rest++ != ',')
        l->bad = true;
    l->within = !l->bad && number(l, &l->cpu);
    l->last = l->cpu;
    if (l->within && *l->rest == '-') {
        l->rest++;
        l->within = number(l, &l->last) && l->last >= l->cpu;
    }
    l->bad = !l->within || (*l->rest && *l->rest != ',');
    return !l->bad;
}
