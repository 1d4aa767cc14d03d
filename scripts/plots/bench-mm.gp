# SPDX-License-Identifier: GPL-2.0-or-later
# What the memory manager costs: ns for an allocation and its free against the size of the host, from the table that
# bench_mm --csv wrote.
#   gnuplot -e "table='bench.csv'" bench-mm.gp
# Writes bench-mm.svg and bench-mm.png where it is run. Colours: Okabe and Ito, safe for colour-blind readers.
array orders[3] = [0, 9, 18]
array names[3] = ["4 KiB", "2 MiB", "1 GiB"]
array colour[3] = ["#0072B2", "#D55E00", "#009E73"]
set datafile separator comma
rows(what, age, order) = sprintf("< awk -F, '$1 == \"%s\" && $3 == \"%s\" && $4 == %d' %s", what, age, order, table)
# A general allocator has no size of host: its one figure, as a line.
other(name) = system(sprintf("awk -F, '$1 == \"%s\" { print $5 + $6 }' %s", name, table))

do for [type in "svg png"] {
    if (type eq "svg") {
        set terminal svg size 1100,420 enhanced background "white" font "Helvetica,13"
    } else {
        set terminal pngcairo size 1650,630 enhanced background "white" font "Helvetica,13" fontscale 1.35 linewidth 1.4
    }
    set output "bench-mm.".type
    set multiplot layout 1,3 title "an allocation and its free; lines: fresh heap, dashes: aged" font ",16"
    set border 3 lc rgb "#666666"
    set tics nomirror textcolor rgb "black"
    set grid xtics ytics lc rgb "#dddddd" lw 1
    set logscale x
    set xrange [1:16384]
    set xtics ("1 GiB" 1, "16" 16, "128" 128, "1 TiB" 1024, "4" 4096, "16" 16384)
    set xlabel "memory of the host"
    do for [what in "pair batch"] {
        set title (what eq "pair" ? "freed at once" : "in batches, freed in random order") font ",14"
        set yrange [0:160]
        if (what eq "pair") { set ylabel "ns" } else { unset ylabel }
        if (what eq "pair") { set key top right Right samplen 2 } else { unset key }
        plot for [o=1:3] rows(what, "fresh", orders[o]) using 2:($5+$6) with linespoints pt 7 ps 0.6 lw 2 lc rgb colour[o] title names[o], \
             for [o=1:3] rows(what, "aged", orders[o]) using 2:($5+$6) with linespoints pt 6 ps 0.6 lw 2 dt 2 lc rgb colour[o] notitle, \
             100 with lines lc rgb "#aaaaaa" dt (2,4) notitle
    }
    set title "a trace of random lifetimes" font ",14"
    set logscale y
    set yrange [20:3000]
    set key at graph 0.98, 0.6 right Right samplen 2
    plot rows("trace", "fresh", 0) using 2:($5+$6) with linespoints pt 7 ps 0.6 lw 2 lc rgb colour[1] title "heap, fresh", \
         rows("trace", "aged", 0) using 2:($5+$6) with linespoints pt 6 ps 0.6 lw 2 dt 2 lc rgb colour[1] title "heap, aged", \
         (strlen(other("malloc")) ? other("malloc") + 0 : NaN) with lines lw 2 lc rgb "#E69F00" title "glibc malloc", \
         (strlen(other("mimalloc")) ? other("mimalloc") + 0 : NaN) with lines lw 2 lc rgb "#CC79A7" title "mimalloc"
    unset logscale y
    unset multiplot
    unset output
}
