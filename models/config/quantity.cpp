// SPDX-License-Identifier: GPL-2.0-or-later
#include "quantity.hpp"

#include "tree.hpp"

namespace config
{
namespace
{

struct unit {
    const char *name;
    dimension d;
    uint64_t factor; // base units
};

// Of each dimension from small to large.
constexpr unit units[] = {
    {"ps", dimension::time, 1},
    {"ns", dimension::time, 1000},
    {"us", dimension::time, 1000000},
    {"ms", dimension::time, 1000000000},
    {"s", dimension::time, 1000000000000},
    {"B", dimension::size, 1},
    {"KB", dimension::size, 1000},
    {"KiB", dimension::size, 1ull << 10},
    {"MB", dimension::size, 1000000},
    {"MiB", dimension::size, 1ull << 20},
    {"GB", dimension::size, 1000000000},
    {"GiB", dimension::size, 1ull << 30},
    {"TB", dimension::size, 1000000000000},
    {"TiB", dimension::size, 1ull << 40},
    {"Hz", dimension::frequency, 1},
    {"kHz", dimension::frequency, 1000},
    {"MHz", dimension::frequency, 1000000},
    {"GHz", dimension::frequency, 1000000000},
    {"B/s", dimension::bandwidth, 1},
    {"KB/s", dimension::bandwidth, 1000},
    {"KiB/s", dimension::bandwidth, 1ull << 10},
    {"MB/s", dimension::bandwidth, 1000000},
    {"MiB/s", dimension::bandwidth, 1ull << 20},
    {"GB/s", dimension::bandwidth, 1000000000},
    {"GiB/s", dimension::bandwidth, 1ull << 30},
    {"cycles", dimension::cycles, 1},
};

constexpr const char *names[] = {"a time", "a size", "a frequency", "a bandwidth", "a number of cycles"};

const char *name_of(dimension d)
{
    return names[static_cast<int>(d)];
}

std::vector<std::string> unit_names(dimension d)
{
    std::vector<std::string> list;
    for (const unit &u : units)
        if (u.d == d)
            list.push_back(u.name);
    return list;
}

using wide = unsigned __int128;

wide power_of_ten(unsigned n)
{
    wide p = 1;
    while (n--)
        p *= 10;
    return p;
}

constexpr unsigned max_digits = 18; // so that digits fits 64 bits

/// Sign, digits and point; *end is where they stop. false: not a decimal number, or too long.
bool parse_number(const std::string &text, quantity *q, size_t *end)
{
    size_t i = 0, count = 0;
    bool point = false;
    if (i < text.size() && (text[i] == '-' || text[i] == '+'))
        q->negative = text[i++] == '-';
    for (; i < text.size(); i++) {
        if (text[i] == '.' && !point && count) {
            point = true;
        } else if (text[i] >= '0' && text[i] <= '9') {
            if (++count > max_digits)
                return false;
            q->digits = q->digits * 10 + static_cast<unsigned>(text[i] - '0');
            q->decimals += point;
        } else {
            break;
        }
    }
    *end = i;
    return count && text[i - 1] != '.';
}

} // namespace

bool quantity::whole(int64_t *out) const
{
    wide n = static_cast<wide>(digits) * unit, p = power_of_ten(decimals);
    if (n % p != 0 || n / p > static_cast<wide>(INT64_MAX))
        return false;
    int64_t v = static_cast<int64_t>(n / p);
    *out = negative ? -v : v;
    return true;
}

double quantity::real() const
{
    double v = static_cast<double>(static_cast<wide>(digits) * unit) / static_cast<double>(power_of_ten(decimals));
    return negative ? -v : v;
}

std::string expected_quantity(dimension d)
{
    std::string s = std::string("expected ") + name_of(d) + " with a unit (";
    const char *comma = "";
    for (const std::string &u : unit_names(d)) {
        s += comma + u;
        comma = ", ";
    }
    return s + ")";
}

std::string parse_quantity(const std::string &text, dimension d, quantity *out)
{
    quantity q;
    size_t end = 0;
    if (!parse_number(text, &q, &end))
        return "'" + text + "': " + expected_quantity(d);
    size_t from = text.find_first_not_of(" \t", end);
    std::string name = from == std::string::npos ? "" : text.substr(from);
    if (name.empty())
        return "'" + text + "' has no unit: " + expected_quantity(d);
    for (const unit &u : units) {
        if (name != u.name)
            continue;
        if (u.d != d)
            return "'" + text + "' is " + name_of(u.d) + ": " + expected_quantity(d);
        q.unit = u.factor;
        *out = q;
        return "";
    }
    return "unknown unit '" + name + "': " + expected_quantity(d) + did_you_mean(name, unit_names(d));
}

std::string format_quantity(uint64_t base, dimension d)
{
    const unit *best = nullptr;
    for (const unit &u : units) {
        bool binary = (u.factor & (u.factor - 1)) == 0;
        if (u.d == d && base % u.factor == 0 && (!best || base) && (d != dimension::size || binary))
            best = &u;
    }
    return std::to_string(base / best->factor) + " " + best->name;
}

} // namespace config
