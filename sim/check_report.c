/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hvsim check says: lines for people, JSON, and the XML that continuous integration reads (JUnit's). */
#include "check.h"

#include "json.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

void check_print(const struct check_result *r, size_t nr, bool quiet)
{
    unsigned failed = 0;
    const struct check_case *last = NULL;

    for (size_t i = 0; i < nr; i++) {
        failed += !r[i].verdict.passed;
        if (quiet && r[i].verdict.passed)
            continue;
        if (r[i].run->c != last)
            printf("%s: %s\n", r[i].run->suite->name, r[i].run->c->name);
        last = r[i].run->c;
        printf("  %s  %s", r[i].verdict.passed ? "ok  " : "FAIL", r[i].what);
        if (!r[i].verdict.passed)
            printf(": %s (%s)", r[i].verdict.text, r[i].expect ? r[i].expect->where : r[i].run->c->where);
        putchar('\n');
    }
    printf("%zu passed, %u failed\n", nr - failed, failed);
}

void check_print_json(const struct check_result *r, size_t nr)
{
    unsigned failed = 0;

    printf("{\"results\": [");
    for (size_t i = 0; i < nr; i++) {
        failed += !r[i].verdict.passed;
        printf("%s\n  {\"suite\": ", i ? "," : "");
        json_write_string(stdout, r[i].run->suite->name);
        fputs(", \"case\": ", stdout);
        json_write_string(stdout, r[i].run->c->name);
        fputs(", \"expectation\": ", stdout);
        json_write_string(stdout, r[i].what);
        fputs(", \"where\": ", stdout);
        json_write_string(stdout, r[i].expect ? r[i].expect->where : r[i].run->c->where);
        printf(", \"passed\": %s", r[i].verdict.passed ? "true" : "false");
        if (!r[i].verdict.passed) {
            fputs(", \"found\": ", stdout);
            json_write_string(stdout, r[i].verdict.text);
        }
        putchar('}');
    }
    printf("\n], \"passed\": %zu, \"failed\": %u}\n", nr - failed, failed);
}

/* ---- JUnit XML ----------------------------------------------------------------------------------------------------
 */

/* XML has no way to write most control characters. */
static void xml_text(FILE *f, const char *s)
{
    for (; *s; s++) {
        switch (*s) {
        case '&':
            fputs("&amp;", f);
            break;
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc((unsigned char)*s < ' ' ? ' ' : *s, f);
        }
    }
}

static void write_suite(FILE *f, const struct check_result *r, size_t nr)
{
    const struct check_suite *s = r[0].run->suite;
    unsigned failed = 0;
    double seconds = 0;

    for (size_t i = 0; i < nr; i++) {
        failed += !r[i].verdict.passed;
        if (!r[i].expect || i == 0 || r[i].run != r[i - 1].run)
            seconds += i == 0 || r[i].run != r[i - 1].run ? r[i].run->reply.result.wall_s : 0;
    }
    fputs("  <testsuite name=\"", f);
    xml_text(f, s->name);
    fprintf(f, "\" tests=\"%zu\" failures=\"%u\" errors=\"0\" skipped=\"0\" time=\"%.3f\" file=\"", nr, failed,
            seconds);
    xml_text(f, s->path);
    fputs("\">\n", f);
    for (size_t i = 0; i < nr; i++) {
        fputs("    <testcase classname=\"", f);
        xml_text(f, s->name);
        fputc('.', f);
        xml_text(f, r[i].run->c->name);
        fputs("\" name=\"", f);
        xml_text(f, r[i].what);
        fprintf(f, "\" time=\"%.3f\"", i == 0 || r[i].run != r[i - 1].run ? r[i].run->reply.result.wall_s : 0);
        if (r[i].verdict.passed) {
            fputs("/>\n", f);
            continue;
        }
        fputs(">\n      <failure message=\"", f);
        xml_text(f, r[i].verdict.text);
        fputs("\">", f);
        xml_text(f, r[i].expect ? r[i].expect->where : r[i].run->c->where);
        fputs("</failure>\n    </testcase>\n", f);
    }
    fputs("  </testsuite>\n", f);
}

int check_write_junit(const char *path, const struct check_result *r, size_t nr, struct fault *f)
{
    char temp[4200];
    size_t end;

    snprintf(temp, sizeof(temp), "%s.new", path);
    FILE *out = fopen(temp, "we");
    if (!out)
        return fault_set(f, EXIT_HOST_FAILED, "%s: %s", temp, strerror(errno));
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", out);
    for (size_t begin = 0; begin < nr; begin = end) {
        for (end = begin; end < nr && r[end].run->suite == r[begin].run->suite; end++)
            ;
        write_suite(out, r + begin, end - begin);
    }
    fputs("</testsuites>\n", out);
    if (fflush(out) || ferror(out))
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", temp, strerror(errno));
    if (fclose(out) || (f->code == EXIT_DONE && rename(temp, path)))
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", path, strerror(errno));
    if (f->code != EXIT_DONE)
        unlink(temp);
    return f->code;
}
