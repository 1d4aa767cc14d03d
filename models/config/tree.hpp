// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a document is inside models/config: a tree of our own, in file order, in which every key and value knows where
// it came from and every table knows which keys were asked for. Private to models/config.
#ifndef CONFIG_TREE_HPP
#define CONFIG_TREE_HPP

#include <config.h>

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace config
{

/// Where something was written. line 0: on the command line, file is then "--set a.b".
struct position {
    const std::string *file = nullptr;
    unsigned line = 0, column = 0;
    std::string text() const;
};

enum class kind { table, array, string, integer, real, boolean, date };

/// "a string", "a table", ...
const char *kind_name(kind k);

struct value {
    kind k = kind::boolean;
    position pos;
    std::string text; // string; date as written
    int64_t integer = 0;
    double real = 0;
    bool boolean = false;
    std::unique_ptr<cfg_table> table;
    std::vector<value> items; // array
};

struct entry {
    std::string key;
    position key_pos;
    value v;
    bool known = false; // somebody asked for it
};

/// The parsed text of one file, names interned in doc. Throws failure.
std::unique_ptr<cfg_table> parse(cfg_doc &doc, const std::string &text, const std::string &name);
/// The whole of a file. Throws failure.
std::string read_file(const std::string &path);
/// Replace `inherits` at top level by what it names. chain: the files that are being read, for cycles.
std::unique_ptr<cfg_table> resolve_inherits(cfg_doc &doc, std::unique_ptr<cfg_table> t, const std::string &name,
                                            std::vector<std::string> chain);
/// One override; throws failure.
void apply_override(cfg_doc &doc, const std::string &assignment);
/// The tree as JSON.
std::string to_json(const cfg_table &t);
/// "" or "; did you mean 'x'?"
std::string did_you_mean(const std::string &s, const std::vector<std::string> &words);
/// The nearest of words, nullptr if none is near.
const std::string *nearest(const std::string &s, const std::vector<std::string> &words);

/// A user's mistake: what() is the complete line.
struct failure {
    std::string what;
};

} // namespace config

struct cfg_table {
    cfg_doc *doc = nullptr;
    std::string name; // dotted, for messages; empty: the root
    config::position pos;
    std::list<config::entry> entries; // in file order; addresses are stable
    std::vector<std::string> asked;   // every name that a reader used, in order of asking

    config::entry *find(const std::string &key);
    config::entry &add(const std::string &key, config::position key_pos);
};

struct cfg_doc {
    std::unique_ptr<cfg_table> root;
    std::string error;
    bool failed = false;
    bool no_memory = false;
    std::list<std::string> names; // of files and overrides; addresses are stable
    std::string presets;          // folder of what `inherits` names without a path; empty: none

    // What readers were given; lives as long as the document.
    std::list<std::string> strings;
    std::list<std::vector<double>> doubles;
    std::list<std::vector<int64_t>> ints;
    std::list<std::vector<const char *>> lists;

    const std::string *intern(const std::string &name);
    void fail(const std::string &message);
};

#endif
