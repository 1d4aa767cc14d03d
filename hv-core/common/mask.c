/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <hv/mask.h>

unsigned hv_cpumask_words = 1;
