/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics, JSON and CSV: what is written reads back the same. */
#include "csv.h"
#include "json.h"
#include "metrics.h"
#include "stub_backend.h"
#include "wire.h"

#include <cunit_main.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *json_of(const struct metrics *ms)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    CU_ASSERT_EQUAL(metrics_write_json(ms, f), 0);
    fclose(f);
    return text;
}

static void awkward(struct metrics *ms)
{
    metrics_init(ms);
    metrics_add(ms, "vm.throughput", 0.1, "vm", "a \"b\"\\c\n\t\x01,d", NULL)->unit = "MB/s, \"net\"";
    metrics_add(ms, "vm.pages", 122880, "vm", "vm-1", "node", "0", NULL);
    metrics_add(ms, "vm.pages", DBL_MAX, "vm", "vm-1", "node", "1", NULL);
    metrics_add(ms, "vm.wake_latency", 5e-324, "vm", "vm\xc3\xa9", "quantile", "p99", NULL);
    metrics_add(ms, "link.utilisation", 1.0 / 3, "from", "0", "to", "1", NULL);
    metrics_add(ms, "sim.events", NAN, NULL);
}

static void json_reads_back(void)
{
    struct metrics ms;
    awkward(&ms);
    char *text = json_of(&ms), err[128] = "";
    struct json *j = json_parse(text, err, sizeof(err));
    CU_ASSERT_STRING_EQUAL(err, "");
    const struct json *list = json_get(j, "metrics");
    CU_ASSERT_PTR_NOT_NULL_FATAL(list);
    CU_ASSERT_EQUAL_FATAL(list->nr, ms.nr);
    for (size_t i = 0; i < ms.nr; i++) {
        const struct metric *m = &ms.m[i];
        const struct json *x = list->item[i], *labels = json_get(x, "labels"), *value = json_get(x, "value");
        CU_ASSERT_EQUAL(x->nr, 5);
        CU_ASSERT_STRING_EQUAL(json_get(x, "name")->text, m->def->name);
        CU_ASSERT_STRING_EQUAL(json_get(x, "unit")->text, m->unit);
        CU_ASSERT_STRING_EQUAL(json_get(x, "description")->text, m->def->description);
        CU_ASSERT_EQUAL(labels->nr, m->nr_labels);
        for (unsigned k = 0; k < m->nr_labels; k++)
            CU_ASSERT_STRING_EQUAL(json_get(labels, m->label[k].name)->text, m->label[k].value);
        if (isnan(m->value))
            CU_ASSERT_EQUAL(value->type, JSON_NULL)
        else
            CU_ASSERT_EQUAL(value->number, m->value);
    }
    json_free(j);
    free(text);
    metrics_free(&ms);
}

static void json_is_written_to_the_letter(void)
{
    struct metrics ms;
    metrics_init(&ms);
    metrics_add(&ms, "sim.events", 0.1, NULL);
    metrics_add(&ms, "vm.migrations", 3, "vm", "q\"\x02", NULL);
    char *text = json_of(&ms);
    CU_ASSERT_STRING_EQUAL(
        text,
        "{\"metrics\":[\n"
        "{\"name\":\"sim.events\",\"unit\":\"count\",\"description\":\"Events of the trajectory, from boot to the "
        "end\",\"labels\":{},\"value\":0.1},\n"
        "{\"name\":\"vm.migrations\",\"unit\":\"count\",\"description\":\"Times that a vCPU of the VM went on "
        "running on another pCPU than before\",\"labels\":{\"vm\":\"q\\\"\\u0002\"},\"value\":3}\n]}\n");
    free(text);
    metrics_free(&ms);
}

/* Escapes next to one another, at both ends and between plain text. */
static void json_strings_are_written_to_the_letter(void)
{
    static const struct {
        const char *text, *written;
    } rows[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
        {"\x01-\x1f\x7fz\xc3\xa9\xff", "\"\\u0001-\\u001f\\u007fz\xc3\xa9\xff\""},
        {"a/'b' {\n", "\"a/'b' {\\n\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);
        json_write_string(f, rows[i].text);
        fclose(f);
        CU_ASSERT_STRING_EQUAL(text, rows[i].written);
        free(text);
    }
}

static void csv_quotes_and_reads_back(void)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    const char *const fields[] = {"plain", "a,b", "say \"hi\"", "", "two\nlines"};
    for (int i = 0; i < 5; i++) {
        csv_write_field(f, fields[i]);
        fputc(i < 4 ? ',' : '\n', f);
    }
    fclose(f);
    CU_ASSERT_STRING_EQUAL(text, "plain,\"a,b\",\"say \"\"hi\"\"\",,\"two\nlines\"\n");
    free(text);

    char *dir = temp_dir();
    struct metrics ms;
    metrics_init(&ms);
    metrics_add(&ms, "vm.throughput", 1.0 / 3, "vm", "a,\"b\"", NULL)->unit = "MB/s";
    metrics_add(&ms, "link.utilisation", 0.5, "from", "0", "to", "1", NULL);
    f = fopen(in_dir(dir, "m.csv"), "w");
    CU_ASSERT_EQUAL(metrics_write_csv(&ms, f), 0);
    fclose(f);
    struct csv c;
    struct fault fault = {0};
    CU_ASSERT_EQUAL_FATAL(csv_read(in_dir(dir, "m.csv"), &c, &fault), EXIT_DONE);
    CU_ASSERT_EQUAL(c.nr_columns, 1 + METRIC_NR_LABELS + 3);
    CU_ASSERT_EQUAL(c.nr_rows, 2);
    CU_ASSERT_STRING_EQUAL(csv_cell(&c, 0, csv_column(&c, "vm")), "a,\"b\"");
    CU_ASSERT_EQUAL(strtod(csv_cell(&c, 0, csv_column(&c, "value")), NULL), 1.0 / 3);
    CU_ASSERT_STRING_EQUAL(csv_cell(&c, 0, csv_column(&c, "unit")), "MB/s");
    CU_ASSERT_STRING_EQUAL(csv_cell(&c, 1, csv_column(&c, "to")), "1");
    CU_ASSERT_STRING_EQUAL(csv_cell(&c, 1, csv_column(&c, "vm")), "");
    CU_ASSERT_EQUAL(csv_column(&c, "nobody"), -1);
    csv_free(&c);
    metrics_free(&ms);
    remove_tree(dir);
}

static void csv_refuses(const char *text, const char *where)
{
    char *dir = temp_dir();
    write_text(in_dir(dir, "x.csv"), text);
    struct csv c;
    struct fault f = {0};
    CU_ASSERT_EQUAL(csv_read(in_dir(dir, "x.csv"), &c, &f), EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.text, where));
    remove_tree(dir);
}

static void bad_csv_is_refused_with_its_line(void)
{
    csv_refuses("a,b\n1,2\n1\n", "x.csv:3:1: the number of fields");
    csv_refuses("# note\na\n\"open\n", "x.csv:3:1: a quoted field does not end");
    csv_refuses("a\n\"x\"y\n", "x.csv:2:1: text after");
    csv_refuses("# nothing\n", "no header row");
}

static void doubles_are_shortest_and_exact(void)
{
    static const double values[] = {0, -0.0, 0.1, 1.0 / 3, 1e300, 5e-324, 123456789.123, 2.0 / 7, 1e15 + 0.3};
    char buf[DOUBLE_TEXT_MAX];
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        CU_ASSERT_EQUAL(strtod(double_text(buf, values[i]), NULL), values[i]);
    CU_ASSERT_STRING_EQUAL(double_text(buf, 0.1), "0.1");
    CU_ASSERT_STRING_EQUAL(double_text(buf, 0.3), "0.3");
    CU_ASSERT_STRING_EQUAL(double_text(buf, 0.1 + 0.2), "0.30000000000000004");
}

static void bad_json_is_refused(void)
{
    static const char *const bad[] = {"",    "{",           "[1,]",       "{\"a\" 1}", "nul",      "+1",
                                      ".5",  "\"open",      "\"\\x\"",    "[1 2]",     "1 2",      "inf",
                                      "0x1", "\"\\ud800\"", "{\"a\":1,}", "{1:2}",     "\"a\nb\"", "\"\\u12\""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char err[128] = "";
        struct json *j = json_parse(bad[i], err, sizeof(err));
        CU_ASSERT_PTR_NULL(j);
        CU_ASSERT_NOT_EQUAL(err[0], 0);
        json_free(j);
    }
    char deep[512], err[128];
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = 0;
    CU_ASSERT_PTR_NULL(json_parse(deep, err, sizeof(err)));
    struct json *j =
        json_parse(" {\"a\" : [ 1 , -2.5e3, \"\\u00e9\\ud83d\\ude00\" , true, null ] } ", err, sizeof(err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(j);
    const struct json *a = json_get(j, "a");
    CU_ASSERT_EQUAL(a->nr, 5);
    CU_ASSERT_EQUAL(a->item[1]->number, -2500);
    CU_ASSERT_STRING_EQUAL(a->item[2]->text, "\xc3\xa9\xf0\x9f\x98\x80");
    CU_ASSERT_TRUE(a->item[3]->boolean);
    json_free(j);
}

static void every_metric_is_described(void)
{
    for (const struct metric_def *d = metric_defs; d->name; d++) {
        CU_ASSERT_TRUE(strlen(d->unit) > 0 && strlen(d->description) > 10);
        CU_ASSERT_PTR_EQUAL(metric_def_find(d->name), d); /* no name twice */
    }
    CU_ASSERT_PTR_NULL(metric_def_find("vm.nothing"));
}

static void find_goes_by_name_and_label(void)
{
    struct metrics ms;
    awkward(&ms);
    CU_ASSERT_EQUAL(metrics_find(&ms, "vm.pages", "node", "1")->value, DBL_MAX);
    CU_ASSERT_EQUAL(metrics_find(&ms, "vm.pages", NULL, NULL)->value, 122880);
    CU_ASSERT_PTR_NULL(metrics_find(&ms, "vm.pages", "node", "2"));
    metrics_free(&ms);
}

static int signal_of(void (*fn)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        fn();
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void add_unknown_metric(void)
{
    struct metrics ms;
    metrics_init(&ms);
    metrics_add(&ms, "vm.nothing", 1, NULL);
}

static void add_unknown_label(void)
{
    struct metrics ms;
    metrics_init(&ms);
    metrics_add(&ms, "vm.pages", 1, "colour", "red", NULL);
}

static void unknown_names_are_bugs(void)
{
    CU_ASSERT_EQUAL(signal_of(add_unknown_metric), SIGABRT);
    CU_ASSERT_EQUAL(signal_of(add_unknown_label), SIGABRT);
}

/* Thousands of VMs, each with a name longer than any of xl's, and several metrics of the same labels. */
static void a_large_hosts_metrics_come_home(void)
{
    enum { VMS = 5000 };
    struct run_result r = {0};
    struct run_reply back;
    for (unsigned i = 0; i < VMS; i++) {
        char name[128];
        snprintf(name, sizeof(name), "%0100u", i);
        metrics_add(&r.metrics, "vm.throughput", i, "vm", name, NULL)->unit = "MB/s";
        metrics_add(&r.metrics, "vm.cpu_seconds", i + 0.5, "vm", name, NULL);
        metrics_add(&r.metrics, "vm.pages", i + 1, "vm", name, "node", "0", NULL);
        metrics_add(&r.metrics, "vm.pages", i + 2, "vm", name, "node", "1", NULL);
    }
    FILE *f = tmpfile();
    CU_ASSERT_EQUAL(wire_send(fileno(f), EXIT_DONE, &r), 0);
    long n = (fseek(f, 0, SEEK_END), ftell(f));
    CU_ASSERT_TRUE(n < VMS * (101 + 4 * 16 + 5 * 8) + 1024); /* a name once, four metrics, five labels */
    char *data = malloc((size_t)n);
    rewind(f);
    CU_ASSERT_EQUAL_FATAL(fread(data, 1, (size_t)n, f), (size_t)n);
    fclose(f);
    CU_ASSERT_TRUE_FATAL(wire_decode(data, (size_t)n, &back));
    char *before = json_of(&r.metrics), *after = json_of(&back.result.metrics);
    CU_ASSERT_STRING_EQUAL(before, after);
    run_reply_free(&back);
    metrics_free(&r.metrics);
    free(before);
    free(after);
    free(data);
}

static void results_survive_the_pipe(void)
{
    struct run_result r = {.fingerprint = 0x0123456789abcdef, .events = 7, .simulated_s = 0.1, .hv_build_id = "id"};
    snprintf(r.error, sizeof(r.error), "why");
    awkward(&r.metrics);
    FILE *f = tmpfile();
    CU_ASSERT_EQUAL(wire_send(fileno(f), EXIT_CHECK_FAILED, &r), 0);
    rewind(f);
    static char data[65536];
    size_t n = fread(data, 1, sizeof(data), f);
    fclose(f);
    struct run_reply back;
    CU_ASSERT_TRUE_FATAL(wire_decode(data, n, &back));
    CU_ASSERT_EQUAL(back.exit, EXIT_CHECK_FAILED);
    CU_ASSERT_EQUAL(back.result.fingerprint, r.fingerprint);
    CU_ASSERT_STRING_EQUAL(back.result.error, "why");
    CU_ASSERT_STRING_EQUAL(back.result.hv_build_id, "id");
    char *before = json_of(&r.metrics), *after = json_of(&back.result.metrics);
    CU_ASSERT_STRING_EQUAL(before, after);
    run_reply_free(&back);
    /* A child that died half-way: every beginning of the text is refused. */
    for (size_t k = 0; k < n; k++)
        CU_ASSERT_FALSE(wire_decode(data, k, &back));
    free(before);
    free(after);
    metrics_free(&r.metrics);
}

static const struct cunit_case tests[] = {
    {"metrics.json reads back, awkward text included", json_reads_back},
    {"metrics.json is written to the letter", json_is_written_to_the_letter},
    {"strings of JSON are written to the letter", json_strings_are_written_to_the_letter},
    {"CSV quotes and reads back", csv_quotes_and_reads_back},
    {"bad CSV is refused with its line", bad_csv_is_refused_with_its_line},
    {"doubles are written shortest and exact", doubles_are_shortest_and_exact},
    {"bad JSON is refused", bad_json_is_refused},
    {"every metric has a unit and a description, no name twice", every_metric_is_described},
    {"metrics are found by name and label", find_goes_by_name_and_label},
    {"an unknown metric or label aborts", unknown_names_are_bugs},
    {"a large host's metrics come home", a_large_hosts_metrics_come_home},
    {"a result survives the pipe; a part of one is refused", results_survive_the_pipe},
};
CUNIT_MAIN("metrics", tests)
