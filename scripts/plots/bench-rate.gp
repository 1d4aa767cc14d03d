# SPDX-License-Identifier: GPL-2.0-or-later
# What the rates of a context switch cost: ns against pCPUs, from the table that bench_rate --csv wrote.
#   gnuplot -e "table='bench.csv'" bench-rate.gp
# Writes bench-rate.svg and bench-rate.png where it is run. Colours: Okabe and Ito, safe for colour-blind readers.
array memory[2] = ["two", "striped"]
array titles[2] = ["memory of a VM on two nodes of eight", "memory striped over all eight"]
array colour[2] = ["#0072B2", "#D55E00"]
array loads[2] = ["half", "full"]
array names[2] = ["half loaded", "saturated"]
set datafile separator comma
rows(what, load, rates) = sprintf("< awk -F, '$1 == \"%s\" && $2 == \"%s\" && $4 == \"%s\"' %s", what, load, rates, table)

do for [type in "svg png"] {
    if (type eq "svg") {
        set terminal svg size 900,420 enhanced background "white" font "Helvetica,13"
    } else {
        set terminal pngcairo size 1350,630 enhanced background "white" font "Helvetica,13" fontscale 1.35 linewidth 1.4
    }
    set output "bench-rate.".type
    set multiplot layout 1,2 title "rates after a context switch; lines: lazy, dashes: exact" font ",16"
    set border 3 lc rgb "#666666"
    set tics nomirror textcolor rgb "black"
    set grid xtics ytics lc rgb "#dddddd" lw 1
    set logscale xy
    set xrange [12:6000]
    set yrange [1:20000]
    set xtics ("16" 16, "64" 64, "256" 256, "1,024" 1024, "4,096" 4096)
    set xlabel "pCPUs"
    do for [p=1:2] {
        set title titles[p] font ",14"
        if (p == 1) { set ylabel "us" } else { unset ylabel }
        set key top left Left reverse samplen 2
        plot for [l=1:2] rows(memory[p], loads[l], "lazy") using 3:($5/1000) with linespoints pt 7 ps 0.6 lw 2 lc rgb colour[l] title names[l], \
             for [l=1:2] rows(memory[p], loads[l], "exact") using 3:($5/1000) with linespoints pt 6 ps 0.6 lw 2 dt 2 lc rgb colour[l] notitle, \
             5 with lines lc rgb "#aaaaaa" dt (2,4) notitle
    }
    unset logscale
    unset multiplot
    unset output
}
