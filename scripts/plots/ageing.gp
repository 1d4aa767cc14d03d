# SPDX-License-Identifier: GPL-2.0-or-later
# How much of a new guest gets large pages on a host of that age, and what its page walks cost, from ageing.csv in the
# current directory (scripts/ageing). Writes ageing.svg and ageing.png there.
set datafile separator comma
set border 3 lc rgb "#666666"
set tics nomirror textcolor rgb "black"
set style fill solid 0.85 noborder
set boxwidth 0.7
do for [type in "svg png"] {
    if (type eq "svg") {
        set terminal svg size 900,360 enhanced background "white" font "Helvetica,13"
    } else {
        set terminal pngcairo size 1350,540 enhanced background "white" font "Helvetica,13" fontscale 1.35 linewidth 1.4
    }
    set output "ageing.".type
    set multiplot layout 1,2
    set style data histograms
    set style histogram rowstacked
    set grid ytics lc rgb "#dddddd" lw 1
    set title "pages of a new guest, % by size of the mapping" font ",14"
    set xlabel "age of the host, months"
    set yrange [0:100]
    set key outside bottom center horizontal samplen 1
    plot "ageing.csv" using (100*$4):xtic(1) every ::1 title "1 GiB" lc rgb "#0072B2", \
         "" using (100*$3) every ::1 title "2 MiB" lc rgb "#56B4E9", \
         "" using (100*$2) every ::1 title "4 KiB" lc rgb "#E69F00"
    set title "mean nested page walk, ns" font ",14"
    unset key
    set yrange [0:*]
    plot "ageing.csv" using 0:5:xtic(1) every ::1 with linespoints pt 7 lw 2 lc rgb "#D55E00"
    unset multiplot
    unset output
}
