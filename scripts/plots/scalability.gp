# SPDX-License-Identifier: GPL-2.0-or-later
# What grows with vCPUs, from scalability.csv beside this script (hvsim report scalability). Writes scalability.svg and
# scalability.png where it is run. A series that the table has not is left out; a run that gave out is in the report, not
# here. Colours: Okabe and Ito, safe for colour-blind readers.
table = 'scalability.csv'
set datafile separator comma
set datafile missing ''
rows(s) = sprintf("< awk -F, '$1 == \"%s\" && $2 == \"done\"' %s", s, table)
have(s) = system(sprintf("grep -c '^%s,done' %s || true", s, table)) + 0
blue = "#0072B2"; red = "#D55E00"; grey = "#666666"; green = "#009E73"; pink = "#CC79A7"; amber = "#E69F00"; sky = "#56B4E9"

array series[19]; array name[19]; array colour[19]; array dash[19]
series[1] = "16tb-credit-burn-auto"; name[1] = "credit, CPU-bound"; colour[1] = blue; dash[1] = 1
series[2] = "16tb-credit2-burn-auto"; name[2] = "credit2, CPU-bound"; colour[2] = red; dash[2] = 1
series[3] = "16tb-null-burn-auto"; name[3] = "null, CPU-bound"; colour[3] = grey; dash[3] = 1
series[4] = "16tb-credit2-burn-runqueues"; name[4] = "credit2, a run queue a socket"; colour[4] = red; dash[4] = 2
series[5] = "16tb-credit-wake-100-auto"; name[5] = "credit, wakes 100/s"; colour[5] = green; dash[5] = 1
series[6] = "16tb-credit-wake-1000-auto"; name[6] = "credit, wakes 1,000/s"; colour[6] = amber; dash[6] = 1
series[7] = "16tb-credit2-wake-100-auto"; name[7] = "credit2, wakes 100/s"; colour[7] = red; dash[7] = 3
series[8] = "16tb-null-wake-100-auto"; name[8] = "null, wakes 100/s"; colour[8] = grey; dash[8] = 3
series[9] = "16tb-credit-server-auto"; name[9] = "credit, request and response"; colour[9] = sky; dash[9] = 1
series[10] = "16tb-credit-sysbench-memory-auto"; name[10] = "credit, memory-bound"; colour[10] = pink; dash[10] = 1
series[11] = "16tb-credit-sysbench-memory-all"; name[11] = "the same without placement"; colour[11] = amber; dash[11] = 1
series[12] = "16tb-credit2-sysbench-memory-auto"; name[12] = "credit2, memory-bound"; colour[12] = red; dash[12] = 4
series[13] = "far-credit-burn-auto"; name[13] = "credit, 4,096 pCPUs"; colour[13] = blue; dash[13] = 2
series[14] = "far-credit2-burn-auto"; name[14] = "credit2, 4,096 pCPUs"; colour[14] = red; dash[14] = 2
series[15] = "far-null-burn-auto"; name[15] = "null, 4,096 pCPUs"; colour[15] = grey; dash[15] = 2
series[16] = "4000-credit-burn-auto"; name[16] = "credit, 240 pCPUs"; colour[16] = blue; dash[16] = 3
series[17] = "4000-credit2-burn-auto"; name[17] = "credit2, 240 pCPUs"; colour[17] = red; dash[17] = 3
series[18] = "16tb-credit-burn-path"; name[18] = "credit, CPU-bound, cost by path"; colour[18] = blue; dash[18] = 2
series[19] = "16tb-credit-wake-100-path"; name[19] = "credit, wakes 100/s, cost by path"; colour[19] = green; dash[19] = 2

array heading[9]; array figure[9]; array factor[9]; array drawn[9]
heading[1] = "CPU-bound: 10^9 instructions/s"; figure[1] = 6; factor[1] = 1.0; drawn[1] = "1 2 4 3"
heading[2] = "memory-bound: 10^9 instructions/s"; figure[2] = 6; factor[2] = 1.0; drawn[2] = "10 11 12"
heading[3] = "memory-bound: part of accesses to the own node"; figure[3] = 11; factor[3] = 1.0; drawn[3] = "10 11 12"
heading[4] = "99th percentile of wake-up latency (us)"; figure[4] = 8; factor[4] = 1e6; drawn[4] = "5 7 8 9"
heading[5] = "pCPU time in the hypervisor (%)"; figure[5] = 9; factor[5] = 100.0; drawn[5] = "1 18 5 19 6 9"
heading[6] = "pCPU time waiting for its locks (%), part of that"; figure[6] = 10; factor[6] = 100.0; drawn[6] = "1 2 4 5 7"
heading[7] = "larger hosts, CPU-bound: 10^9 instructions/s"; figure[7] = 6; factor[7] = 1.0; drawn[7] = "13 14 15 16 17"
heading[8] = "the simulator: processor seconds a run"; figure[8] = 15; factor[8] = 1.0; drawn[8] = "1 5 6 10 13 14 15"
heading[9] = "the simulator: memory (MiB)"; figure[9] = 17; factor[9] = 1.0 / 1048576; drawn[9] = "1 5 10 13 14 15"

do for [p=1:9] {
    here = ''
    do for [w in drawn[p]] { if (have(series[int(w)])) { here = here.' '.w } }
    drawn[p] = here
}

do for [type in "svg png"] {
    if (type eq "svg") {
        set terminal svg size 1500,1230 enhanced background "white" font "Helvetica,13"
    } else {
        set terminal pngcairo size 2100,1720 enhanced background "white" font "Helvetica,13" fontscale 1.3 linewidth 1.4
    }
    set output "scalability.".type
    set multiplot layout 3,3 title "VMs of one vCPU on 160 pCPUs and 16 TiB, Xen 4.3; larger hosts: modern" font ",16"
    set border 3 lc rgb "#666666"
    set tics nomirror textcolor rgb "black"
    set grid xtics ytics lc rgb "#dddddd" lw 1
    set key top left Left reverse samplen 2 noenhanced font ",10" width -2
    do for [p=1:9] {
        if (strlen(drawn[p]) == 0) { set multiplot next; continue }
        unset logscale
        unset arrow
        set format "%g"
        set xlabel "vCPUs" offset 0,0.5
        if (p == 4 || p >= 7) { set logscale y; set yrange [*:*]; set offsets 0, 0, graph 0.35, 0 } else {
            set yrange [0:*]; set offsets 0, 0, graph 0.4, 0 }
        if (p == 3) { set yrange [0:1.4]; unset offsets; set ytics 0, 0.2, 1 } else { set ytics autofreq }
        if (p == 4) { set yrange [0.1:1e8] }
        if (p == 6) { set yrange [0:140]; unset offsets; set ytics 0, 20, 100 }
        if (p >= 7) {
            set logscale x
            set xrange [(p == 7 ? 400 : 1):40000]
            set xtics (1, 10, 100, "1,000" 1000, "4,096" 4096, "32,768" 32768)
        } else {
            set xrange [0:760]
            set xtics 160
            set arrow 1 from first 160, graph 0 to first 160, graph 0.75 nohead lc rgb "#aaaaaa" dt (2,4)
        }
        set title heading[p]
        plot for [w in drawn[p]] rows(series[int(w)]) using 4:(column(figure[p]) * factor[p]) with linespoints pt 7 ps 0.5 lw 2 \
            dt dash[int(w)] lc rgb colour[int(w)] title name[int(w)]
    }
    unset multiplot
    unset output
}
