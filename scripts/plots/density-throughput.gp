# SPDX-License-Identifier: GPL-2.0-or-later
# Throughput per VM against number of VMs. Run it where the .dat files are: gnuplot density-throughput.gp
# Writes density-throughput.svg and density-throughput.png. Colours: Okabe and Ito, safe for colour-blind readers.
set datafile missing "?"
orange = "#D55E00"; blue = "#0072B2"; green = "#009E73"; grey = "#666666"
set style line 1 lc rgb orange lw 2 pt 7 ps 0.7
set style line 2 lc rgb blue lw 2 pt 5 ps 0.7
set style line 3 lc rgb green lw 2 pt 9 ps 0.8
set style line 11 lc rgb orange lw 2 pt 2 ps 1.5
set style line 12 lc rgb blue lw 2 pt 1 ps 1.7

programs = "sysbench-memory specjbb2005 sysbench-cpu"
array names[3] = ["sysbench memory", "SPECjbb2005", "sysbench cpu"]
array units[3] = ["throughput per VM, MB/s", "throughput per VM, bop/s", "time per run, s (lower is better)"]

do for [type in "svg png"] {
    if (type eq "svg") {
        set terminal svg size 1350,520 enhanced background "white" font "Helvetica,13"
    } else {
        set terminal pngcairo size 2025,780 enhanced background "white" font "Helvetica,13" fontscale 1.35 linewidth 1.4 pointscale 1.5
    }
    set output "density-throughput.".type
    set multiplot title "Xen 4.3 credit scheduler, 2 x 4 cores x 2 threads: VMs of 2 vCPUs, simulated and published" font ",16"
    set border 3 lc rgb grey
    set tics nomirror textcolor rgb "black"
    set grid ytics lc rgb "#dddddd" lw 1
    set xrange [0.5:10.5]
    set yrange [0:*]
    set xtics 1,1,10
    set xlabel "number of VMs"
    unset key
    set bmargin at screen 0.24
    set tmargin at screen 0.86
    do for [i=1:3] {
        data = word(programs, i).".dat"
        set lmargin at screen 0.065 + (i - 1) * 0.327
        set rmargin at screen 0.065 + (i - 1) * 0.327 + 0.255
        set title names[i] font ",14"
        set ylabel units[i] offset 0.5,0
        set arrow 1 from 8.5, graph 0 to 8.5, graph 1 nohead lc rgb grey dt 3
        set label 1 "more vCPUs\nthan pCPUs" at 8.6, graph (i == 3 ? 0.12 : 0.96) tc rgb grey font ",10"
        plot data using "vms":"all":"all_ci" skip 1 with yerrorlines ls 1, \
             data using "vms":"pinned":"pinned_ci" skip 1 with yerrorlines ls 2, \
             data using "vms":"auto":"auto_ci" skip 1 with yerrorlines ls 3, \
             data using "vms":"published_all" skip 1 with points ls 11, \
             data using "vms":"published_pinned" skip 1 with points ls 12
    }
    # The legend, in a plot of its own below the data.
    unset title; unset xlabel; unset ylabel; unset border; unset tics; unset grid; unset arrow 1; unset label 1
    set lmargin at screen 0.05
    set rmargin at screen 0.97
    set tmargin at screen 0.13
    set bmargin at screen 0.01
    set xrange [0:1]
    set yrange [0:1]
    set key center center vertical maxrows 2 Left reverse width 2 spacing 1.3 samplen 3
    plot NaN with linespoints ls 1 title "simulated, cpus=\"all\"", \
         NaN with points ls 11 title "published, cpus=\"all\"", \
         NaN with linespoints ls 2 title "simulated, pinned to a node", \
         NaN with points ls 12 title "published, pinned", \
         NaN with linespoints ls 3 title "simulated, automatic placement", \
         NaN with lines lc rgb "white" title "bars: 95 % confidence"
    unset multiplot
    unset output
    set border; set tics
}
