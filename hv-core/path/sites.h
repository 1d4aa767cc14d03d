/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Included before every source of the instrumented build (-include). The compiler puts a call of
 * __sanitizer_cov_trace_pc at the start of every basic block (-fsanitize-coverage=trace-pc); the assembler makes two
 * additions of it, and notes where they are. A call would cost what the block itself does; an addition to memory costs
 * the simulator a nanosecond.
 *
 * The macro takes the place of the mnemonic that the compiler writes, call; callq is the same instruction. All
 * registers and flags that a call may change are dead here, so the additions need not save the flags.
 */
__asm__(".macro hv_site\n"
        "771: addq $0x7fffffff, hv_path_sum(%rip)\n"
        "addq $0x7fffffff, hv_path_touched(%rip)\n"
        ".pushsection hv_path_sites, \"a\", @progbits\n"
        ".long 771b - .\n"
        ".popsection\n"
        ".endm\n"
        ".macro call target:vararg\n"
        ".ifc \\target, __sanitizer_cov_trace_pc\n"
        "hv_site\n"
        ".else\n"
        ".ifc \\target, __sanitizer_cov_trace_pc@PLT\n"
        "hv_site\n"
        ".else\n"
        "callq \\target\n"
        ".endif\n"
        ".endif\n"
        ".endm\n");
