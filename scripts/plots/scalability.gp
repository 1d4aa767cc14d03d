# SPDX-License-Identifier: GPL-2.0-or-later
# What grows with vCPUs, from scalability.csv beside this script (hvsim report scalability). Writes scalability.svg and
# scalability.png where it is run. Colours: Okabe and Ito, safe for colour-blind readers; crosses where a run gave out are in
# the report, not here.
table = 'scalability.csv'
array series[6] = ["16tb-credit-burn-auto", "16tb-credit2-burn-auto", "16tb-null-burn-auto", "16tb-credit-wake-100-auto", "16tb-credit-sysbench-memory-auto", "16tb-credit-sysbench-memory-all"]
array name[6] = ["credit, CPU-bound", "credit2, CPU-bound", "null, CPU-bound", "credit, wakes 100/s", "credit, memory-bound", "the same without placement"]
array colour[6] = ["#0072B2", "#D55E00", "#666666", "#009E73", "#CC79A7", "#E69F00"]
set datafile separator comma
set datafile missing ''
rows(s) = sprintf("< awk -F, '$1 == \"%s\" && $2 == \"done\"' %s", s, table)
drawn = ''
do for [s=1:6] { if (system(sprintf("grep -c '^%s,done' %s || true", series[s], table)) + 0) { drawn = drawn.sprintf(' %d', s) } }

do for [type in "svg png"] {
    if (type eq "svg") {
        set terminal svg size 1200,820 enhanced background "white" font "Helvetica,13"
    } else {
        set terminal pngcairo size 1800,1230 enhanced background "white" font "Helvetica,13" fontscale 1.35 linewidth 1.4
    }
    set output "scalability.".type
    set multiplot layout 2,3 title "VMs of one vCPU on 160 pCPUs and 16 TiB, Xen 4.3" font ",16"
    set border 3 lc rgb "#666666"
    set tics nomirror textcolor rgb "black"
    set grid xtics ytics lc rgb "#dddddd" lw 1
    set xrange [0:760]
    set xtics 160
    set xlabel "vCPUs"
    set arrow 1 from first 160, graph 0 to first 160, graph 1 nohead lc rgb "#aaaaaa" dt (2,4)
    do for [panel=1:6] {
        unset logscale y
        set yrange [0:*]
        set format y "%g"
        if (panel == 1) { set title "throughput (10^9 instructions/s)"; col = 6; k = 1.0 }
        if (panel == 2) { set title "99th percentile of wake-up latency (us)"; col = 8; k = 1e6; set logscale y; set yrange [*:*] }
        if (panel == 3) { set title "pCPU time in the hypervisor (%)"; col = 9; k = 100.0 }
        if (panel == 4) { set title "pCPU time waiting for its locks (%)"; col = 10; k = 100.0 }
        if (panel == 5) { set title "accesses to memory of the own node"; col = 11; k = 1.0; set yrange [0:1.02] }
        if (panel == 6) { set title "host: seconds a run (one core)"; col = 15; k = 1.0 }
        if (panel == 1) { set offsets 0, 0, graph 0.75, 0 } else { unset offsets }
        if (panel == 1) { set key top right Left reverse samplen 2 noenhanced font ",11" } else { unset key }
        plot for [w in drawn] rows(series[int(w)]) using 4:(column(col) * k) with linespoints pt 7 ps 0.5 lw 2 lc rgb colour[int(w)] title name[int(w)]
    }
    unset multiplot
    unset output
}
