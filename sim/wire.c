/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire.h"

#include "metric_text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIRE_MAGIC UINT32_C(0x68767332)

/* Behind it: the build id and the words of the metrics, in order of their numbers, each with its NUL; the metrics. */
struct wire_head {
    uint32_t magic;
    int32_t exit;
    uint64_t fingerprint, events, handovers;
    double simulated_s, wall_s, start_cpu_s, guests_cpu_s;
    struct run_work window;
    uint64_t nr_metrics, nr_words, text_bytes;
    char error[512];
};

/* Behind it, its labels, unless they are those of the metric before. Words are numbers. */
struct wire_metric {
    double value;
    uint32_t unit; /* 0: that of its definition; else a word's number + 1 */
    uint16_t def;
    uint8_t nr_labels, same_labels;
};

struct wire_label {
    uint32_t name, value;
};

enum { BUFFER_BYTES = 256 * 1024 };

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

static uint64_t text_bytes(const struct run_result *r, const char *build_id)
{
    uint64_t n = strlen(build_id) + 1;
    for (size_t i = 0; i < metric_text_nr(r->metrics.text); i++)
        n += strlen(metric_text_word(r->metrics.text, i)) + 1;
    return n;
}

/* Units that are not those of the definitions are words, too. */
static bool keep_units(const struct metrics *ms)
{
    for (size_t i = 0; i < ms->nr; i++)
        if (ms->m[i].unit != ms->m[i].def->unit && !metric_text_keep(ms->text, ms->m[i].unit))
            return false;
    return true;
}

static void put_metric(FILE *f, const struct metrics *ms, size_t i)
{
    const struct metric *m = &ms->m[i];
    struct wire_metric w = {
        .value = m->value,
        .def = (uint16_t)(m->def - metric_defs),
        .nr_labels = (uint8_t)m->nr_labels,
        .same_labels = i > 0 && m->label == m[-1].label,
    };
    if (m->unit != m->def->unit)
        w.unit = metric_text_number(metric_text_keep(ms->text, m->unit)) + 1;
    fwrite(&w, sizeof(w), 1, f);
    for (unsigned k = 0; !w.same_labels && k < m->nr_labels; k++) {
        const struct wire_label l = {(uint32_t)metric_label_find(m->label[k].name),
                                     metric_text_number(m->label[k].value)};
        fwrite(&l, sizeof(l), 1, f);
    }
}

int wire_send(int fd, int exit, const struct run_result *r)
{
    const struct metrics *ms = &r->metrics;
    const char *build_id = r->hv_build_id ? r->hv_build_id : "";
    int own = keep_units(ms) ? dup(fd) : -1;
    FILE *f = own >= 0 ? fdopen(own, "w") : NULL;
    if (!f) {
        if (own >= 0)
            close(own);
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
        .start_cpu_s = r->start_cpu_s,
        .guests_cpu_s = r->guests_cpu_s,
        .window = r->window,
        .nr_metrics = ms->nr,
        .nr_words = metric_text_nr(ms->text),
        .text_bytes = text_bytes(r, build_id),
    };
    memcpy(h.error, r->error, sizeof(h.error));
    setvbuf(f, NULL, _IOFBF, BUFFER_BYTES);
    fwrite(&h, sizeof(h), 1, f);
    fwrite(build_id, strlen(build_id) + 1, 1, f);
    for (size_t i = 0; i < h.nr_words; i++) {
        const char *word = metric_text_word(ms->text, i);
        fwrite(word, strlen(word) + 1, 1, f);
    }
    for (size_t i = 0; i < ms->nr; i++)
        put_metric(f, ms, i);
    bool failed = ferror(f);
    return fclose(f) || failed ? -EIO : 0;
}

/* What is left to be read. */
struct reader {
    const char *at;
    size_t left;
};

static bool get(struct reader *r, void *out, size_t n)
{
    if (r->left < n)
        return false;
    memcpy(out, r->at, n);
    r->at += n;
    r->left -= n;
    return true;
}

/* The next word, NULL if it does not end. */
static const char *get_word(struct reader *r)
{
    const char *word = r->at;
    size_t n = strnlen(word, r->left);
    if (n == r->left)
        return NULL;
    r->at += n + 1;
    r->left -= n + 1;
    return word;
}

static bool get_labels(struct reader *r, struct metric_text *t, struct metric *m)
{
    struct metric_label *out = metric_text_labels(t, m->nr_labels);
    if (!out)
        return false;
    m->label = out;
    for (unsigned k = 0; k < m->nr_labels; k++) {
        struct wire_label l;
        if (!get(r, &l, sizeof(l)) || l.name >= METRIC_NR_LABELS || l.value >= metric_text_nr(t))
            return false;
        out[k] = (struct metric_label){metric_label_names[l.name], metric_text_word(t, l.value)};
    }
    return true;
}

static bool get_metric(struct reader *r, struct metrics *ms, uint16_t nr_defs)
{
    struct metric *m = &ms->m[ms->nr];
    struct wire_metric w;
    if (!get(r, &w, sizeof(w)) || w.def >= nr_defs || w.nr_labels > METRIC_MAX_LABELS ||
        w.unit > metric_text_nr(ms->text))
        return false;
    m->def = &metric_defs[w.def];
    m->unit = w.unit ? keep(metric_text_word(ms->text, w.unit - 1)) : m->def->unit;
    m->value = w.value;
    m->nr_labels = w.nr_labels;
    if (w.same_labels) {
        if (!ms->nr || m[-1].nr_labels != w.nr_labels)
            return false;
        m->label = m[-1].label;
    } else if (w.nr_labels && !get_labels(r, ms->text, m)) {
        return false;
    }
    ms->nr++;
    return true;
}

static bool get_metrics(struct reader *r, const struct wire_head *h, struct reader *words, struct metrics *ms)
{
    uint16_t nr_defs = 0;
    while (metric_defs[nr_defs].name)
        nr_defs++;
    if (h->nr_metrics > r->left / sizeof(struct wire_metric))
        return false;
    ms->text = metric_text_new();
    ms->m = calloc(h->nr_metrics ? h->nr_metrics : 1, sizeof(*ms->m));
    if (!ms->text || !ms->m)
        return false;
    ms->room = h->nr_metrics;
    for (uint64_t i = 0; i < h->nr_words; i++) {
        const char *word = get_word(words);
        if (!word || !metric_text_keep(ms->text, word))
            return false;
    }
    while (ms->nr < h->nr_metrics)
        if (!get_metric(r, ms, nr_defs))
            return false;
    return r->left == 0 && words->left == 0 && metric_text_nr(ms->text) == h->nr_words;
}

bool wire_decode(const void *data, size_t n, struct run_reply *out)
{
    memset(out, 0, sizeof(*out));
    struct wire_head h;
    struct reader all = {data, n};
    if (!get(&all, &h, sizeof(h)) || h.magic != WIRE_MAGIC || h.text_bytes > all.left)
        return false;
    struct reader text = {all.at, h.text_bytes}, metrics = {all.at + h.text_bytes, all.left - h.text_bytes};
    const char *build_id = get_word(&text);
    if (!build_id)
        return false;
    struct run_result *r = &out->result;
    out->exit = h.exit;
    r->fingerprint = h.fingerprint;
    r->events = h.events;
    r->handovers = h.handovers;
    r->simulated_s = h.simulated_s;
    r->wall_s = h.wall_s;
    r->start_cpu_s = h.start_cpu_s;
    r->guests_cpu_s = h.guests_cpu_s;
    r->window = h.window;
    r->hv_build_id = keep(build_id);
    memcpy(r->error, h.error, sizeof(r->error));
    r->error[sizeof(r->error) - 1] = 0;
    if (get_metrics(&metrics, &h, &text, &r->metrics))
        return true;
    run_reply_free(out);
    return false;
}

void run_reply_free(struct run_reply *r)
{
    metrics_free(&r->result.metrics);
}
