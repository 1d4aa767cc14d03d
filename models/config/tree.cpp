// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree.hpp"

namespace config
{

std::string position::text() const
{
    if (!file)
        return "";
    if (!line)
        return *file;
    return *file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

const char *kind_name(kind k)
{
    switch (k) {
    case kind::table:
        return "a table";
    case kind::array:
        return "an array";
    case kind::string:
        return "a string";
    case kind::integer:
    case kind::real:
        return "a number";
    case kind::boolean:
        return "a boolean";
    case kind::date:
        return "a date";
    }
    return "";
}

} // namespace config

config::entry *cfg_table::find(const std::string &key)
{
    for (config::entry &e : entries)
        if (e.key == key)
            return &e;
    return nullptr;
}

config::entry &cfg_table::add(const std::string &key, config::position key_pos)
{
    entries.emplace_back();
    entries.back().key = key;
    entries.back().key_pos = key_pos;
    return entries.back();
}

const std::string *cfg_doc::intern(const std::string &name)
{
    for (const std::string &n : names)
        if (n == name)
            return &n;
    names.push_back(name);
    return &names.back();
}

/// The first error wins: what follows is mostly a consequence of it. A message is one line, whatever the file that it
/// cites has: no control characters reach a terminal.
void cfg_doc::fail(const std::string &message)
{
    if (failed)
        return;
    failed = true;
    error = message;
    for (char &c : error)
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7f)
            c = c == '\n' ? ' ' : '?';
}
