# SPDX-License-Identifier: GPL-2.0-or-later
# The memory system against measured curves: latency under load on two Xeons, a chain of dependent loads on a Cortex-A15, from
# haswell.dat, skylake.dat and staircase.dat in the current directory (hvsim report validation). Writes memory.svg and memory.png there.
set border 3 lc rgb "#666666"
set tics nomirror textcolor rgb "black"
set grid lc rgb "#dddddd" lw 1
do for [type in "svg png"] {
    if (type eq "svg") {
        set terminal svg size 1000,420 enhanced background "white" font "Helvetica,13"
    } else {
        set terminal pngcairo size 1500,630 enhanced background "white" font "Helvetica,13" fontscale 1.35 linewidth 1.4
    }
    set output "memory.".type
    set multiplot layout 1,2
    set title "latency of a chain while all cores read, ns" font ",14"
    set xlabel "bandwidth, GB/s"
    set key top left
    set yrange [0:*]
    plot "haswell.dat" using ($1/1000):2 every ::1 with points pt 7 lc rgb "#0072B2" title "2 x E5-2699 v3, measured", \
         "" using ($1/1000):3 every ::1 with lines lw 2 lc rgb "#0072B2" title "simulated (fitted to it)", \
         "skylake.dat" using ($1/1000):2 every ::1 with points pt 7 lc rgb "#D55E00" title "2 x Platinum 8180, measured", \
         "" using ($1/1000):3 every ::1 with lines lw 2 lc rgb "#D55E00" title "simulated (predicted)"
    set title "a random chain on a Cortex-A15, ns an access" font ",14"
    set xlabel "working set"
    set xtics rotate by 60 right
    plot "staircase.dat" using 0:2:xtic(1) every ::1 with points pt 7 lc rgb "#009E73" title "Exynos 5250, measured", \
         "" using 0:3 every ::1 with lines lw 2 lc rgb "#009E73" title "simulated (predicted)"
    unset xtics
    set xtics nomirror
    unset multiplot
    unset output
}
