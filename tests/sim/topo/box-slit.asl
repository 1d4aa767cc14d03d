/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Distances that are not the same in both directions. */
[0004]                          Signature : "SLIT"
[0004]                       Table Length : 00000000
[0001]                           Revision : 01
[0001]                           Checksum : 00
[0006]                             Oem ID : "HVSIM "
[0008]                       Oem Table ID : "TESTBOX "
[0004]                       Oem Revision : 00000001
[0004]                    Asl Compiler ID : "INTL"
[0004]              Asl Compiler Revision : 20200925

[0008]                         Localities : 0000000000000004
[0004]                       Locality   0 : 0A 0C 14 11
[0004]                       Locality   1 : 0C 0A 14 11
[0004]                       Locality   2 : 15 15 0A 1C
[0004]                       Locality   3 : 11 11 1C 0A
