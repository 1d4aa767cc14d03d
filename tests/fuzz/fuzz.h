/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the harnesses share. A harness is one file, fuzz_NAME.c: it defines LLVMFuzzerTestOneInput() and says at file
 * scope where its first inputs come from (docs/fuzzing.md). The build makes fuzz_NAME of it: with libFuzzer in the
 * preset `fuzz`, else with main() of replay_main.c, which runs inputs that are there.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Read out of the file by tests/fuzz/seeds.sh, one a line, all relative to the source tree.
 *   FUZZ_SEEDS     files that are inputs (a pattern of the shell)
 *   FUZZ_MAKE      a command that writes inputs to $out
 *   FUZZ_WORDS     sources whose string constants are words of the language
 *   FUZZ_MAX_LEN   no longer input is tried, bytes
 */
#define FUZZ_SEEDS(pattern) _Static_assert(sizeof(pattern) > 1, "a pattern")
#define FUZZ_MAKE(command) _Static_assert(sizeof(command) > 1, "a command")
#define FUZZ_WORDS(pattern) _Static_assert(sizeof(pattern) > 1, "a pattern")
#define FUZZ_MAX_LEN(bytes) _Static_assert((bytes) > 0, "a length")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * For readers that take a path: the input as a file called name, in a directory of this process that holds links to all
 * files of the directories `beside` (of the source tree, NULL-terminated list or NULL). The same path at every call.
 * From there ../../../models and the like are those of the source tree.
 */
const char *fuzz_file(const uint8_t *data, size_t size, const char *name, const char *const *beside);

/* The input with a 0 behind it, malloc'ed. */
char *fuzz_text(const uint8_t *data, size_t size);

/* A finding that is no crash: says what and aborts. */
#define FUZZ_CHECK(condition, ...)                                                                                     \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fuzz_fail(__FILE__, __LINE__, __VA_ARGS__);                                                                \
    } while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * What a reader says about a bad input must be one line that begins with the name of the input (if that is a path: of
 * any file that it leads to), without control characters; where is true: with ":LINE:COLUMN: " behind the name.
 */
void fuzz_check_message(const char *message, const char *name, bool where);

#endif
