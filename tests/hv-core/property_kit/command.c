/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "property_kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHRINK_TRIES 3000u
#define SELF_TEST_TRIES 2000u

int prop_found(const struct prop_kit *kit, const void *k, struct prop_op *ops, unsigned n, struct prop_failure *f,
               const char *save)
{
    printf("FAILED: %s, operation %u of %u; shrinking\n", f->text, f->at + 1, n);
    fflush(stdout);
    n = prop_shrink(kit, k, ops, n, f, SHRINK_TRIES);
    prop_print(kit, k, ops, n, f->text);
    printf("%u operations. Once more: %s --replay FILE, with the above in FILE\n", n, kit->program);
    if (save)
        prop_save(kit, save, k, ops, n, f->text);
    prop_try(kit, k, ops, n, true);
    return PROP_EXIT_FOUND;
}

int prop_replay(const struct prop_kit *kit, const char *file)
{
    struct prop_op *ops;
    unsigned n;
    void *k = malloc(kit->case_size);
    if (!k)
        abort();
    if (!prop_load(kit, file, k, &ops, &n)) {
        free(k);
        return PROP_EXIT_USAGE;
    }
    struct prop_failure f = prop_try(kit, k, ops, n, true);
    free(ops);
    free(k);
    if (f.failed)
        printf("FAILED: %s, operation %u of %u\n", f.text, f.at + 1, n);
    else
        printf("%u operations: all invariants hold\n", n);
    return f.failed ? PROP_EXIT_FOUND : 0;
}

int prop_self_test(const struct prop_kit *kit, const void *k, const void *without, struct prop_op *ops, unsigned n,
                   struct prop_failure *f, unsigned at_most)
{
    n = prop_shrink(kit, k, ops, n, f, SELF_TEST_TRIES);
    prop_print(kit, k, ops, n, f->text);

    char file[] = "/tmp/property.XXXXXX";
    int fd = mkstemp(file);
    if (fd < 0 || close(fd) || !prop_save(kit, file, k, ops, n, f->text))
        return 1;
    bool again = prop_replay(kit, file) == PROP_EXIT_FOUND;
    unlink(file);
    bool fails_without = prop_try(kit, without, ops, n, false).failed;
    if (n <= at_most && again && !fails_without)
        return 0;
    printf("%u operations (at most %u), again %d, without the fault %d\n", n, at_most, again, fails_without);
    return 1;
}

bool prop_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (errno || *end || end == text || *text == '-' || v > max)
        return false;
    *out = v;
    return true;
}

static bool take(const char *opt, const char *value, uint64_t max_machine, bool (*level_ok)(const char *level),
                 bool (*own)(const char *option, const char *value), struct prop_args *a)
{
    if (strcmp(opt, "--level") == 0)
        return level_ok(a->level = value);
    if (strcmp(opt, "--replay") == 0)
        return (a->replay = value) != NULL;
    if (strcmp(opt, "--save") == 0)
        return (a->save = value) != NULL;
    if (strcmp(opt, "--ops") == 0)
        return prop_number(value, 4000000000u, &a->ops);
    if (strcmp(opt, "--seed") == 0)
        return prop_number(value, UINT64_MAX, &a->seed);
    if (strcmp(opt, "--machine") == 0)
        return a->one_machine = prop_number(value, max_machine, &a->machine);
    return own && own(opt, value);
}

int prop_parse(int argc, char **argv, const char *usage, uint64_t max_machine, bool (*level_ok)(const char *level),
               bool (*own)(const char *option, const char *value), struct prop_args *a)
{
    for (int i = 1; i < argc; i++) {
        const char *opt = argv[i];
        if (strcmp(opt, "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (strcmp(opt, "--self-test") == 0) {
            a->self_test = true;
            continue;
        }
        if (++i == argc || !take(opt, argv[i], max_machine, level_ok, own, a)) {
            fprintf(stderr, "bad argument '%s'\n%s", opt, usage);
            return PROP_EXIT_USAGE;
        }
    }
    return -1;
}
