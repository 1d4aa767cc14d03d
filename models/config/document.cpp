// SPDX-License-Identifier: GPL-2.0-or-later
//
// The C interface: documents, tables, which keys are known. Nothing is thrown across it.
#include "guard.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

using config::entry;
using config::guard;
using config::kind;
using config::value;

namespace
{

/// Every document has a root, so that a reader need not check before it goes on.
template <typename Read> cfg_doc *new_doc(Read read)
{
    cfg_doc *doc = nullptr;
    try {
        doc = new cfg_doc;
        doc->root = std::make_unique<cfg_table>();
        doc->root->doc = doc;
        try {
            read(*doc);
        } catch (const config::failure &f) {
            doc->fail(f.what);
        }
        return doc;
    } catch (...) {
        delete doc;
        return nullptr;
    }
}

void take(cfg_doc &doc, const std::string &text, const std::string &name)
{
    doc.root->pos = {doc.intern(name), 1, 1};
    doc.root = config::resolve_inherits(doc, config::parse(doc, text, name), name, {});
}

/// The first unknown key below t, in file order.
const entry *first_unknown(const cfg_table &t, const cfg_table **in);

const entry *first_unknown(const value &v, const cfg_table **in)
{
    if (v.k == kind::table)
        return first_unknown(*v.table, in);
    for (const value &item : v.items)
        if (const entry *e = first_unknown(item, in))
            return e;
    return nullptr;
}

const entry *first_unknown(const cfg_table &t, const cfg_table **in)
{
    for (const entry &e : t.entries) {
        if (!e.known) {
            *in = &t;
            return &e;
        }
        if (const entry *below = first_unknown(e.v, in))
            return below;
    }
    return nullptr;
}

} // namespace

namespace config
{

std::string in_table(const cfg_table &t)
{
    return t.name.empty() ? "" : " in [" + t.name + "]";
}

entry *lookup(cfg_table *t, const char *key)
{
    bool asked = false;
    for (const std::string &a : t->asked)
        asked = asked || a == key;
    if (!asked)
        t->asked.push_back(key);
    entry *e = t->find(key);
    if (e)
        e->known = true;
    return e;
}

/// Most missing keys are misspelt ones: then say so, at the place of the misspelling.
void missing(cfg_table *t, const char *key)
{
    std::vector<std::string> unknown;
    for (const entry &e : t->entries)
        if (!e.known)
            unknown.push_back(e.key);
    if (const std::string *near = nearest(key, unknown))
        t->doc->fail(t->find(*near)->key_pos.text() + ": unknown key '" + *near + "'" + in_table(*t) +
                     "; did you mean '" + key + "', which is missing?");
    else
        t->doc->fail(t->pos.text() + ": missing key '" + key + "'" + in_table(*t));
}

void wrong_kind(cfg_table *t, const char *key, const value &v, const std::string &expected)
{
    std::string found = kind_name(v.k);
    if (v.k == kind::string)
        found += " '" + v.text + "'";
    t->doc->fail(v.pos.text() + ": " + key + ": " + expected + ", found " + found);
}

} // namespace config

cfg_doc *cfg_load(const char *path)
{
    return cfg_load_from(path, nullptr);
}

cfg_doc *cfg_load_from(const char *path, const char *presets)
{
    return new_doc([&](cfg_doc &doc) {
        doc.presets = presets ? presets : "";
        doc.root->pos = {doc.intern(path), 1, 1};
        take(doc, config::read_file(path), path);
    });
}

cfg_doc *cfg_parse(const char *text, const char *name)
{
    return new_doc([&](cfg_doc &doc) { take(doc, text, name); });
}

void cfg_free(cfg_doc *doc)
{
    delete doc;
}

const char *cfg_error(const cfg_doc *doc)
{
    if (doc->no_memory)
        return "out of memory";
    return doc->failed ? doc->error.c_str() : nullptr;
}

const char *cfg_where(cfg_table *t, const char *key)
{
    return guard(t, "", [&] {
        entry *e = key ? t->find(key) : nullptr;
        t->doc->strings.push_back(e ? e->v.pos.text() : t->pos.text());
        return t->doc->strings.back().c_str();
    });
}

const char *cfg_file_of(cfg_table *t, const char *key)
{
    return guard(t, "", [&] {
        entry *e = key ? t->find(key) : nullptr;
        const config::position &p = e ? e->v.pos : t->pos;
        return p.file && p.line ? p.file->c_str() : "";
    });
}

void cfg_fail(cfg_table *t, const char *key, const char *fmt, ...)
{
    char *text = nullptr;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    guard(t, false, [&] {
        entry *e = key ? t->find(key) : nullptr;
        if (n < 0)
            throw std::bad_alloc();
        t->doc->fail((e ? e->v.pos : t->pos).text() + ": " + text);
        return true;
    });
    if (n >= 0)
        free(text);
}

bool cfg_override(cfg_doc *doc, const char *assignment)
{
    return guard(doc->root.get(), false, [&] {
        if (doc->failed)
            return false;
        config::apply_override(*doc, assignment);
        return true;
    });
}

cfg_table *cfg_root(cfg_doc *doc)
{
    return doc->root.get();
}

cfg_table *cfg_sub(cfg_table *t, const char *key, bool required)
{
    return config::ask<cfg_table *>(t, key, required, nullptr, [&](value &v) -> cfg_table * {
        if (v.k == kind::table)
            return v.table.get();
        wrong_kind(t, key, v, "expected a table");
        return nullptr;
    });
}

/// The array of tables at key, nullptr if it is absent or something else (reported).
static value *table_array(cfg_table *t, const char *key)
{
    return config::ask<value *>(t, key, false, nullptr, [&](value &v) -> value * {
        if (v.k != kind::array) {
            wrong_kind(t, key, v, "expected an array of tables");
            return nullptr;
        }
        for (const value &item : v.items) {
            if (item.k != kind::table) {
                wrong_kind(t, key, item, "expected an array of tables");
                return nullptr;
            }
        }
        return &v;
    });
}

size_t cfg_array_len(cfg_table *t, const char *key)
{
    value *v = table_array(t, key);
    return v ? v->items.size() : 0;
}

cfg_table *cfg_array_at(cfg_table *t, const char *key, size_t i)
{
    value *v = table_array(t, key);
    return v && i < v->items.size() ? v->items[i].table.get() : nullptr;
}

size_t cfg_keys(cfg_table *t, const char *const **keys)
{
    *keys = nullptr;
    return guard(t, size_t(0), [&] {
        t->doc->lists.emplace_back();
        for (entry &e : t->entries) {
            e.known = true;
            t->doc->lists.back().push_back(e.key.c_str());
        }
        *keys = t->doc->lists.back().data();
        return t->entries.size();
    });
}

bool cfg_has(cfg_table *t, const char *key)
{
    return guard(t, false, [&] { return config::lookup(t, key) != nullptr; });
}

bool cfg_is_string(cfg_table *t, const char *key)
{
    return guard(t, false, [&] {
        const config::entry *e = config::lookup(t, key);
        return e && e->v.k == kind::string;
    });
}

bool cfg_is_integer(cfg_table *t, const char *key)
{
    return guard(t, false, [&] {
        const config::entry *e = config::lookup(t, key);
        return e && e->v.k == kind::integer;
    });
}

bool cfg_finish(cfg_doc *doc)
{
    return guard(doc->root.get(), false, [&] {
        if (doc->failed)
            return false;
        const cfg_table *in = nullptr;
        const entry *e = first_unknown(*doc->root, &in);
        if (!e)
            return true;
        doc->fail(e->key_pos.text() + ": unknown key '" + e->key + "'" + config::in_table(*in) +
                  config::did_you_mean(e->key, in->asked));
        return false;
    });
}

char *cfg_to_json(cfg_doc *doc)
{
    try {
        return strdup(config::to_json(*doc->root).c_str());
    } catch (...) {
        return nullptr;
    }
}

const char *cfg_nearest(const char *s, const char *const *words)
{
    try {
        std::vector<std::string> list;
        for (size_t i = 0; words[i]; i++)
            list.push_back(words[i]);
        const std::string *near = config::nearest(s, list);
        return near ? words[near - list.data()] : nullptr;
    } catch (...) {
        return nullptr;
    }
}
