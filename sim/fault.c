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
    return code;
}
