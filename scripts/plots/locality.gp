# SPDX-License-Identifier: GPL-2.0-or-later
# Where the memory of each VM is (heat map), and how much of it is local, from locality.dat beside this script
# (hvsim report locality). Writes locality.svg and locality.png where it is run.
stats "locality.dat" using 1 nooutput
vms = STATS_records
nodes = 0 + system("awk '!/^#/ { print NF - 4; exit }' locality.dat")
height = 150 + 22 * (vms < 8 ? 8 : vms)
set border 3 lc rgb "#666666"
set tics nomirror textcolor rgb "black"
set palette defined (0 "#ffffff", 25 "#c6dbef", 50 "#6baed6", 75 "#2171b5", 100 "#08306b")
set cbrange [0:100]
set yrange [vms - 0.5:-0.5]

do for [type in "svg png"] {
    if (type eq "svg") {
        set terminal svg size 1000,height enhanced background "white" font "Helvetica,13"
    } else {
        set terminal pngcairo size 1500,1.5*height enhanced background "white" font "Helvetica,13" fontscale 1.35 linewidth 1.4
    }
    set output "locality.".type
    set multiplot
    set lmargin at screen 0.16
    set rmargin at screen 0.58
    set tmargin at screen 1 - 45.0 / height
    set bmargin at screen 60.0 / height
    set title "pages of each VM by node, %" font ",14"
    set xrange [-0.5:nodes - 0.5]
    set xtics 1 scale 0
    set xlabel "node"
    set ytics scale 0 noenhanced
    set colorbox user origin 0.595,60.0/height size 0.012,1-105.0/height
    set cbtics 25
    plot for [n=0:nodes-1] "locality.dat" using (n):1:(0.46):(0.42):(column(5+n)):ytic(2) with boxxyerror fs solid noborder fc palette notitle
    unset colorbox
    set lmargin at screen 0.68
    set rmargin at screen 0.97
    set title "local, %" font ",14"
    set xrange [0:105]
    set xtics 25 scale 1
    set grid xtics lc rgb "#dddddd" lw 1
    set format y ""
    set xlabel "of the pages (bars), of the accesses (dots)"
    plot "locality.dat" using ($3/2):1:($3/2):(0.36) with boxxyerror fs solid 0.5 noborder fc rgb "#0072B2" notitle, \
         "locality.dat" using 4:1 with points pt 7 ps 0.9 lc rgb "#D55E00" notitle
    unset grid
    set format y "%g"
    unset multiplot
    unset output
}
