/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two-dimensional page walks: the published counts, and means of them. */
#include <cunit_main.h>
#include <models/nested_walk.h>

static void references(void)
{
    CU_ASSERT_EQUAL(nested_walk_references(4, 4), 24);
    CU_ASSERT_EQUAL(nested_walk_references(4, 3), 19);
    CU_ASSERT_EQUAL(nested_walk_references(4, 2), 14);
    CU_ASSERT_EQUAL(nested_walk_references(0, 4), 4); /* a guest without paging */
    CU_ASSERT_EQUAL(nested_walk_references(4, 0), 4); /* a host without */
}

static void means(void)
{
    CU_ASSERT_DOUBLE_EQUAL(nested_walk_ns(10, (double[]){1, 0, 0}), 60, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(nested_walk_ns(10, (double[]){0, 512, 0}), 47.5, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(nested_walk_ns(10, (double[]){0, 0, 7}), 35, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(nested_walk_ns(10, (double[]){1, 1, 2}), (60 + 47.5 + 70) / 4, 1e-12);
    CU_ASSERT_EQUAL(nested_walk_ns(10, (double[]){0, 0, 0}), 0);
}

static const struct cunit_case tests[] = {{"references", references}, {"means", means}};

CUNIT_MAIN("nested walk", tests)
