// SPDX-License-Identifier: GPL-2.0-or-later
//
// --set a.b.0.c=value. The value is TOML; a bare word that is no TOML is a string.
#include "tree.hpp"

#include <cstring>

namespace config
{
namespace
{

std::string trim(const std::string &s)
{
    size_t from = s.find_first_not_of(" \t"), to = s.find_last_not_of(" \t");
    return from == std::string::npos ? "" : s.substr(from, to - from + 1);
}

bool bare(const std::string &key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    return !key.empty() && key.find_first_not_of(allowed) == std::string::npos;
}

std::vector<std::string> split(const std::string &path, const std::string &where)
{
    std::vector<std::string> keys;
    for (size_t from = 0; from <= path.size();) {
        size_t dot = path.find('.', from);
        if (dot == std::string::npos)
            dot = path.size();
        keys.push_back(trim(path.substr(from, dot - from)));
        if (!bare(keys.back()))
            throw failure{where + ": expected a dotted key before the '=', found '" + path + "'"};
        from = dot + 1;
    }
    return keys;
}

void relabel(cfg_table &t, position pos, const std::string &name);

/// Everything in v was written on the command line.
void relabel(value &v, position pos, const std::string &name)
{
    v.pos = pos;
    if (v.table)
        relabel(*v.table, pos, name);
    for (size_t i = 0; i < v.items.size(); i++)
        relabel(v.items[i], pos, name + "." + std::to_string(i));
}

void relabel(cfg_table &t, position pos, const std::string &name)
{
    t.pos = pos;
    t.name = name;
    for (entry &e : t.entries) {
        e.key_pos = pos;
        relabel(e.v, pos, name + "." + e.key);
    }
}

value parse_value(cfg_doc &doc, const std::string &text, const std::string &path, position pos)
{
    value v;
    std::unique_ptr<cfg_table> t;
    try {
        if (text.find('\n') == std::string::npos)
            t = parse(doc, "v = " + text, *pos.file);
    } catch (const failure &) {
        t = nullptr;
    }
    if (t && t->entries.size() == 1) {
        v = std::move(t->entries.front().v);
    } else if (strchr("\"'[{", text[0])) {
        throw failure{*pos.file + ": not a TOML value: " + text};
    } else {
        v.k = kind::string;
        v.text = text;
    }
    relabel(v, pos, path);
    return v;
}

/// The element that key names; text: what was walked so far.
value &element(value &array, const std::string &key, const std::string &text, const std::string &where)
{
    size_t index = 0;
    bool number = key.size() <= 9 && key.find_first_not_of("0123456789") == std::string::npos;
    if (number)
        index = std::stoul(key);
    if (!number || index >= array.items.size())
        throw failure{where + ": '" + text + "' has " + std::to_string(array.items.size()) +
                      " elements, counted from 0; there is no '" + key + "'"};
    return array.items[index];
}

} // namespace

void apply_override(cfg_doc &doc, const std::string &assignment)
{
    size_t equals = assignment.find('=');
    std::string path = trim(assignment.substr(0, equals));
    std::string where = "--set " + path;
    std::string text = equals == std::string::npos ? "" : trim(assignment.substr(equals + 1));
    if (equals == std::string::npos || text.empty())
        throw failure{where + ": expected key=value"};
    position pos{doc.intern(where), 0, 0};
    std::vector<std::string> keys = split(path, where);
    value v = parse_value(doc, text, path, pos);

    cfg_table *t = doc.root.get();
    value *at = nullptr; // the value that the keys so far lead to
    std::string walked;
    for (size_t i = 0; i < keys.size(); i++) {
        bool last = i + 1 == keys.size();
        if (at && at->k == kind::array) {
            at = &element(*at, keys[i], walked, where);
        } else if (at && at->k != kind::table) {
            throw failure{where + ": '" + walked + "' is " + kind_name(at->k) + ", not a table"};
        } else {
            if (at)
                t = at->table.get();
            entry *e = t->find(keys[i]);
            if (!e) {
                e = &t->add(keys[i], pos);
                e->v.k = kind::table;
                e->v.table = std::make_unique<cfg_table>();
                e->v.table->doc = &doc;
                e->v.table->name = walked.empty() ? keys[i] : walked + "." + keys[i];
                e->v.table->pos = e->v.pos = pos;
            }
            if (last)
                e->key_pos = pos;
            at = &e->v;
        }
        walked += (walked.empty() ? "" : ".") + keys[i];
    }
    *at = std::move(v);
}

} // namespace config
