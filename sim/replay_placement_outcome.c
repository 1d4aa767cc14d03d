/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the simulation did in each step of a recorded placement, from the log of its actions. */
#include "replay_placement.h"

#include <stdlib.h>
#include <string.h>

static bool take_set(const struct json *v, struct placement_set *out)
{
    *out = (struct placement_set){.given = v != NULL};
    if (!v)
        return true;
    out->item = calloc(v->nr ? v->nr : 1, sizeof(*out->item));
    for (size_t i = 0; out->item && i < v->nr; i++)
        out->item[out->nr++] = (unsigned)v->item[i]->number;
    return out->item != NULL;
}

static bool take_text(const struct json *v, char **out)
{
    *out = NULL;
    return !v || v->type != JSON_STRING || (*out = strdup(v->text)) != NULL;
}

static bool take_line(const struct placement_record *r, const struct json *j, struct placement_outcome *out)
{
    const struct json *number = json_get(j, "number"), *status = json_get(j, "xl_status"),
                      *placed = json_get(j, "auto_placed"), *pages = json_get(j, "pages_per_node");
    if (!number || !status || number->number <= placement_actions_before(r))
        return true;
    unsigned at = (unsigned)number->number - placement_actions_before(r) - 1;
    if (at / 2 >= r->nr_steps)
        return true;
    struct placement_outcome *o = &out[at / 2];
    if (at % 2 == 0) /* what was set aside before it */
        return status->number == 0 || take_text(json_get(j, "message"), &o->trouble);
    o->done = true;
    o->rc = (unsigned)status->number;
    o->auto_placed = placed && placed->boolean;
    o->pages = calloc(r->nr_nodes, sizeof(*o->pages));
    for (size_t i = 0; o->pages && pages && i < pages->nr && i < r->nr_nodes; i++)
        o->pages[i] = (uint64_t)pages->item[i]->number;
    return o->pages && take_set(json_get(j, "nodes_chosen"), &o->nodes_chosen) &&
           take_set(json_get(j, "hard_affinity"), &o->hard) && take_set(json_get(j, "soft_affinity"), &o->soft_cpus) &&
           take_text(json_get(j, "message"), &o->message);
}

int placement_scene_read(const struct placement_record *r, FILE *log, struct placement_outcome *out, struct fault *f)
{
    char *line = NULL, why[64];
    size_t room = 0;
    rewind(log);
    while (f->code == EXIT_DONE && getline(&line, &room, log) > 0) {
        struct json *j = json_parse(line, why, sizeof(why));
        if (!j)
            break; /* the simulation died while it wrote it */
        if (!take_line(r, j, out))
            fault_set(f, EXIT_HOST_FAILED, "out of memory");
        json_free(j);
    }
    free(line);
    return f->code;
}

void placement_outcome_free(struct placement_outcome *o)
{
    free(o->trouble);
    free(o->message);
    free(o->pages);
    free(o->nodes_chosen.item);
    free(o->hard.item);
    free(o->soft_cpus.item);
}
