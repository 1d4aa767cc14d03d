// SPDX-License-Identifier: GPL-2.0-or-later
//
// "number unit" to a number in the base unit of its kind. Private to models/config.
#ifndef CONFIG_QUANTITY_HPP
#define CONFIG_QUANTITY_HPP

#include <cstdint>
#include <string>

namespace config
{

enum class dimension { time, size, frequency, bandwidth, cycles };

struct quantity {
    // The exact value is digits * unit / 10^decimals, in ps, bytes, Hz, bytes/s or cycles.
    bool negative = false;
    uint64_t digits = 0;
    unsigned decimals = 0;
    uint64_t unit = 1;

    /// Whole base units. false: a fraction is left, or it does not fit.
    bool whole(int64_t *out) const;
    double real() const;
};

/// Parse text as a quantity of dimension d. Empty: done; else what is wrong and what was expected.
std::string parse_quantity(const std::string &text, dimension d, quantity *out);
/// "expected a time with a unit (ps, ns, us, ms, s)"
std::string expected_quantity(dimension d);
/// A number of base units in the largest unit that leaves no fraction.
std::string format_quantity(uint64_t base, dimension d);

} // namespace config

#endif
