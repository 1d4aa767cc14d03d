# SPDX-License-Identifier: GPL-2.0-or-later
# Distribution functions of run lengths and waiting times, recorded (dashed) and simulated (lines). Run it where the .dat
# files are: gnuplot replay-trace.gp. Writes replay-trace.svg and replay-trace.png. Colours: Okabe and Ito, safe for
# colour-blind readers.
grey = "#666666"
array colour[7] = ["#666666", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
array files[3] = ["run.dat", "wake_to_run.dat", "preempted.dat"]
array titles[3] = ["run lengths", "wake-up to running", "preempted to running"]
array first[3] = [0.1, 0.01, 0.5] # ms: where the axes begin

# Domains in each file, two blocks each; counted before any range is set.
array domains[3]
do for [i=1:3] {
    stats files[i] using 1 nooutput
    domains[i] = STATS_blocks / 2
}

do for [type in "svg png"] {
    if (type eq "svg") {
        set terminal svg size 1350,520 enhanced background "white" font "Helvetica,13"
    } else {
        set terminal pngcairo size 2025,780 enhanced background "white" font "Helvetica,13" fontscale 1.35 linewidth 1.4
    }
    set output "replay-trace.".type
    set multiplot title "Runs and waits by domain: recorded on Xen 4.17 (dashed) and simulated (lines)" font ",16"
    set border 3 lc rgb grey
    set tics nomirror textcolor rgb "black"
    set grid xtics ytics lc rgb "#dddddd" lw 1
    set logscale x
    set format x "%g"
    set xlabel "ms"
    set yrange [0:1]
    set bmargin at screen 0.13
    set tmargin at screen 0.86
    set key bottom right Left reverse samplen 2 spacing 1.1 noenhanced
    do for [i=1:3] {
        n = domains[i]
        set lmargin at screen 0.055 + (i - 1) * 0.327
        set rmargin at screen 0.055 + (i - 1) * 0.327 + 0.275
        set title titles[i] font ",14"
        set xrange [first[i]:*]
        set xtics (0.01, 0.1, 1, 10, 100, 1000)
        if (i == 1) { set ylabel "fraction not longer"; set key } else { unset ylabel; unset key }
        plot for [k=0:n-1] files[i] index 2*k using 1:2 with steps lc rgb colour[1 + k % 7] lw 1.5 dt (6,4) notitle, \
             for [k=0:n-1] files[i] index 2*k+1 using 1:2 with steps lc rgb colour[1 + k % 7] lw 2 title columnheader(1)
    }
    unset multiplot
    unset output
}
