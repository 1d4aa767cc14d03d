// SPDX-License-Identifier: GPL-2.0-or-later
//
// What every function of the C interface does around its own work. Private to models/config.
#ifndef CONFIG_GUARD_HPP
#define CONFIG_GUARD_HPP

#include "tree.hpp"

namespace config
{

/// Run f; exceptions end here, as the document's error. t may be NULL (a table that was absent): then nothing happens.
template <typename Result, typename F> Result guard(cfg_table *t, Result fallback, F f)
{
    if (!t)
        return fallback;
    try {
        return f();
    } catch (const failure &e) {
        try {
            t->doc->fail(e.what);
        } catch (...) {
            t->doc->failed = t->doc->no_memory = true;
        }
    } catch (...) {
        t->doc->failed = t->doc->no_memory = true;
    }
    return fallback;
}

/// " in [table]", or nothing for the root.
std::string in_table(const cfg_table &t);
/// The entry of key, which is known from now on; nullptr if absent.
entry *lookup(cfg_table *t, const char *key);
/// A required key is absent.
void missing(cfg_table *t, const char *key);
/// v is of a kind that the reader did not expect.
void wrong_kind(cfg_table *t, const char *key, const value &v, const std::string &expected);

/// f(value of key), or fallback if it is absent (an error if required) or an error happened before.
template <typename Result, typename F> Result ask(cfg_table *t, const char *key, bool required, Result fallback, F f)
{
    return guard(t, fallback, [&]() -> Result {
        entry *e = lookup(t, key);
        if (t->doc->failed)
            return fallback;
        if (!e) {
            if (required)
                missing(t, key);
            return fallback;
        }
        return f(e->v);
    });
}

} // namespace config

#endif
