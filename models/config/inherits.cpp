// SPDX-License-Identifier: GPL-2.0-or-later
//
// inherits = "other.toml", or the name of a preset: start from that file, table by table; everything that is not a
// table is replaced whole.
#include "tree.hpp"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <filesystem>

namespace config
{
namespace
{

std::string relative_to(const std::string &file, const std::string &path)
{
    size_t slash = file.rfind('/');
    if (path.empty() || path[0] == '/' || slash == std::string::npos)
        return path;
    return file.substr(0, slash + 1) + path;
}

bool is_path(const std::string &s)
{
    const std::string suffix = ".toml";
    return s.find('/') != std::string::npos ||
           (s.size() > suffix.size() && s.compare(s.size() - suffix.size(), suffix.size(), suffix) == 0);
}

/// The file of a preset. Throws failure, with the nearest name that there is.
std::string preset(const std::string &folder, const std::string &name)
{
    std::string path = folder + "/" + name + ".toml";
    std::error_code none;
    if (std::filesystem::exists(path, none))
        return path;
    std::vector<std::string> names;
    for (const auto &file : std::filesystem::directory_iterator(folder, none))
        if (file.path().extension() == ".toml")
            names.push_back(file.path().stem());
    std::sort(names.begin(), names.end()); // the order of a directory is nobody's
    const std::string *near = nearest(name, names);
    throw failure{"no '" + name + "' in " + folder + (near ? "; did you mean '" + *near + "'?" : "")};
}

/// The same file has the same identity, whatever the path that led to it.
std::string identity(const std::string &path)
{
    char *real = realpath(path.c_str(), nullptr);
    if (!real)
        return path;
    std::string s(real);
    free(real);
    return s;
}

void merge(cfg_table &base, cfg_table &over)
{
    for (entry &e : over.entries) {
        entry *b = base.find(e.key);
        if (!b) {
            base.entries.push_back(std::move(e));
        } else if (b->v.k == kind::table && e.v.k == kind::table) {
            b->key_pos = e.key_pos;
            b->v.pos = e.v.pos;
            merge(*b->v.table, *e.v.table);
        } else {
            b->key_pos = e.key_pos;
            b->v = std::move(e.v);
        }
    }
    base.pos = over.pos;
}

} // namespace

std::unique_ptr<cfg_table> resolve_inherits(cfg_doc &doc, std::unique_ptr<cfg_table> t, const std::string &name,
                                            std::vector<std::string> chain)
{
    entry *e = t->find("inherits");
    if (!e)
        return t;
    std::string where = e->v.pos.text() + ": ";
    if (e->v.k != kind::string)
        throw failure{where + "inherits: expected a file name, found " + kind_name(e->v.k)};
    std::string path, text;
    try {
        path =
            doc.presets.empty() || is_path(e->v.text) ? relative_to(name, e->v.text) : preset(doc.presets, e->v.text);
    } catch (const failure &f) {
        throw failure{where + "inherits: " + f.what};
    }
    chain.push_back(identity(name));
    if (std::find(chain.begin(), chain.end(), identity(path)) != chain.end())
        throw failure{where + "'" + e->v.text + "' inherits, in the end, from itself"};
    try {
        text = read_file(path);
    } catch (const failure &f) {
        throw failure{where + "inherits: " + f.what};
    }
    t->entries.remove_if([](const entry &x) { return x.key == "inherits"; });
    auto base = resolve_inherits(doc, parse(doc, text, path), path, chain);
    merge(*base, *t);
    return base;
}

} // namespace config
