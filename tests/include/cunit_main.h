/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One way to run a CUnit suite from a table: CUNIT_MAIN("name", tests) where tests[] is an array of struct cunit_case.
 */
#ifndef CUNIT_MAIN_H
#define CUNIT_MAIN_H

#include <CUnit/Basic.h>

struct cunit_case {
    const char *name; /* the behaviour that the test protects */
    void (*fn)(void);
};

static inline int cunit_run(const char *suite_name, const struct cunit_case *tests, size_t nr)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite s = CU_add_suite(suite_name, NULL, NULL);
    for (size_t i = 0; s && i < nr; i++)
        if (!CU_add_test(s, tests[i].name, tests[i].fn))
            s = NULL;
    if (!s)
        return 2;
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed ? 1 : 0;
}

#define CUNIT_MAIN(suite_name, tests)                                                                                  \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        return cunit_run(suite_name, tests, sizeof(tests) / sizeof((tests)[0]));                                       \
    }

#endif
