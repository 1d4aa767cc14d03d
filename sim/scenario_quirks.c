/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen.quirks: a level with single quirks the other way, to find out which of them brings something about. What then
 * runs is no release of Xen, and its note says so.
 */
#include "scenario_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int find_quirk(const char *name)
{
    for (int q = 0; q < HV_QUIRK_NR; q++)
        if (!strcmp(hv_quirk_infos[q].name, name))
            return q;
    return -1;
}

static void unknown(cfg_table *xen, const char *name)
{
    const char *names[HV_QUIRK_NR + 1] = {NULL};
    for (unsigned q = 0; q < HV_QUIRK_NR; q++)
        names[q] = hv_quirk_infos[q].name;
    const char *near = cfg_nearest(name, names);
    cfg_fail(xen, "quirks", "unknown quirk '%s'%s%s%s", name, near ? "; did you mean '" : "; see hvsim list quirks",
             near ? near : "", near ? "'?" : "");
}

/* One word: NAME or no-NAME. */
static void apply(cfg_table *xen, const struct hv_profile *base, struct hv_profile *p, const char *word)
{
    bool on = strncmp(word, "no-", 3) != 0;
    const char *name = on ? word : word + 3;
    int q = find_quirk(name);
    if (q < 0)
        unknown(xen, name);
    else if (base->quirk[q] == on)
        cfg_fail(xen, "quirks", on ? "level '%s' has quirk '%s' already" : "level '%s' has no quirk '%s'", base->name,
                 name);
    else if (p->quirk[q] == on)
        cfg_fail(xen, "quirks", "quirk '%s' twice", name);
    else
        p->quirk[q] = on;
}

void scenario_read_quirks(struct loader *l, cfg_table *xen)
{
    const char *text = l->raw.quirks;
    if (!text)
        return;
    struct scenario_level *own = calloc(1, sizeof(*own));
    char *words = strdup(text), *at = words;
    if (!own || !words || asprintf(&own->note, "not Xen: %s with the quirks %s", l->s->level->name, text) < 0) {
        cfg_fail(xen, "quirks", "out of memory");
        free(own);
        free(words);
        return;
    }
    own->profile = *l->s->level;
    own->profile.note = own->note;
    for (char *word; (word = strsep(&at, ","));)
        apply(xen, l->s->level, &own->profile, word + strspn(word, " "));
    free(words);
    l->level = own;
    l->s->level = &own->profile;
}
