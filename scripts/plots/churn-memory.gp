# SPDX-License-Identifier: GPL-2.0-or-later
# The simulator's memory while it simulates a host that is churned, from what scripts/churn --out DIR wrote:
#   gnuplot -e "first='DIR/memory-1.csv'; second='DIR/memory-2.csv'" churn-memory.gp
# Writes churn-memory.svg and churn-memory.png where it is run.
set datafile separator comma
set border 3 lc rgb "#666666"
set tics nomirror textcolor rgb "black"
set grid ytics lc rgb "#dddddd" lw 1
set xlabel "simulated hours"
stats first every ::1 using 1 nooutput
set xtics STATS_max > 43200 ? 4 : STATS_max > 7200 ? 1 : 0.25
set ylabel "resident memory, MiB"
set xrange [0:STATS_max / 3600 * 1.001]
set yrange [0:*]
set key bottom right Left reverse samplen 2
do for [type in "svg png"] {
    if (type eq "svg") {
        set terminal svg size 900,360 enhanced background "white" font "Helvetica,13"
    } else {
        set terminal pngcairo size 1350,540 enhanced background "white" font "Helvetica,13" fontscale 1.35 linewidth 1.4
    }
    set output "churn-memory.".type
    plot first every ::1 using ($1/3600):($2/1024) with lines lw 2 lc rgb "#0072B2" title "first run", \
         second every ::1 using ($1/3600):($2/1024) with lines lw 2 dt 2 lc rgb "#D55E00" title "second run"
    unset output
}
