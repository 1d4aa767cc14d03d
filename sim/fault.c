/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault.h"

#include <stdarg.h>

int fault_set(struct fault *f, int code, const char *fmt, ...)
{
    if (f->code != EXIT_DONE)
        return f->code;
    f->code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    for (char *c = f->text; *c; c++) /* it may cite what a file has, and goes to a terminal */
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = *c == '\n' ? ' ' : '?';
    return code;
}
