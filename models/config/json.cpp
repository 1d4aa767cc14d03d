// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace config
{
namespace
{

void put(std::string &out, const cfg_table &t);

void put(std::string &out, const std::string &s)
{
    out += '"';
    for (char c : s) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            char hex[8];
            snprintf(hex, sizeof(hex), "\\u%04x", static_cast<unsigned>(c));
            out += hex;
        } else {
            out += c;
        }
    }
    out += '"';
}

/// The shortest text that reads back as the same number, and that still reads as a real.
void put(std::string &out, double d)
{
    if (!std::isfinite(d)) {
        out += std::isnan(d) ? "\"nan\"" : d > 0 ? "\"inf\"" : "\"-inf\"";
        return;
    }
    char text[64];
    auto end = std::to_chars(text, text + sizeof(text), d).ptr;
    std::string s(text, end);
    if (s.find_first_of(".e") == std::string::npos)
        s += ".0";
    out += s;
}

void put(std::string &out, const value &v)
{
    switch (v.k) {
    case kind::table:
        put(out, *v.table);
        break;
    case kind::array:
        out += '[';
        for (size_t i = 0; i < v.items.size(); i++) {
            out += i ? ", " : "";
            put(out, v.items[i]);
        }
        out += ']';
        break;
    case kind::string:
    case kind::date:
        put(out, v.text);
        break;
    case kind::integer:
        out += std::to_string(v.integer);
        break;
    case kind::real:
        put(out, v.real);
        break;
    case kind::boolean:
        out += v.boolean ? "true" : "false";
        break;
    }
}

void put(std::string &out, const cfg_table &t)
{
    out += '{';
    const char *comma = "";
    for (const entry &e : t.entries) {
        out += comma;
        put(out, e.key);
        out += ": ";
        put(out, e.v);
        comma = ", ";
    }
    out += '}';
}

} // namespace

std::string to_json(const cfg_table &t)
{
    std::string out;
    put(out, t);
    return out;
}

} // namespace config
