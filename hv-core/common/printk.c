/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formatted output for the console, without a C library. */
#include <hv/lib.h>
#include <stdarg.h>

/* One line of the console; longer ones are cut, and end in "...". */
#define PRINTK_MAX 256

struct out {
    char *buf;
    size_t size, len; /* len: what there would be if size were unlimited */
};

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->size)
        o->buf[o->len] = c;
    o->len++;
}

static void put_number(struct out *o, uint64_t v, unsigned base, bool negative, unsigned width, bool zero)
{
    char digits[20];
    unsigned n = 0;

    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    unsigned len = n + negative;
    for (; !zero && len < width; len++)
        put(o, ' ');
    if (negative)
        put(o, '-');
    for (; len < width; len++)
        put(o, '0');
    while (n)
        put(o, digits[--n]);
}

static void put_string(struct out *o, const char *s, unsigned width)
{
    unsigned n = 0;
    if (!s)
        s = "(null)";
    while (s[n])
        n++;
    for (unsigned i = n; i < width; i++)
        put(o, ' ');
    for (unsigned i = 0; i < n; i++)
        put(o, s[i]);
}

static int format(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = {buf, size, 0};

    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        fmt++;
        bool zero = *fmt == '0';
        unsigned width = 0, longs = 0;
        for (; *fmt >= '0' && *fmt <= '9'; fmt++)
            width = width * 10 + (unsigned)(*fmt - '0');
        for (; *fmt == 'l'; fmt++)
            longs++;
        switch (*fmt) {
        case 'd': {
            int64_t v = longs > 1 ? va_arg(ap, long long) : longs ? va_arg(ap, long) : va_arg(ap, int);
            put_number(&o, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0, width, zero);
            break;
        }
        case 'u':
        case 'x': {
            uint64_t v = longs > 1 ? va_arg(ap, unsigned long long)
                         : longs   ? va_arg(ap, unsigned long)
                                   : va_arg(ap, unsigned);
            put_number(&o, v, *fmt == 'x' ? 16 : 10, false, width, zero);
            break;
        }
        case 's':
            put_string(&o, va_arg(ap, const char *), width);
            break;
        case 'c':
            put(&o, (char)va_arg(ap, int));
            break;
        case '%':
            put(&o, '%');
            break;
        default:
            port_panic(__FILE__, __LINE__, "conversion that printk does not know");
        }
    }
    if (size)
        buf[o.len < size ? o.len : size - 1] = 0;
    return (int)o.len;
}

int hv_snprintf(char *buf, size_t n, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = format(buf, n, fmt, ap);
    va_end(ap);
    return len;
}

void hv_printk(const char *fmt, ...)
{
    char line[PRINTK_MAX];
    va_list ap;

    va_start(ap, fmt);
    size_t len = (size_t)format(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (len >= sizeof(line)) {
        len = sizeof(line) - 1;
        for (size_t i = len - 4; i < len - 1; i++)
            line[i] = '.';
        line[len - 1] = '\n';
    }
    port_console_write(line, len);
}
