// SPDX-License-Identifier: GPL-2.0-or-later
//
// "Did you mean": the word at the smallest Damerau-Levenshtein distance (insertions, deletions, substitutions and
// swaps of neighbours count 1 each; the restricted form), upper and lower case being the same.
#include "tree.hpp"

#include <algorithm>
#include <cctype>

namespace config
{
namespace
{

std::string lower(const std::string &s)
{
    std::string out;
    for (char c : s)
        out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

size_t distance(const std::string &a, const std::string &b)
{
    std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); j++)
        row[j] = j;
    for (size_t i = 1; i <= a.size(); i++) {
        before.swap(last);
        last.swap(row);
        row[0] = i;
        for (size_t j = 1; j <= b.size(); j++) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row[b.size()];
}

/// Is one the beginning of the other, and long enough to mean it?
bool abbreviates(const std::string &a, const std::string &b)
{
    size_t n = std::min(a.size(), b.size());
    return n >= 3 && a.compare(0, n, b, 0, n) == 0;
}

constexpr size_t longest = 256; /* of a word that is compared: the cost grows with the square */

} // namespace

const std::string *nearest(const std::string &s, const std::vector<std::string> &words)
{
    if (s.size() > longest)
        return nullptr;
    // One slip for short words, one for every three characters up to three.
    size_t limit = std::max<size_t>(1, std::min<size_t>(3, s.size() / 3));
    const std::string *best = nullptr;
    size_t best_distance = limit + 1;
    for (const std::string &w : words) {
        if (w.size() > longest)
            continue;
        std::string a = lower(s), b = lower(w);
        size_t d = distance(a, b);
        if (d > limit && abbreviates(a, b))
            d = limit;
        // A word of which nothing is left is not near.
        if (d < best_distance && d < std::max(a.size(), b.size())) {
            best = &w;
            best_distance = d;
        }
    }
    return best;
}

std::string did_you_mean(const std::string &s, const std::vector<std::string> &words)
{
    const std::string *w = nearest(s, words);
    return w ? "; did you mean '" + *w + "'?" : "";
}

} // namespace config
