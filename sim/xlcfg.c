/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads xl.cfg. Order of work: our scanner (positions, syntax errors with a column), the table of keys (unknown,
 * refused and doubled keys), then libxlutil for the values, then ranges.
 *
 * libxlutil is handed the text with a newline at the end. Without one it refuses a comment in the last line and, the
 * other way round, silently drops a single wrong character there.
 */
#include "xlcfg_priv.h"

#include <config.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB_PER_MIB 1024u
#define MAX_MEMORY_MIB (1l << 30) /* 1 PiB: only a guard against slips; the host's size is the real limit */
#define MAX_WEIGHT 65535l
#define CAP_NOT_GIVEN 0xffffffffu
#define MAX_FILE (1l << 20) /* 1 MiB of configuration is a mistake */

/* ---- positions and messages ------------------------------------------------------------------------------------ */

const struct xlcfg_setting *xlcfg_find(const struct xlcfg *x, const char *key)
{
    for (unsigned i = x->scan.nr; i-- > 0;)
        if (strcmp(x->scan.setting[i].key, key) == 0)
            return &x->scan.setting[i];
    return NULL;
}

static char *format_message(const char *file, struct xlcfg_pos at, const char *fmt, va_list ap)
{
    char *text = NULL, *line = NULL;
    if (vasprintf(&text, fmt, ap) < 0)
        return NULL;
    if (asprintf(&line, "%s:%u:%u: %s", file, at.line, at.column, text) < 0)
        line = NULL;
    free(text);
    for (char *c = line; c && *c; c++) /* it may cite what the file has, and goes to a terminal */
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return line;
}

bool xlcfg_fail_at(struct xlcfg *x, struct xlcfg_pos at, const char *fmt, ...)
{
    if (x->err)
        return false;
    va_list ap;
    va_start(ap, fmt);
    x->err = format_message(x->name, at, fmt, ap);
    va_end(ap);
    if (!x->err)
        x->err = strdup("out of memory");
    return false;
}

static struct xlcfg_pos value_pos(const struct xlcfg *x, const char *key)
{
    const struct xlcfg_setting *s = xlcfg_find(x, key);
    return s ? s->value.at : (struct xlcfg_pos){1, 1};
}

const char *xlcfg_where(struct xlcfg *x, const char *key)
{
    struct xlcfg_pos at = value_pos(x, key);
    snprintf(x->where, sizeof(x->where), "%s:%u:%u", x->name, at.line, at.column);
    return x->where;
}

bool xlcfg_given(const struct xlcfg *x, const char *key)
{
    return xlcfg_find(x, key) != NULL;
}

char *xlcfg_complain(const struct xlcfg *x, const char *key, unsigned item, unsigned offset, const char *fmt, ...)
{
    const struct xlcfg_setting *s = xlcfg_find(x, key);
    struct xlcfg_value value = {.at = {1, 1}};
    if (s)
        value = s->value.list && item < s->value.nr_items ? s->value.item[item] : s->value;
    struct xlcfg_pos at = value.at;
    at.column += offset + (value.quoted ? 1 : 0);
    va_list ap;
    va_start(ap, fmt);
    char *line = format_message(x->name, at, fmt, ap);
    va_end(ap);
    return line;
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */

static const struct xlcfg_key *find_key(const char *name)
{
    unsigned n;
    const struct xlcfg_key *k = xlcfg_keys(&n);
    for (unsigned i = 0; i < n; i++)
        if (strcmp(k[i].name, name) == 0)
            return &k[i];
    return NULL;
}

static bool unknown_key(struct xlcfg *x, const struct xlcfg_setting *s)
{
    unsigned n;
    const struct xlcfg_key *k = xlcfg_keys(&n);
    const char **words = calloc(n + 1, sizeof(*words));
    if (!words)
        return xlcfg_fail_at(x, s->at, "out of memory");
    unsigned nr = 0;
    for (unsigned i = 0; i < n; i++)
        if (k[i].effect != XLCFG_REFUSED)
            words[nr++] = k[i].name;
    const char *near = cfg_nearest(s->key, words);
    xlcfg_fail_at(x, s->at, "unknown key '%s'%s%s%s", s->key, near ? "; did you mean '" : "", near ? near : "",
                  near ? "'?" : "");
    free(words);
    return false;
}

static bool check_setting(struct xlcfg *x, unsigned i)
{
    const struct xlcfg_setting *s = &x->scan.setting[i];
    const struct xlcfg_key *k = find_key(s->key);
    if (!k)
        return unknown_key(x, s);
    if (k->effect == XLCFG_REFUSED)
        return xlcfg_fail_at(x, s->at, "unsupported key '%s': %s", s->key, k->text);
    if (s->numeric_escape)
        return xlcfg_fail_at(x, s->escape_at,
                             "numeric escapes are not decoded by libxlutil; write the character itself");
    if (s->append)
        return true;
    for (unsigned j = 0; j < i; j++)
        if (strcmp(x->scan.setting[j].key, s->key) == 0)
            return xlcfg_fail_at(x, s->at, "'%s' is given twice, first in line %u", s->key, x->scan.setting[j].at.line);
    return true;
}

static bool check_keys(struct xlcfg *x)
{
    for (unsigned i = 0; i < x->scan.nr; i++)
        if (!check_setting(x, i))
            return false;
    return true;
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

bool xlcfg_get_number(struct xlcfg *x, const char *key, long min, long max, long *out)
{
    if (!xlcfg_find(x, key))
        return true;
    long v = 0;
    if (xlu_cfg_get_long(x->xlu, key, &v, 1))
        return xlcfg_fail_at(x, value_pos(x, key), "'%s' must be a whole number from %ld to %ld", key, min, max);
    if (v < min || v > max)
        return xlcfg_fail_at(x, value_pos(x, key), "'%s' is %ld, expected %ld to %ld", key, v, min, max);
    *out = v;
    return true;
}

static bool get_string(struct xlcfg *x, const char *key, const char **out)
{
    if (!xlcfg_find(x, key))
        return true;
    if (xlu_cfg_get_string(x->xlu, key, out, 1))
        return xlcfg_fail_at(x, value_pos(x, key), "'%s' must be a string", key);
    return true;
}

static bool get_name(struct xlcfg *x)
{
    const char *name = NULL;
    if (!get_string(x, "name", &name))
        return false;
    if (!name)
        return xlcfg_fail_at(x, (struct xlcfg_pos){1, 1}, "required key 'name' is missing");
    if (!*name || strlen(name) >= sizeof(x->domain.name))
        return xlcfg_fail_at(x, value_pos(x, "name"), "'name' must have 1 to %zu characters",
                             sizeof(x->domain.name) - 1);
    if (strcmp(name, "Domain-0") == 0)
        return xlcfg_fail_at(x, value_pos(x, "name"), "'Domain-0' is the name of dom0");
    strcpy(x->domain.name, name);
    return true;
}

/* The word that key holds, as a guest type; words: name, type, name, type, ... */
static bool get_type(struct xlcfg *x)
{
    static const char *const types[] = {"pv", "hvm", NULL};
    static const char *const builders[] = {"generic", "linux", "hvm", NULL};
    const char *type = NULL, *builder = NULL;
    if (!get_string(x, "type", &type) || !get_string(x, "builder", &builder))
        return false;
    x->domain.type = HV_GUEST_PV;
    if (type && strcmp(type, "pv") && strcmp(type, "hvm")) {
        const char *near = cfg_nearest(type, types);
        return xlcfg_fail_at(x, value_pos(x, "type"), "unknown type \"%s\", expected \"pv\" or \"hvm\"%s%s%s", type,
                             near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    if (builder && strcmp(builder, "generic") && strcmp(builder, "linux") && strcmp(builder, "hvm")) {
        const char *near = cfg_nearest(builder, builders);
        return xlcfg_fail_at(x, value_pos(x, "builder"),
                             "unknown builder \"%s\", expected \"generic\", \"linux\" or \"hvm\"%s%s%s", builder,
                             near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    bool type_hvm = type && strcmp(type, "hvm") == 0;
    bool builder_hvm = builder && strcmp(builder, "hvm") == 0;
    if (type && builder && type_hvm != builder_hvm)
        return xlcfg_fail_at(x, value_pos(x, "builder"), "builder \"%s\" contradicts type \"%s\"", builder, type);
    if (type_hvm || builder_hvm)
        x->domain.type = HV_GUEST_HVM;
    return true;
}

static bool get_vcpus(struct xlcfg *x)
{
    long vcpus = 1, maxvcpus;
    if (!xlcfg_get_number(x, "vcpus", 1, HV_MAX_VCPUS_PER_DOMAIN, &vcpus))
        return false;
    maxvcpus = vcpus;
    if (!xlcfg_get_number(x, "maxvcpus", 1, HV_MAX_VCPUS_PER_DOMAIN, &maxvcpus))
        return false;
    if (maxvcpus < vcpus)
        return xlcfg_fail_at(x, value_pos(x, "maxvcpus"), "'maxvcpus' is %ld, less than vcpus (%ld)", maxvcpus, vcpus);
    x->domain.vcpus = (unsigned)vcpus;
    x->domain.maxvcpus = (unsigned)maxvcpus;
    return true;
}

static bool get_memory(struct xlcfg *x)
{
    long memory = 0, maxmem;
    if (!xlcfg_get_number(x, "memory", 1, MAX_MEMORY_MIB, &memory))
        return false;
    if (!memory)
        return xlcfg_fail_at(x, (struct xlcfg_pos){1, 1}, "required key 'memory' is missing");
    maxmem = memory;
    if (!xlcfg_get_number(x, "maxmem", 1, MAX_MEMORY_MIB, &maxmem))
        return false;
    if (maxmem < memory)
        return xlcfg_fail_at(x, value_pos(x, "maxmem"), "'maxmem' is %ld, less than memory (%ld)", maxmem, memory);
    x->domain.memory_kb = (uint64_t)memory * KIB_PER_MIB;
    x->domain.maxmem_kb = (uint64_t)maxmem * KIB_PER_MIB;
    return true;
}

static bool get_sched(struct xlcfg *x)
{
    long weight = 0, cap = -1;
    if (!xlcfg_get_number(x, "cpu_weight", 1, MAX_WEIGHT, &weight) ||
        !xlcfg_get_number(x, "cap", 0, 100l * (long)x->domain.maxvcpus, &cap))
        return false;
    x->domain.weight = (uint32_t)weight;
    x->domain.cap = cap < 0 ? CAP_NOT_GIVEN : (uint32_t)cap;
    return true;
}

#define RT_MIN_US 10l
#define RT_MAX_US 4294967295l

/* Parameters of rtds. */
static bool get_rt(struct xlcfg *x)
{
    long period = 0, budget = 0, extratime = -1;
    if (!xlcfg_get_number(x, "period", RT_MIN_US, RT_MAX_US, &period) ||
        !xlcfg_get_number(x, "budget", RT_MIN_US, RT_MAX_US, &budget) ||
        !xlcfg_get_number(x, "extratime", 0, 1, &extratime))
        return false;
    if (period && budget > period)
        return xlcfg_fail_at(x, value_pos(x, "budget"), "'budget' is %ld, more than period (%ld)", budget, period);
    x->domain.rt_period_us = (uint32_t)period;
    x->domain.rt_budget_us = (uint32_t)budget;
    x->domain.rt_extratime = extratime < 0 ? TS_EXTRATIME_NOT_GIVEN : extratime ? TS_EXTRATIME_ON : TS_EXTRATIME_OFF;
    return true;
}

/* A string that outlives the parser's own; NULL if the key is not there. */
static bool get_text(struct xlcfg *x, const char *key, char **out)
{
    const char *text = NULL;
    if (!get_string(x, key, &text))
        return false;
    if (!text)
        return true;
    *out = strdup(text);
    return *out || xlcfg_fail_at(x, value_pos(x, key), "out of memory");
}

/* The list form of cpus and cpus_soft: one entry a vCPU. */
static bool get_list(struct xlcfg *x, const char *key, char ***out, unsigned *nr)
{
    XLU_ConfigList *list = NULL;
    int n = 0;
    if (xlu_cfg_get_list(x->xlu, key, &list, &n, 1) || n < 1)
        return xlcfg_fail_at(x, value_pos(x, key), "'%s' is an empty list", key);
    if ((unsigned)n > x->domain.maxvcpus)
        return xlcfg_fail_at(x, value_pos(x, key), "'%s' lists %d entries for %u vCPUs", key, n, x->domain.maxvcpus);
    *out = calloc((size_t)n, sizeof(**out));
    if (!*out)
        return xlcfg_fail_at(x, value_pos(x, key), "out of memory");
    *nr = (unsigned)n;
    for (int i = 0; i < n; i++) {
        const char *item = xlu_cfg_get_listitem(list, i);
        if (!item) {
            const struct xlcfg_setting *s = xlcfg_find(x, key);
            return xlcfg_fail_at(x, (unsigned)i < s->value.nr_items ? s->value.item[i].at : s->value.at,
                                 "an entry of '%s' must be a string or a number", key);
        }
        (*out)[i] = strdup(item);
        if (!(*out)[i])
            return xlcfg_fail_at(x, value_pos(x, key), "out of memory");
    }
    return true;
}

static bool get_affinity(struct xlcfg *x, const char *key, char **text, char ***list, unsigned *nr)
{
    const struct xlcfg_setting *s = xlcfg_find(x, key);
    return s && s->value.list ? get_list(x, key, list, nr) : get_text(x, key, text);
}

static bool get_places(struct xlcfg *x)
{
    struct ts_domain_config *d = &x->domain;
    long claim = -1;
    if (!xlcfg_get_number(x, "claim_on_node", 0, HV_MAX_NODES - 1, &claim))
        return false;
    d->claim_on_node = claim >= 0;
    d->claim_node = claim >= 0 ? (unsigned)claim : 0;
    if (!get_affinity(x, "cpus", &x->cpus, &x->cpus_list, &d->nr_cpus_list) ||
        !get_affinity(x, "cpus_soft", &x->cpus_soft, &x->cpus_soft_list, &d->nr_cpus_soft_list) ||
        !get_text(x, "pool", &x->pool))
        return false;
    d->cpus = x->cpus;
    d->cpus_list = (const char *const *)x->cpus_list;
    d->cpus_soft = x->cpus_soft;
    d->cpus_soft_list = (const char *const *)x->cpus_soft_list;
    d->pool = x->pool;
    return true;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* What libxlutil itself refuses. Our scanner reports the same before it comes to this. */
static bool read_xlu(struct xlcfg *x, const char *text, size_t len)
{
    x->report = open_memstream(&x->report_text, &x->report_len);
    if (x->report)
        x->xlu = xlu_cfg_init(x->report, x->name);
    if (!x->xlu)
        return xlcfg_fail_at(x, (struct xlcfg_pos){1, 1}, "out of memory");
    if (xlu_cfg_readdata(x->xlu, text, (int)len) == 0)
        return true;
    fflush(x->report);
    unsigned line = 1;
    char *message = x->report_text ? x->report_text : (char *)"";
    size_t name_len = strlen(x->name);
    if (strncmp(message, x->name, name_len) == 0 && message[name_len] == ':') {
        line = (unsigned)strtoul(message + name_len + 1, &message, 10);
        message += strspn(message, ": ");
    }
    return xlcfg_fail_at(x, (struct xlcfg_pos){line ? line : 1, 1}, "%.*s", (int)strcspn(message, "\n"), message);
}

static bool read_text(struct xlcfg *x, const char *text, size_t len)
{
    char err[256];
    struct xlcfg_pos at;
    if (xlcfg_scan(text, len, &x->scan, err, sizeof(err), &at))
        return xlcfg_fail_at(x, at, "%s", err);
    return check_keys(x) && read_xlu(x, text, len) && get_name(x) && get_type(x) && get_vcpus(x) && get_memory(x) &&
           xlcfg_get_vnuma(x) && get_sched(x) && get_rt(x) && get_places(x);
}

struct xlcfg *xlcfg_parse(const char *text, size_t len, const char *name, char **err)
{
    *err = NULL;
    struct xlcfg *x = calloc(1, sizeof(*x));
    char *whole = malloc(len + 2);
    if (x)
        x->name = strdup(name);
    if (!x || !whole || !x->name) {
        xlcfg_free(x);
        free(whole);
        *err = strdup("out of memory");
        return NULL;
    }
    memcpy(whole, text, len);
    if (len == 0 || whole[len - 1] != '\n')
        whole[len++] = '\n';
    whole[len] = '\0';
    bool ok = read_text(x, whole, len);
    free(whole);
    if (!ok) {
        *err = x->err;
        x->err = NULL;
        xlcfg_free(x);
        return NULL;
    }
    return x;
}

struct xlcfg *xlcfg_load(const char *path, char **err)
{
    *err = NULL;
    FILE *f = fopen(path, "rb");
    char *text = malloc(MAX_FILE);
    size_t len = f && text ? fread(text, 1, MAX_FILE, f) : 0;
    int why = !f ? errno : ferror(f) ? EIO : 0;
    struct xlcfg *x = NULL;
    if (!text || why) {
        if (asprintf(err, "%s:1:1: cannot read: %s", path, strerror(text ? why : ENOMEM)) < 0)
            *err = NULL;
    } else if (len == MAX_FILE) {
        if (asprintf(err, "%s:1:1: larger than %ld bytes: not an xl.cfg file", path, MAX_FILE - 1) < 0)
            *err = NULL;
    } else {
        x = xlcfg_parse(text, len, path, err);
    }
    if (f)
        fclose(f);
    free(text);
    return x;
}

void xlcfg_free(struct xlcfg *x)
{
    if (!x)
        return;
    if (x->xlu)
        xlu_cfg_destroy(x->xlu);
    if (x->report)
        fclose(x->report);
    free(x->report_text);
    xlcfg_scan_free(&x->scan);
    for (unsigned i = 0; i < x->domain.nr_cpus_list; i++)
        free(x->cpus_list[i]);
    for (unsigned i = 0; i < x->domain.nr_cpus_soft_list; i++)
        free(x->cpus_soft_list[i]);
    free(x->cpus_list);
    free(x->cpus_soft_list);
    free(x->cpus);
    free(x->cpus_soft);
    free(x->pool);
    free(x->vnode);
    free(x->distance);
    free(x->vcpu_vnode);
    free(x->name);
    free(x->err);
    free(x);
}

const struct ts_domain_config *xlcfg_domain(const struct xlcfg *x)
{
    return &x->domain;
}
