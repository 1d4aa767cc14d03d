// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"
#include "quantity.hpp"
#include <algorithm>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <toml++/toml.h>
#include <vector>

struct cfg_table {
    cfg_doc *doc;
    toml::table *t;
    std::set<std::string> known; ///< keys that the reader asked for
    std::string at;              ///< position, for tables that have none of their own
};

struct cfg_doc {
    toml::table root;
    std::string name;
    std::string error;
    std::deque<cfg_table> tables;
    std::map<const toml::table *, cfg_table *> by_table;
    // Storage behind the pointers that readers got; a deque never moves its elements.
    std::deque<std::string> strings;
    std::deque<std::vector<const char *>> string_lists;
    std::deque<std::vector<double>> double_lists;
    std::deque<std::vector<int64_t>> int_lists;

    cfg_table *wrap(toml::table *t, const std::string &at)
    {
        auto it = by_table.find(t);
        if (it != by_table.end())
            return it->second;
        tables.push_back({this, t, {}, at});
        by_table[t] = &tables.back();
        return &tables.back();
    }
    const char *keep(std::string s)
    {
        strings.push_back(std::move(s));
        return strings.back().c_str();
    }
};

namespace
{

std::string where_is(const toml::source_region &r, const std::string &fallback)
{
    if (!r.path || !r.begin)
        return fallback;
    if (r.path->rfind("--set ", 0) == 0)
        return *r.path;
    return *r.path + ":" + std::to_string(r.begin.line) + ":" + std::to_string(r.begin.column);
}

std::string format(const char *fmt, va_list ap)
{
    va_list copy;
    va_copy(copy, ap);
    int n = vsnprintf(nullptr, 0, fmt, copy);
    va_end(copy);
    std::string s(n > 0 ? size_t(n) : 0, '\0');
    if (n > 0)
        vsnprintf(&s[0], size_t(n) + 1, fmt, ap);
    return s;
}

/// Position of a value; the table's own where there is no such key.
std::string position(cfg_table *t, const char *key)
{
    std::string table_at = where_is(t->t->source(), t->at);
    const toml::node *n = key ? t->t->get(key) : nullptr;
    return n ? where_is(n->source(), table_at) : table_at;
}

bool fail_at(cfg_doc *doc, const std::string &at, const std::string &what)
{
    if (doc->error.empty())
        doc->error = at + ": " + what;
    return false;
}

const char *kind(const toml::node &n)
{
    switch (n.type()) {
    case toml::node_type::table:
        return "a table";
    case toml::node_type::array:
        return "an array";
    case toml::node_type::string:
        return "a string";
    case toml::node_type::integer:
        return "an integer";
    case toml::node_type::floating_point:
        return "a number";
    case toml::node_type::boolean:
        return "a boolean";
    default:
        return "a date or time";
    }
}

bool mismatch(cfg_table *t, const char *key, const char *wanted, const toml::node &n)
{
    return fail_at(t->doc, where_is(n.source(), position(t, key)),
                   std::string(key) + ": expected " + wanted + ", found " + kind(n));
}

/// The value of a key, marked as known; nullptr if absent (an error if required) or after an error.
toml::node *value(cfg_table *t, const char *key, bool required)
{
    if (!t || !t->doc->error.empty())
        return nullptr;
    t->known.insert(key);
    toml::node *n = t->t->get(key);
    if (!n && required)
        fail_at(t->doc, position(t, nullptr), std::string("key '") + key + "' is missing");
    return n;
}

std::string number(double v)
{
    std::ostringstream o;
    o << v;
    return o.str();
}

template <class T> std::string text_of(T v)
{
    return std::to_string(v);
}
std::string text_of(double v)
{
    return number(v);
}

template <class T> bool in_range(cfg_table *t, const char *key, T v, T min, T max)
{
    if (v >= min && v <= max)
        return true;
    return fail_at(t->doc, position(t, key),
                   std::string(key) + ": " + text_of(v) + " is out of range, expected " + text_of(min) + " to " +
                       text_of(max));
}

/// Recursively lay `over` over `base`. Nodes are moved, because a copy forgets where it came from.
void merge(toml::table &base, toml::table &over)
{
    for (auto &&[k, v] : over) {
        toml::node *old = base.get(k.str());
        if (old && old->is_table() && v.is_table())
            merge(*old->as_table(), *v.as_table());
        else
            v.visit([&, &key = k](auto &&n) { base.insert_or_assign(key, std::move(n)); });
    }
}

std::string directory_of(const std::string &path)
{
    size_t slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

bool parse_into(cfg_doc *doc, const std::string &text, const std::string &name, toml::table &out)
{
    try {
        out = toml::parse(text, name);
        return true;
    } catch (const toml::parse_error &e) {
        std::string at = name;
        if (e.source().begin)
            at += ":" + std::to_string(e.source().begin.line) + ":" + std::to_string(e.source().begin.column);
        return fail_at(doc, at, std::string(e.description()));
    }
}

bool load_file(cfg_doc *doc, const std::string &path, toml::table &out, std::vector<std::string> &chain)
{
    if (std::find(chain.begin(), chain.end(), path) != chain.end())
        return fail_at(doc, path, "inherits from itself");
    chain.push_back(path);
    errno = 0;
    std::ifstream f(path, std::ios::binary);
    std::ostringstream text;
    if (f)
        text << f.rdbuf();
    if (!f)
        return fail_at(doc, path, errno ? strerror(errno) : "cannot be read");
    if (!parse_into(doc, text.str(), path, out))
        return false;
    toml::node *parent = out.get("inherits");
    if (!parent)
        return true;
    if (!parent->is_string())
        return fail_at(doc, where_is(parent->source(), path), "inherits: expected a file name");
    toml::table base;
    std::string parent_path = directory_of(path) + **parent->as_string();
    out.erase("inherits");
    if (!load_file(doc, parent_path, base, chain))
        return false;
    merge(base, out);
    out = std::move(base);
    return true;
}

/// Distance of Damerau and Levenshtein (neighbours swapped count once).
size_t distance(const std::string &a, const std::string &b)
{
    std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
    for (size_t i = 0; i <= a.size(); i++)
        for (size_t j = 0; j <= b.size(); j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            size_t same = a[i - 1] == b[j - 1] ? 0 : 1;
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + same});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[a.size()][b.size()];
}

/// Index of the nearest word, or -1 if none is near: at most a third of the letters, but one typing slip always.
template <class Words> long nearest(const std::string &s, const Words &words)
{
    long best = -1, i = 0;
    size_t least = std::max<size_t>(2, s.size() / 3) + 1;
    for (const auto &w : words) {
        size_t d = distance(s, w);
        if (d < least) {
            least = d;
            best = i;
        }
        i++;
    }
    return best;
}

bool unknown_key(cfg_table *t, const toml::key &k)
{
    std::string what = "unknown key '" + std::string(k.str()) + "'";
    std::vector<std::string> words(t->known.begin(), t->known.end());
    long n = nearest(std::string(k.str()), words);
    if (n >= 0)
        what += ", did you mean '" + words[size_t(n)] + "'?";
    const toml::node *v = t->t->get(k.str());
    std::string at = where_is(k.source(), where_is(v ? v->source() : t->t->source(), t->at));
    return fail_at(t->doc, at, what);
}

/// The first key of a table, in the order of the file, that no reader asked for; then those of tables below.
bool finish(cfg_table *t)
{
    std::vector<const toml::key *> keys;
    for (auto &&[k, v] : *t->t)
        if (!t->known.count(std::string(k.str())))
            keys.push_back(&k);
    std::sort(keys.begin(), keys.end(), [](const toml::key *a, const toml::key *b) {
        return a->source().begin.line != b->source().begin.line ? a->source().begin.line < b->source().begin.line
                                                                : a->source().begin.column < b->source().begin.column;
    });
    if (!keys.empty())
        return unknown_key(t, *keys[0]);
    for (auto &&[k, v] : *t->t) {
        std::vector<toml::table *> below;
        if (v.is_table())
            below.push_back(v.as_table());
        else if (v.is_array())
            for (auto &&e : *v.as_array())
                if (e.is_table())
                    below.push_back(e.as_table());
        for (toml::table *b : below) {
            auto it = t->doc->by_table.find(b);
            if (it != t->doc->by_table.end() && !finish(it->second))
                return false;
        }
    }
    return true;
}

bool bad_number(cfg_table *t, const char *key, double min, double max, double v, double *out)
{
    if (!in_range(t, key, v, min, max))
        return true;
    *out = v;
    return false;
}

bool exact_quantity(cfg_table *t, const char *key, bool required, quantity::kind k, long long *out, bool *present)
{
    toml::node *n = value(t, key, required);
    *present = n != nullptr;
    if (!n)
        return t && t->doc->error.empty();
    if (!n->is_string())
        return fail_at(t->doc, where_is(n->source(), position(t, key)),
                       std::string(key) + ": expected a string \"number unit\" with one of the units " +
                           quantity::units(k) + ", found " + kind(*n));
    std::string why = quantity::parse_exact(k, **n->as_string(), *out);
    if (!why.empty())
        return fail_at(t->doc, where_is(n->source(), position(t, key)), std::string(key) + ": " + why);
    return true;
}

bool real_quantity(cfg_table *t, const char *key, bool required, quantity::kind k, double min, double max, double *out)
{
    toml::node *n = value(t, key, required);
    if (!n)
        return t && t->doc->error.empty();
    if (!n->is_string())
        return fail_at(t->doc, where_is(n->source(), position(t, key)),
                       std::string(key) + ": expected a string \"number unit\" with one of the units " +
                           quantity::units(k) + ", found " + kind(*n));
    double v = 0;
    std::string why = quantity::parse_real(k, **n->as_string(), v);
    if (!why.empty())
        return fail_at(t->doc, where_is(n->source(), position(t, key)), std::string(key) + ": " + why);
    return !bad_number(t, key, min, max, v, out);
}

/// One segment of a dotted key: a table's key or an array's index.
toml::node *step(toml::node *at, const std::string &name)
{
    if (at->is_table())
        return at->as_table()->get(name);
    if (at->is_array() && !name.empty() && name.find_first_not_of("0123456789") == std::string::npos &&
        name.size() < 9) {
        size_t i = size_t(atol(name.c_str()));
        return i < at->as_array()->size() ? at->as_array()->get(i) : nullptr;
    }
    return nullptr;
}

bool place(toml::node *at, const std::string &name, toml::node &v)
{
    bool done = false;
    v.visit([&](auto &&n) {
        if (at->is_table()) {
            at->as_table()->insert_or_assign(name, std::move(n));
            done = true;
        } else if (at->is_array() && step(at, name)) {
            at->as_array()->replace(at->as_array()->cbegin() + atol(name.c_str()), std::move(n));
            done = true;
        }
    });
    return done;
}

template <class F> auto guarded(cfg_doc *doc, F f) -> decltype(f())
{
    try {
        return f();
    } catch (const std::exception &e) {
        fail_at(doc, doc->name, e.what());
        return decltype(f())();
    }
}

} // namespace

// ---- documents -----------------------------------------------------------------------------------------------------

cfg_doc *cfg_load(const char *path)
{
    cfg_doc *doc = new (std::nothrow) cfg_doc;
    if (!doc)
        return nullptr;
    guarded(doc, [&] {
        doc->name = path;
        std::vector<std::string> chain;
        return load_file(doc, path, doc->root, chain);
    });
    return doc;
}

cfg_doc *cfg_parse(const char *text, const char *name)
{
    cfg_doc *doc = new (std::nothrow) cfg_doc;
    if (!doc)
        return nullptr;
    guarded(doc, [&] {
        doc->name = name;
        return parse_into(doc, text, name, doc->root);
    });
    return doc;
}

void cfg_free(cfg_doc *doc)
{
    delete doc;
}

const char *cfg_error(const cfg_doc *doc)
{
    return doc->error.empty() ? nullptr : doc->error.c_str();
}

void cfg_fail(cfg_table *t, const char *key, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    std::string what = format(fmt, ap);
    va_end(ap);
    fail_at(t->doc, position(t, key), key ? std::string(key) + ": " + what : what);
}

bool cfg_override(cfg_doc *doc, const char *assignment)
{
    if (!doc->error.empty())
        return false;
    return guarded(doc, [&]() -> bool {
        std::string text = assignment, flag = "--set " + text.substr(0, text.find('='));
        size_t eq = text.find('=');
        if (eq == std::string::npos || eq == 0)
            return fail_at(doc, "--set " + text, "expected key=value");
        std::string dotted = text.substr(0, eq), raw = text.substr(eq + 1);
        while (!dotted.empty() && dotted.back() == ' ')
            dotted.pop_back();
        toml::table parsed;
        try {
            parsed = toml::parse("v = " + raw, flag);
        } catch (const toml::parse_error &e) {
            // A bare word stands for a string; anything else that does not parse is a mistake.
            if (raw.empty() || raw.find_first_of("\"'[]{}=\n") != std::string::npos)
                return fail_at(doc, flag, "\"" + raw + "\" is not a value: " + std::string(e.description()));
            parsed = toml::parse("v = \"" + raw + "\"", flag);
        }
        std::vector<std::string> path;
        std::istringstream in(dotted);
        for (std::string part; std::getline(in, part, '.');)
            path.push_back(part);
        toml::node *at = &doc->root;
        for (size_t i = 0; i + 1 < path.size(); i++) {
            toml::node *next = step(at, path[i]);
            if (!next && at->is_table()) {
                at->as_table()->insert(path[i], toml::table{});
                next = step(at, path[i]);
            }
            if (!next)
                return fail_at(doc, flag, "no element '" + path[i] + "' in the array");
            at = next;
        }
        if (path.empty() || path.back().empty() || !place(at, path.back(), *parsed.get("v")))
            return fail_at(doc, flag, "no such place in " + doc->name);
        return true;
    });
}

cfg_table *cfg_root(cfg_doc *doc)
{
    return doc->wrap(&doc->root, doc->name);
}

cfg_table *cfg_sub(cfg_table *t, const char *key, bool required)
{
    toml::node *n = value(t, key, required);
    if (!n)
        return nullptr;
    if (!n->is_table()) {
        mismatch(t, key, "a table", *n);
        return nullptr;
    }
    return t->doc->wrap(n->as_table(), position(t, key));
}

size_t cfg_array_len(cfg_table *t, const char *key)
{
    toml::node *n = value(t, key, false);
    if (!n)
        return 0;
    if (!n->is_array()) {
        mismatch(t, key, "an array of tables", *n);
        return 0;
    }
    for (auto &&e : *n->as_array())
        if (!e.is_table()) {
            mismatch(t, key, "an array of tables", e);
            return 0;
        }
    return n->as_array()->size();
}

cfg_table *cfg_array_at(cfg_table *t, const char *key, size_t i)
{
    toml::node *n = value(t, key, true);
    if (!n || !n->is_array() || i >= n->as_array()->size() || !n->as_array()->get(i)->is_table())
        return nullptr;
    return t->doc->wrap(n->as_array()->get(i)->as_table(), position(t, key));
}

size_t cfg_keys(cfg_table *t, const char *const **keys)
{
    std::vector<const toml::key *> order;
    for (auto &&[k, v] : *t->t)
        order.push_back(&k);
    std::stable_sort(order.begin(), order.end(), [](const toml::key *a, const toml::key *b) {
        return a->source().begin.line != b->source().begin.line ? a->source().begin.line < b->source().begin.line
                                                                : a->source().begin.column < b->source().begin.column;
    });
    t->doc->string_lists.emplace_back();
    auto &list = t->doc->string_lists.back();
    for (const toml::key *k : order) {
        t->known.insert(std::string(k->str()));
        list.push_back(t->doc->keep(std::string(k->str())));
    }
    *keys = list.data();
    return list.size();
}

bool cfg_has(cfg_table *t, const char *key)
{
    return t && t->t->contains(key);
}

// ---- scalars -------------------------------------------------------------------------------------------------------

bool cfg_int(cfg_table *t, const char *key, bool required, int64_t min, int64_t max, int64_t *out)
{
    toml::node *n = value(t, key, required);
    if (!n)
        return t && t->doc->error.empty();
    if (!n->is_integer())
        return mismatch(t, key, "an integer", *n);
    int64_t v = **n->as_integer();
    if (!in_range(t, key, v, min, max))
        return false;
    *out = v;
    return true;
}

bool cfg_uint(cfg_table *t, const char *key, bool required, unsigned min, unsigned max, unsigned *out)
{
    int64_t v = *out;
    if (!cfg_int(t, key, required, min, max, &v))
        return false;
    *out = unsigned(v);
    return true;
}

bool cfg_double(cfg_table *t, const char *key, bool required, double min, double max, double *out)
{
    toml::node *n = value(t, key, required);
    if (!n)
        return t && t->doc->error.empty();
    if (!n->is_number())
        return mismatch(t, key, "a number", *n);
    return !bad_number(t, key, min, max, n->is_integer() ? double(**n->as_integer()) : **n->as_floating_point(), out);
}

bool cfg_bool(cfg_table *t, const char *key, bool required, bool *out)
{
    toml::node *n = value(t, key, required);
    if (!n)
        return t && t->doc->error.empty();
    if (!n->is_boolean())
        return mismatch(t, key, "true or false", *n);
    *out = **n->as_boolean();
    return true;
}

bool cfg_string(cfg_table *t, const char *key, bool required, const char **out)
{
    toml::node *n = value(t, key, required);
    if (!n)
        return t && t->doc->error.empty();
    if (!n->is_string())
        return mismatch(t, key, "a string", *n);
    *out = t->doc->keep(**n->as_string());
    return true;
}

bool cfg_enum(cfg_table *t, const char *key, bool required, const char *const *words, unsigned *out)
{
    const char *s = nullptr;
    if (!cfg_string(t, key, required, &s))
        return false;
    if (!s)
        return true;
    std::string list;
    for (unsigned i = 0; words[i]; i++) {
        if (!strcmp(words[i], s)) {
            *out = i;
            return true;
        }
        list += (i ? ", " : "") + std::string(words[i]);
    }
    std::string what = std::string(key) + ": unknown value '" + s + "', expected one of " + list;
    if (const char *near = cfg_nearest(s, words))
        what += "; did you mean '" + std::string(near) + "'?";
    return fail_at(t->doc, position(t, key), what);
}

bool cfg_doubles(cfg_table *t, const char *key, bool required, const double **out, size_t *n)
{
    toml::node *v = value(t, key, required);
    if (!v)
        return t && t->doc->error.empty();
    if (!v->is_array())
        return mismatch(t, key, "an array of numbers", *v);
    t->doc->double_lists.emplace_back();
    auto &list = t->doc->double_lists.back();
    for (auto &&e : *v->as_array()) {
        if (!e.is_number())
            return mismatch(t, key, "an array of numbers", e);
        list.push_back(e.is_integer() ? double(**e.as_integer()) : **e.as_floating_point());
    }
    *out = list.data();
    *n = list.size();
    return true;
}

bool cfg_ints(cfg_table *t, const char *key, bool required, const int64_t **out, size_t *n)
{
    toml::node *v = value(t, key, required);
    if (!v)
        return t && t->doc->error.empty();
    if (!v->is_array())
        return mismatch(t, key, "an array of integers", *v);
    t->doc->int_lists.emplace_back();
    auto &list = t->doc->int_lists.back();
    for (auto &&e : *v->as_array()) {
        if (!e.is_integer())
            return mismatch(t, key, "an array of integers", e);
        list.push_back(**e.as_integer());
    }
    *out = list.data();
    *n = list.size();
    return true;
}

bool cfg_strings(cfg_table *t, const char *key, bool required, const char *const **out, size_t *n)
{
    toml::node *v = value(t, key, required);
    if (!v)
        return t && t->doc->error.empty();
    t->doc->string_lists.emplace_back();
    auto &list = t->doc->string_lists.back();
    if (v->is_string()) {
        list.push_back(t->doc->keep(**v->as_string()));
    } else if (v->is_array()) {
        for (auto &&e : *v->as_array()) {
            if (!e.is_string())
                return mismatch(t, key, "an array of strings", e);
            list.push_back(t->doc->keep(**e.as_string()));
        }
    } else {
        return mismatch(t, key, "a string or an array of strings", *v);
    }
    *out = list.data();
    *n = list.size();
    return true;
}

bool cfg_time_ps(cfg_table *t, const char *key, bool required, int64_t min, int64_t max, int64_t *out)
{
    long long v = 0;
    bool present;
    if (!exact_quantity(t, key, required, quantity::kind::time, &v, &present))
        return false;
    if (!present)
        return true;
    if (v < min || v > max)
        return fail_at(t->doc, position(t, key),
                       std::string(key) + ": out of range, expected " + std::to_string(min) + " ps to " +
                           std::to_string(max) + " ps");
    *out = v;
    return true;
}

bool cfg_size(cfg_table *t, const char *key, bool required, uint64_t min, uint64_t max, uint64_t *out)
{
    long long v = 0;
    bool present;
    if (!exact_quantity(t, key, required, quantity::kind::size, &v, &present))
        return false;
    if (!present)
        return true;
    if (!in_range(t, key, uint64_t(v), min, max))
        return false;
    *out = uint64_t(v);
    return true;
}

bool cfg_freq(cfg_table *t, const char *key, bool required, double min, double max, double *out)
{
    return real_quantity(t, key, required, quantity::kind::frequency, min, max, out);
}

bool cfg_bandwidth(cfg_table *t, const char *key, bool required, double min, double max, double *out)
{
    return real_quantity(t, key, required, quantity::kind::bandwidth, min, max, out);
}

// ---- positions, the end --------------------------------------------------------------------------------------------

const char *cfg_where(cfg_table *t, const char *key)
{
    return t->doc->keep(position(t, key));
}

const char *cfg_file_of(cfg_table *t, const char *key)
{
    const toml::node *n = t->t->get(key);
    if (n && n->source().path && n->source().path->rfind("--set ", 0) != 0)
        return t->doc->keep(*n->source().path);
    return t->doc->name.c_str();
}

bool cfg_finish(cfg_doc *doc)
{
    return doc->error.empty() && finish(cfg_root(doc));
}

char *cfg_to_json(cfg_doc *doc)
{
    std::string s = guarded(doc, [&]() -> std::string {
        std::ostringstream o;
        o << toml::json_formatter{doc->root};
        return o.str();
    });
    return strdup(s.c_str());
}

const char *cfg_nearest(const char *s, const char *const *words)
{
    std::vector<std::string> list;
    for (unsigned i = 0; words[i]; i++)
        list.push_back(words[i]);
    long n = nearest(std::string(s), list);
    return n < 0 ? nullptr : words[n];
}
