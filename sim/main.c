/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"

#include <hv/core.h>

int main(int argc, char **argv)
{
    const struct run_backend backend = {
        .load = scenario_load,
        .release = scenario_free,
        .run = run_scenario,
        .result_free = run_result_free,
        .core_build_id = hv_core_get()->build_id,
    };
    return cli_main(&backend, argc, argv);
}
