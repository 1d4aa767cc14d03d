// SPDX-License-Identifier: GPL-2.0-or-later
//
// Text to tree: the one file that sees toml++.
#include "tree.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <toml++/toml.h>

namespace config
{
namespace
{

constexpr size_t max_file_bytes = 64u << 20; // no file of the project comes near it; a device or a slip does
constexpr unsigned max_depth = 128;          // levels of a dotted key: toml++ and we recurse over them

position at(const toml::source_position &p, const std::string *file)
{
    return {file, p.line, p.column};
}

std::string dotted(const std::string &table, const std::string &key)
{
    return table.empty() ? key : table + "." + key;
}

std::unique_ptr<cfg_table> convert_table(cfg_doc &doc, const toml::table &in, const std::string &name, position pos);

value convert(cfg_doc &doc, const toml::node &in, const std::string &name, const std::string *file)
{
    value v;
    v.pos = at(in.source().begin, file);
    if (const toml::table *t = in.as_table()) {
        v.k = kind::table;
        v.table = convert_table(doc, *t, name, v.pos);
    } else if (const toml::array *a = in.as_array()) {
        v.k = kind::array;
        for (size_t i = 0; i < a->size(); i++)
            v.items.push_back(convert(doc, *a->get(i), name + "." + std::to_string(i), file));
        if (!v.items.empty() && a->is_array_of_tables() && v.pos.line == 0)
            v.pos = v.items[0].pos;
    } else if (const auto *s = in.as_string()) {
        v.k = kind::string;
        v.text = s->get();
    } else if (const auto *i = in.as_integer()) {
        v.k = kind::integer;
        v.integer = i->get();
    } else if (const auto *d = in.as_floating_point()) {
        v.k = kind::real;
        v.real = d->get();
    } else if (const auto *b = in.as_boolean()) {
        v.k = kind::boolean;
        v.boolean = b->get();
    } else {
        v.k = kind::date;
        std::ostringstream out;
        out << toml::node_view<const toml::node>(in);
        v.text = out.str();
    }
    return v;
}

bool before(const position &a, const position &b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

std::unique_ptr<cfg_table> convert_table(cfg_doc &doc, const toml::table &in, const std::string &name, position pos)
{
    auto t = std::make_unique<cfg_table>();
    t->doc = &doc;
    t->name = name;
    t->pos = pos;
    for (auto &&[key, node] : in) {
        std::string k(key.str());
        entry &e = t->add(k, at(key.source().begin, pos.file));
        e.v = convert(doc, node, dotted(name, k), pos.file);
    }
    // toml++ keeps keys in alphabetical order; people wrote them in another.
    t->entries.sort([](const entry &a, const entry &b) { return before(a.key_pos, b.key_pos); });
    return t;
}

/// Deep dotted keys would exhaust the stack of the recursive parser.
void check_depth(const std::string &text, const std::string &name)
{
    unsigned line = 1, column = 0, dots = 0;
    for (char c : text) {
        column++;
        if (c == '\n') {
            line++;
            column = dots = 0;
        } else if (c == '.' && ++dots > max_depth) {
            throw failure{name + ":" + std::to_string(line) + ":" + std::to_string(column) + ": more than " +
                          std::to_string(max_depth) + " levels in a key"};
        } else if (!(std::isalnum(static_cast<unsigned char>(c)) || strchr("._-'\" \t", c))) {
            dots = 0;
        }
    }
}

std::string one_line(std::string s)
{
    std::replace(s.begin(), s.end(), '\n', ' ');
    return s;
}

} // namespace

std::unique_ptr<cfg_table> parse(cfg_doc &doc, const std::string &text, const std::string &name)
{
    check_depth(text, name);
    try {
        toml::table root = toml::parse(text, name);
        return convert_table(doc, root, "", {doc.intern(name), 1, 1});
    } catch (const toml::parse_error &e) {
        const toml::source_position &p = e.source().begin;
        throw failure{name + ":" + std::to_string(p.line) + ":" + std::to_string(p.column) +
                      ": not valid TOML: " + one_line(std::string(e.description()))};
    }
}

std::string read_file(const std::string &path)
{
    FILE *f = fopen(path.c_str(), "rb");
    if (!f)
        throw failure{path + ": cannot open: " + strerror(errno)};
    std::string text;
    char block[16384];
    size_t n;
    while (text.size() <= max_file_bytes && (n = fread(block, 1, sizeof(block), f)) > 0)
        text.append(block, n);
    int error = ferror(f) ? errno : 0;
    fclose(f);
    if (error)
        throw failure{path + ": cannot read: " + strerror(error)};
    if (text.size() > max_file_bytes)
        throw failure{path + ": larger than 64 MiB"};
    return text;
}

} // namespace config
