/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nodes 0 to 2, which have processors, see of the memory of nodes 0 to 3: 90 ns at home for reads, twice that for any
 * access, no way from 2 to 3; 20 GB/s at home. */
[0004]                          Signature : "HMAT"
[0004]                       Table Length : 00000000
[0001]                           Revision : 02
[0001]                           Checksum : 00
[0006]                             Oem ID : "HVSIM "
[0008]                       Oem Table ID : "TESTBOX "
[0004]                       Oem Revision : 00000001
[0004]                    Asl Compiler ID : "INTL"
[0004]              Asl Compiler Revision : 20200925

[0004]                           Reserved : 00000000

[0002]                     Structure Type : 0001 [System Locality Latency and Bandwidth Information]
[0002]                           Reserved : 0000
[0004]                             Length : 00000054
[0001]              Flags (decoded below) : 00
                         Memory Hierarchy : 0
[0001]                          Data Type : 01
[0002]                          Reserved1 : 0000
[0004]      Initiator Proximity Domains # : 00000003
[0004]         Target Proximity Domains # : 00000004
[0004]                          Reserved2 : 00000000
[0008]                    Entry Base Unit : 0000000000000064
[0004]    Initiator Proximity Domain List : 00000000
[0004]    Initiator Proximity Domain List : 00000001
[0004]    Initiator Proximity Domain List : 00000002
[0004]       Target Proximity Domain List : 00000000
[0004]       Target Proximity Domain List : 00000001
[0004]       Target Proximity Domain List : 00000002
[0004]       Target Proximity Domain List : 00000003
[0002]                              Entry : 0384
[0002]                              Entry : 03E8
[0002]                              Entry : 0578
[0002]                              Entry : 0514
[0002]                              Entry : 03F2
[0002]                              Entry : 0384
[0002]                              Entry : 0578
[0002]                              Entry : 0514
[0002]                              Entry : 05DC
[0002]                              Entry : 05E6
[0002]                              Entry : 0384
[0002]                              Entry : FFFF

[0002]                     Structure Type : 0001 [System Locality Latency and Bandwidth Information]
[0002]                           Reserved : 0000
[0004]                             Length : 00000054
[0001]              Flags (decoded below) : 00
                         Memory Hierarchy : 0
[0001]                          Data Type : 00
[0002]                          Reserved1 : 0000
[0004]      Initiator Proximity Domains # : 00000003
[0004]         Target Proximity Domains # : 00000004
[0004]                          Reserved2 : 00000000
[0008]                    Entry Base Unit : 0000000000000064
[0004]    Initiator Proximity Domain List : 00000000
[0004]    Initiator Proximity Domain List : 00000001
[0004]    Initiator Proximity Domain List : 00000002
[0004]       Target Proximity Domain List : 00000000
[0004]       Target Proximity Domain List : 00000001
[0004]       Target Proximity Domain List : 00000002
[0004]       Target Proximity Domain List : 00000003
[0002]                              Entry : 0708
[0002]                              Entry : 07D0
[0002]                              Entry : 0AF0
[0002]                              Entry : 0A28
[0002]                              Entry : 07E4
[0002]                              Entry : 0708
[0002]                              Entry : 0AF0
[0002]                              Entry : 0A28
[0002]                              Entry : 0BB8
[0002]                              Entry : 0BCC
[0002]                              Entry : 0708
[0002]                              Entry : FFFF

[0002]                     Structure Type : 0001 [System Locality Latency and Bandwidth Information]
[0002]                           Reserved : 0000
[0004]                             Length : 00000054
[0001]              Flags (decoded below) : 00
                         Memory Hierarchy : 0
[0001]                          Data Type : 03
[0002]                          Reserved1 : 0000
[0004]      Initiator Proximity Domains # : 00000003
[0004]         Target Proximity Domains # : 00000004
[0004]                          Reserved2 : 00000000
[0008]                    Entry Base Unit : 0000000000000064
[0004]    Initiator Proximity Domain List : 00000000
[0004]    Initiator Proximity Domain List : 00000001
[0004]    Initiator Proximity Domain List : 00000002
[0004]       Target Proximity Domain List : 00000000
[0004]       Target Proximity Domain List : 00000001
[0004]       Target Proximity Domain List : 00000002
[0004]       Target Proximity Domain List : 00000003
[0002]                              Entry : 00C8
[0002]                              Entry : 0096
[0002]                              Entry : 0050
[0002]                              Entry : 0064
[0002]                              Entry : 0096
[0002]                              Entry : 00C8
[0002]                              Entry : 0050
[0002]                              Entry : 0064
[0002]                              Entry : 0050
[0002]                              Entry : 0050
[0002]                              Entry : 00C8
[0002]                              Entry : 003C

[0002]                     Structure Type : 0001 [System Locality Latency and Bandwidth Information]
[0002]                           Reserved : 0000
[0004]                             Length : 00000054
[0001]              Flags (decoded below) : 00
                         Memory Hierarchy : 0
[0001]                          Data Type : 05
[0002]                          Reserved1 : 0000
[0004]      Initiator Proximity Domains # : 00000003
[0004]         Target Proximity Domains # : 00000004
[0004]                          Reserved2 : 00000000
[0008]                    Entry Base Unit : 0000000000000064
[0004]    Initiator Proximity Domain List : 00000000
[0004]    Initiator Proximity Domain List : 00000001
[0004]    Initiator Proximity Domain List : 00000002
[0004]       Target Proximity Domain List : 00000000
[0004]       Target Proximity Domain List : 00000001
[0004]       Target Proximity Domain List : 00000002
[0004]       Target Proximity Domain List : 00000003
[0002]                              Entry : 00C8
[0002]                              Entry : 0096
[0002]                              Entry : 0050
[0002]                              Entry : 0064
[0002]                              Entry : 0096
[0002]                              Entry : 00C8
[0002]                              Entry : 0050
[0002]                              Entry : 0064
[0002]                              Entry : 0050
[0002]                              Entry : 0050
[0002]                              Entry : 00C8
[0002]                              Entry : 003C
