// SPDX-License-Identifier: GPL-2.0-or-later
//
// The C interface: scalars, arrays and quantities.
#include "guard.hpp"
#include "quantity.hpp"

#include <cmath>
#include <cstdio>

using config::ask;
using config::dimension;
using config::kind;
using config::quantity;
using config::value;

namespace
{

std::string show(double d)
{
    char text[40];
    snprintf(text, sizeof(text), "%.15g", d);
    return text;
}

/// Absent optional keys are no error: true as long as the document is good.
template <typename F> bool scalar(cfg_table *t, const char *key, bool required, F f)
{
    bool read = ask<bool>(t, key, required, false, f);
    return read || (t && !t->doc->failed && !required);
}

bool out_of_range(cfg_table *t, const char *key, const value &v, const std::string &shown, const std::string &min,
                  const std::string &max)
{
    t->doc->fail(v.pos.text() + ": " + key + " = " + shown + " is out of range, expected " + min + " to " + max);
    return false;
}

bool read_int(cfg_table *t, const char *key, const value &v, int64_t *out)
{
    if (v.k == kind::integer) {
        *out = v.integer;
        return true;
    }
    if (v.k == kind::real)
        t->doc->fail(v.pos.text() + ": " + key + ": expected a whole number, found " + show(v.real));
    else
        wrong_kind(t, key, v, "expected a whole number");
    return false;
}

bool read_double(cfg_table *t, const char *key, const value &v, double *out)
{
    if (v.k == kind::integer) {
        *out = static_cast<double>(v.integer);
    } else if (v.k == kind::real && std::isfinite(v.real)) {
        *out = v.real;
    } else if (v.k == kind::real) {
        t->doc->fail(v.pos.text() + ": " + key + ": expected a finite number, found " + show(v.real));
        return false;
    } else {
        wrong_kind(t, key, v, "expected a number");
        return false;
    }
    return true;
}

bool read_quantity(cfg_table *t, const char *key, const value &v, dimension d, quantity *out)
{
    if (v.k != kind::string) {
        wrong_kind(t, key, v, expected_quantity(d));
        return false;
    }
    std::string wrong = parse_quantity(v.text, d, out);
    if (wrong.empty())
        return true;
    t->doc->fail(v.pos.text() + ": " + key + ": " + wrong);
    return false;
}

/// A quantity in whole base units.
bool read_whole(cfg_table *t, const char *key, const value &v, dimension d, int64_t *out)
{
    quantity q;
    if (!read_quantity(t, key, v, d, &q))
        return false;
    if (q.whole(out))
        return true;
    t->doc->fail(v.pos.text() + ": " + key + " = '" + v.text + "' is not a whole number of " +
                 (d == dimension::time ? "ps" : "bytes") + ", or too large");
    return false;
}

std::string show_time(int64_t ps)
{
    return (ps < 0 ? "-" : "") + format_quantity(ps < 0 ? 0 - static_cast<uint64_t>(ps) : ps, dimension::time);
}

bool read_time(cfg_table *t, const char *key, const value &v, int64_t min, int64_t max, int64_t *out)
{
    int64_t ps;
    if (!read_whole(t, key, v, dimension::time, &ps))
        return false;
    if (ps < min || ps > max)
        return out_of_range(t, key, v, "'" + v.text + "'", show_time(min), show_time(max));
    *out = ps;
    return true;
}

bool read_real(cfg_table *t, const char *key, const value &v, dimension d, double min, double max, double *out)
{
    quantity q;
    if (!read_quantity(t, key, v, d, &q))
        return false;
    const char *unit = d == dimension::frequency ? " Hz" : " B/s";
    double r = q.real();
    if (r < min || r > max)
        return out_of_range(t, key, v, "'" + v.text + "'", show(min) + unit, show(max) + unit);
    *out = r;
    return true;
}

bool real_quantity(cfg_table *t, const char *key, bool required, dimension d, double min, double max, double *out)
{
    return scalar(t, key, required, [&](value &v) { return read_real(t, key, v, d, min, max, out); });
}

/// Each element of the array at key, by read(element, index into what it appends to).
template <typename T, typename Read>
bool array(cfg_table *t, const char *key, bool required, const char *expected, std::list<std::vector<T>> &store,
           const T **out, size_t *n, Read read)
{
    return scalar(t, key, required, [&](value &v) {
        if (v.k != kind::array) {
            wrong_kind(t, key, v, expected);
            return false;
        }
        std::vector<T> list;
        for (const value &item : v.items) {
            T element;
            if (!read(item, &element))
                return false;
            list.push_back(element);
        }
        store.push_back(std::move(list));
        *out = store.back().data();
        *n = store.back().size();
        return true;
    });
}

} // namespace

bool cfg_int(cfg_table *t, const char *key, bool required, int64_t min, int64_t max, int64_t *out)
{
    return scalar(t, key, required, [&](value &v) {
        int64_t i;
        if (!read_int(t, key, v, &i))
            return false;
        if (i < min || i > max)
            return out_of_range(t, key, v, std::to_string(i), std::to_string(min), std::to_string(max));
        *out = i;
        return true;
    });
}

bool cfg_uint(cfg_table *t, const char *key, bool required, unsigned min, unsigned max, unsigned *out)
{
    int64_t i = *out;
    bool ok = cfg_int(t, key, required, min, max, &i);
    *out = static_cast<unsigned>(i);
    return ok;
}

bool cfg_double(cfg_table *t, const char *key, bool required, double min, double max, double *out)
{
    return scalar(t, key, required, [&](value &v) {
        double d;
        if (!read_double(t, key, v, &d))
            return false;
        if (d < min || d > max)
            return out_of_range(t, key, v, show(d), show(min), show(max));
        *out = d;
        return true;
    });
}

bool cfg_bool(cfg_table *t, const char *key, bool required, bool *out)
{
    return scalar(t, key, required, [&](value &v) {
        if (v.k != kind::boolean) {
            wrong_kind(t, key, v, "expected true or false");
            return false;
        }
        *out = v.boolean;
        return true;
    });
}

bool cfg_string(cfg_table *t, const char *key, bool required, const char **out)
{
    return scalar(t, key, required, [&](value &v) {
        if (v.k != kind::string) {
            wrong_kind(t, key, v, "expected a string");
            return false;
        }
        // The text outlives a later override of the key.
        t->doc->strings.push_back(v.text);
        *out = t->doc->strings.back().c_str();
        return true;
    });
}

bool cfg_enum(cfg_table *t, const char *key, bool required, const char *const *words, unsigned *out)
{
    return scalar(t, key, required, [&](value &v) {
        std::vector<std::string> list;
        std::string all;
        for (size_t i = 0; words[i]; i++) {
            list.push_back(words[i]);
            all += (i ? ", " : "") + list.back();
        }
        if (v.k != kind::string) {
            wrong_kind(t, key, v, "expected one of " + all);
            return false;
        }
        for (size_t i = 0; i < list.size(); i++) {
            if (v.text == list[i]) {
                *out = static_cast<unsigned>(i);
                return true;
            }
        }
        t->doc->fail(v.pos.text() + ": " + key + ": expected one of " + all + ", found '" + v.text + "'" +
                     config::did_you_mean(v.text, list));
        return false;
    });
}

bool cfg_doubles(cfg_table *t, const char *key, bool required, const double **out, size_t *n)
{
    if (!t)
        return false;
    return array(t, key, required, "expected an array of numbers", t->doc->doubles, out, n,
                 [&](const value &v, double *d) { return read_double(t, key, v, d); });
}

bool cfg_ints(cfg_table *t, const char *key, bool required, const int64_t **out, size_t *n)
{
    if (!t)
        return false;
    return array(t, key, required, "expected an array of whole numbers", t->doc->ints, out, n,
                 [&](const value &v, int64_t *i) { return read_int(t, key, v, i); });
}

bool cfg_times_ps(cfg_table *t, const char *key, bool required, int64_t min, int64_t max, const int64_t **out,
                  size_t *n)
{
    if (!t)
        return false;
    return array(t, key, required, "expected an array of times", t->doc->ints, out, n,
                 [&](const value &v, int64_t *ps) { return read_time(t, key, v, min, max, ps); });
}

bool cfg_freqs(cfg_table *t, const char *key, bool required, double min, double max, const double **out, size_t *n)
{
    if (!t)
        return false;
    return array(t, key, required, "expected an array of frequencies", t->doc->doubles, out, n,
                 [&](const value &v, double *hz) { return read_real(t, key, v, dimension::frequency, min, max, hz); });
}

bool cfg_strings(cfg_table *t, const char *key, bool required, const char *const **out, size_t *n)
{
    if (!t)
        return false;
    auto keep = [&](const value &v, const char **s) {
        if (v.k != kind::string) {
            wrong_kind(t, key, v, "expected a string");
            return false;
        }
        t->doc->strings.push_back(v.text);
        *s = t->doc->strings.back().c_str();
        return true;
    };
    return scalar(t, key, required, [&](value &v) {
        std::vector<const char *> list;
        if (v.k != kind::array && v.k != kind::string) {
            wrong_kind(t, key, v, "expected a string or an array of strings");
            return false;
        }
        size_t count = v.k == kind::array ? v.items.size() : 1;
        for (size_t i = 0; i < count; i++) {
            const char *s;
            if (!keep(v.k == kind::array ? v.items[i] : v, &s))
                return false;
            list.push_back(s);
        }
        t->doc->lists.push_back(std::move(list));
        *out = t->doc->lists.back().data();
        *n = count;
        return true;
    });
}

bool cfg_time_ps(cfg_table *t, const char *key, bool required, int64_t min, int64_t max, int64_t *out)
{
    return scalar(t, key, required, [&](value &v) { return read_time(t, key, v, min, max, out); });
}

bool cfg_size(cfg_table *t, const char *key, bool required, uint64_t min, uint64_t max, uint64_t *out)
{
    return scalar(t, key, required, [&](value &v) {
        int64_t bytes;
        if (!read_whole(t, key, v, dimension::size, &bytes))
            return false;
        if (bytes < 0 || static_cast<uint64_t>(bytes) < min || static_cast<uint64_t>(bytes) > max)
            return out_of_range(t, key, v, "'" + v.text + "'", format_quantity(min, dimension::size),
                                format_quantity(max, dimension::size));
        *out = static_cast<uint64_t>(bytes);
        return true;
    });
}

bool cfg_freq(cfg_table *t, const char *key, bool required, double min, double max, double *out)
{
    return real_quantity(t, key, required, dimension::frequency, min, max, out);
}

bool cfg_bandwidth(cfg_table *t, const char *key, bool required, double min, double max, double *out)
{
    return real_quantity(t, key, required, dimension::bandwidth, min, max, out);
}

bool cfg_cycles(cfg_table *t, const char *key, bool required, double min, double max, double *out)
{
    return scalar(t, key, required, [&](value &v) {
        quantity q;
        if (!read_quantity(t, key, v, dimension::cycles, &q))
            return false;
        double c = q.real();
        if (c < min || c > max)
            return out_of_range(t, key, v, "'" + v.text + "'", show(min) + " cycles", show(max) + " cycles");
        *out = c;
        return true;
    });
}
