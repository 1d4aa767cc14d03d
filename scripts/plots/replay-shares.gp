# SPDX-License-Identifier: GPL-2.0-or-later
# CPU shares, simulated against recorded, row by row. Run it where shares.csv is, which `hvsim replay shares FILE --csv shares.csv`
# writes: gnuplot replay-shares.gp. Writes replay-shares.svg and replay-shares.png. Colours: Okabe and Ito, safe for
# colour-blind readers.
set datafile separator ","
grey = "#666666"
array name[2] = ["credit", "credit2"]
array colour[2] = ["#0072B2", "#D55E00"]
# A row compares the domain's part of the guests' time, or its time in percent of a pCPU.
rec(i) = strcol("compared") eq "pct_of_one_pcpu" ? column("pct_of_one_pcpu") : column("share_of_domUs_pct")
sim(i) = strcol("compared") eq "pct_of_one_pcpu" ? column("simulated_pct_of_one_pcpu") : column("simulated_share_of_domUs_pct")
mine(i) = strcol("scheduler") eq name[i]

do for [type in "svg png"] {
    if (type eq "svg") {
        set terminal svg size 1150,520 enhanced background "white" font "Helvetica,13"
    } else {
        set terminal pngcairo size 1725,780 enhanced background "white" font "Helvetica,13" fontscale 1.35 linewidth 1.4
    }
    set output "replay-shares.".type
    set multiplot layout 1,2 title "CPU time by weight and cap: recorded on Xen 4.17 and simulated" font ",16"
    set border 3 lc rgb grey
    set tics nomirror textcolor rgb "black"
    set grid xtics ytics lc rgb "#dddddd" lw 1
    set key top left Left reverse samplen 1 spacing 1.2 noenhanced
    set xrange [0:100]
    set xlabel "recorded, %"

    set title "one point a row" font ",14"
    set yrange [0:100]
    set ylabel "simulated, %"
    plot x with lines lc rgb grey lw 1 notitle, \
         for [i=1:2] "shares.csv" using (mine(i) ? rec(i) : NaN):(sim(i)) with points pt (i == 1 ? 7 : 6) ps 0.9 lw 2 \
             lc rgb colour[i] title name[i]

    unset key
    set title "difference, and what the row allows (bars)" font ",14"
    set yrange [-3.5:3.5]
    set ylabel "simulated - recorded, points"
    plot 0 with lines lc rgb grey lw 1 notitle, \
         for [i=1:2] "shares.csv" using (mine(i) ? rec(i) : NaN):(0):(column("tolerance_points")) with yerrorbars pt 0 lw 1 \
             lc rgb "#bbbbbb" notitle, \
         for [i=1:2] "shares.csv" using (mine(i) ? rec(i) : NaN):(column("error_points")) with points pt (i == 1 ? 7 : 6) ps 0.9 lw 2 \
             lc rgb colour[i] title name[i]
    unset multiplot
    unset output
}
