# SPDX-License-Identifier: GPL-2.0-or-later
# What the schedulers cost: ns a call against pCPUs, 8 vCPUs a pCPU, from the table that bench_sched --csv wrote.
#   gnuplot -e "table='bench.csv'" bench-sched.gp
# Writes bench-sched.svg and bench-sched.png where it is run. Colours: Okabe and Ito, safe for colour-blind readers.
array names[6] = ["credit", "credit2", "rtds", "null", "arinc653", "sedf"]
array colour[6] = ["#0072B2", "#D55E00", "#009E73", "#666666", "#E69F00", "#CC79A7"]
array ops[4] = ["schedule", "wake", "tick", "accounting"]
array titles[4] = ["scheduling decision", "wake-up", "tick", "accounting pass, reset or replenishment"]
set datafile separator comma
# The rows of one curve, by pCPUs.
rows(name, op) = sprintf("< awk -F, '$1 == \"%s\" && $4 == \"%s\" && $3 == 8 * $2 && $7' %s | sort -t, -n -k 2", name, op, table)

do for [type in "svg png"] {
    if (type eq "svg") {
        set terminal svg size 1100,820 enhanced background "white" font "Helvetica,13"
    } else {
        set terminal pngcairo size 1650,1230 enhanced background "white" font "Helvetica,13" fontscale 1.35 linewidth 1.4
    }
    set output "bench-sched.".type
    set multiplot layout 2,2 title "ns a call (median), 8 vCPUs a pCPU; dotted: linear growth" font ",16"
    set border 3 lc rgb "#666666"
    set tics nomirror textcolor rgb "black"
    set grid xtics ytics lc rgb "#dddddd" lw 1
    set logscale xy
    set xrange [8:4096]
    set yrange [8:2e6]
    set xtics (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
    set format y "10^{%T}"
    set xlabel "pCPUs"
    do for [o=1:4] {
        set title titles[o] font ",14"
        if (o == 1) { set key top left Left reverse samplen 2 noenhanced } else { unset key }
        plot 4*x with lines lc rgb "#aaaaaa" dt (2,4) notitle, \
             for [s=1:6] rows(names[s], ops[o]) using 2:5 with linespoints pt 7 ps 0.6 lw 2 lc rgb colour[s] title names[s]
    }
    unset multiplot
    unset output
}
