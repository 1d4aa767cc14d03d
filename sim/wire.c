/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIRE_MAGIC UINT32_C(0x68767331)

struct wire_head {
    uint32_t magic;
    int32_t exit;
    uint64_t fingerprint, events, handovers;
    double simulated_s, wall_s;
    uint64_t nr_metrics, nr_strings; /* bytes of text that follow the metrics */
    char error[512];
};

/* Strings are offsets into the text. */
struct wire_metric {
    double value;
    uint32_t unit;
    uint16_t def, nr_labels;
    struct {
        uint16_t name;
        char value[64];
    } label[METRIC_MAX_LABELS];
};

/* Texts that outlive a reply: units and build ids, a handful in a program's life. */
static struct kept {
    struct kept *next;
    char text[];
} * kept;

static const char *keep(const char *s)
{
    for (struct kept *k = kept; k; k = k->next)
        if (!strcmp(k->text, s))
            return k->text;
    size_t n = strlen(s) + 1;
    struct kept *k = malloc(sizeof(*k) + n);
    if (!k)
        return "";
    memcpy(k->text, s, n);
    k->next = kept;
    kept = k;
    return k->text;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno != EINTR)
            return -errno;
        if (k > 0) {
            p += k;
            n -= (size_t)k;
        }
    }
    return 0;
}

int wire_send(int fd, int exit, const struct run_result *r)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return -ENOMEM;
    char *strings = NULL;
    size_t nr_strings = 0;
    FILE *s = open_memstream(&strings, &nr_strings);
    if (!s) {
        fclose(f);
        free(text);
        return -ENOMEM;
    }
    struct wire_head h = {
        .magic = WIRE_MAGIC,
        .exit = exit,
        .fingerprint = r->fingerprint,
        .events = r->events,
        .handovers = r->handovers,
        .simulated_s = r->simulated_s,
        .wall_s = r->wall_s,
        .nr_metrics = r->metrics.nr,
    };
    memcpy(h.error, r->error, sizeof(h.error));
    fwrite(&h, sizeof(h), 1, f); /* again below, when the length of the strings is known */
    fputs(r->hv_build_id ? r->hv_build_id : "", s);
    fputc(0, s);
    for (size_t i = 0; i < r->metrics.nr; i++) {
        const struct metric *m = &r->metrics.m[i];
        struct wire_metric w = {.value = m->value, .def = (uint16_t)(m->def - metric_defs)};
        w.nr_labels = (uint16_t)m->nr_labels;
        if (m->unit != m->def->unit) {
            w.unit = (uint32_t)ftell(s);
            fputs(m->unit, s);
            fputc(0, s);
        }
        for (unsigned k = 0; k < m->nr_labels; k++) {
            w.label[k].name = (uint16_t)metric_label_find(m->label[k].name);
            memcpy(w.label[k].value, m->label[k].value, sizeof(w.label[k].value));
        }
        fwrite(&w, sizeof(w), 1, f);
    }
    int failed = fclose(s) | fclose(f);
    h.nr_strings = nr_strings;
    if (!failed)
        memcpy(text, &h, sizeof(h));
    int e = failed ? -ENOMEM : write_all(fd, text, n);
    if (!e)
        e = write_all(fd, strings, nr_strings);
    free(text);
    free(strings);
    return e;
}

static bool decode_metric(const struct wire_metric *w, const char *strings, uint64_t nr_strings, struct metric *m)
{
    memset(m, 0, sizeof(*m));
    if (w->unit >= nr_strings || w->nr_labels > METRIC_MAX_LABELS)
        return false;
    m->def = &metric_defs[w->def];
    m->unit = w->unit ? keep(strings + w->unit) : m->def->unit;
    m->value = w->value;
    m->nr_labels = w->nr_labels;
    for (unsigned k = 0; k < w->nr_labels; k++) {
        if (w->label[k].name >= METRIC_NR_LABELS)
            return false;
        m->label[k].name = metric_label_names[w->label[k].name];
        memcpy(m->label[k].value, w->label[k].value, sizeof(m->label[k].value));
    }
    return true;
}

bool wire_decode(const void *data, size_t n, struct run_reply *out)
{
    memset(out, 0, sizeof(*out));
    struct wire_head h;
    if (n < sizeof(h))
        return false;
    memcpy(&h, data, sizeof(h));
    size_t rest = n - sizeof(h);
    if (h.magic != WIRE_MAGIC || h.nr_metrics > rest / sizeof(struct wire_metric) || !h.nr_strings ||
        rest - h.nr_metrics * sizeof(struct wire_metric) != h.nr_strings || ((const char *)data)[n - 1])
        return false;
    const char *metric = (const char *)data + sizeof(h);
    const char *strings = metric + h.nr_metrics * sizeof(struct wire_metric);
    struct run_result *r = &out->result;
    out->exit = h.exit;
    r->fingerprint = h.fingerprint;
    r->events = h.events;
    r->handovers = h.handovers;
    r->simulated_s = h.simulated_s;
    r->wall_s = h.wall_s;
    r->hv_build_id = keep(strings);
    memcpy(r->error, h.error, sizeof(r->error));
    r->error[sizeof(r->error) - 1] = 0;
    r->metrics.m = calloc(h.nr_metrics ? h.nr_metrics : 1, sizeof(struct metric));
    if (!r->metrics.m)
        return false;
    r->metrics.nr = r->metrics.room = h.nr_metrics;
    for (size_t i = 0; i < h.nr_metrics; i++) {
        struct wire_metric w;
        memcpy(&w, metric + i * sizeof(w), sizeof(w));
        if (!decode_metric(&w, strings, h.nr_strings, &r->metrics.m[i])) {
            run_reply_free(out);
            return false;
        }
    }
    return true;
}

void run_reply_free(struct run_reply *r)
{
    metrics_free(&r->result.metrics);
}
