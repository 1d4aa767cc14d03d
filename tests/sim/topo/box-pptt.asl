/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packages with an L3, cores with an L2 and a split L1, threads. */
[0004]                          Signature : "PPTT"
[0004]                       Table Length : 00000000
[0001]                           Revision : 02
[0001]                           Checksum : 00
[0006]                             Oem ID : "HVSIM "
[0008]                       Oem Table ID : "TESTBOX "
[0004]                       Oem Revision : 00000001
[0004]                    Asl Compiler ID : "INTL"
[0004]              Asl Compiler Revision : 20200925

[0001]                      Subtable Type : 01
[0001]                             Length : 18
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000007F
                               Size valid : 1
                     Number of Sets valid : 1
                      Associativity valid : 1
                    Allocation Type valid : 1
                         Cache Type valid : 1
                       Write Policy valid : 1
                          Line Size valid : 1
[0004]                Next Level of Cache : 00000000
[0004]                               Size : 01000000
[0004]                     Number of Sets : 00004000
[0001]                      Associativity : 10
[0001]                         Attributes : 0A
                          Allocation Type : 2
                               Cache Type : 2
                             Write Policy : 0
[0002]                          Line Size : 0040

[0001]                      Subtable Type : 01
[0001]                             Length : 18
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000007F
                               Size valid : 1
                     Number of Sets valid : 1
                      Associativity valid : 1
                    Allocation Type valid : 1
                         Cache Type valid : 1
                       Write Policy valid : 1
                          Line Size valid : 1
[0004]                Next Level of Cache : 00000000
[0004]                               Size : 00100000
[0004]                     Number of Sets : 00000400
[0001]                      Associativity : 10
[0001]                         Attributes : 0A
                          Allocation Type : 2
                               Cache Type : 2
                             Write Policy : 0
[0002]                          Line Size : 0040

[0001]                      Subtable Type : 01
[0001]                             Length : 18
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000007F
                               Size valid : 1
                     Number of Sets valid : 1
                      Associativity valid : 1
                    Allocation Type valid : 1
                         Cache Type valid : 1
                       Write Policy valid : 1
                          Line Size valid : 1
[0004]                Next Level of Cache : 0000003C
[0004]                               Size : 00008000
[0004]                     Number of Sets : 00000040
[0001]                      Associativity : 08
[0001]                         Attributes : 06
                          Allocation Type : 2
                               Cache Type : 1
                             Write Policy : 0
[0002]                          Line Size : 0040

[0001]                      Subtable Type : 01
[0001]                             Length : 18
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000007F
                               Size valid : 1
                     Number of Sets valid : 1
                      Associativity valid : 1
                    Allocation Type valid : 1
                         Cache Type valid : 1
                       Write Policy valid : 1
                          Line Size valid : 1
[0004]                Next Level of Cache : 0000003C
[0004]                               Size : 0000C000
[0004]                     Number of Sets : 00000040
[0001]                      Associativity : 0C
[0001]                         Attributes : 02
                          Allocation Type : 2
                               Cache Type : 0
                             Write Policy : 0
[0002]                          Line Size : 0040

[0001]                      Subtable Type : 00
[0001]                             Length : 18
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 00000001
                         Physical package : 1
                  ACPI Processor ID valid : 0
                    Processor is a thread : 0
                           Node is a leaf : 0
                 Identical Implementation : 0
[0004]                             Parent : 00000000
[0004]                  ACPI Processor ID : 00000000
[0004]            Private Resource Number : 00000001
[0004]                   Private Resource : 00000024

[0001]                      Subtable Type : 00
[0001]                             Length : 1C
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 00000000
                         Physical package : 0
                  ACPI Processor ID valid : 0
                    Processor is a thread : 0
                           Node is a leaf : 0
                 Identical Implementation : 0
[0004]                             Parent : 00000084
[0004]                  ACPI Processor ID : 00000000
[0004]            Private Resource Number : 00000002
[0004]                   Private Resource : 00000054
[0004]                   Private Resource : 0000006C

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 0000009C
[0004]                  ACPI Processor ID : 00000000
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 0000009C
[0004]                  ACPI Processor ID : 00000008
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 1C
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 00000000
                         Physical package : 0
                  ACPI Processor ID valid : 0
                    Processor is a thread : 0
                           Node is a leaf : 0
                 Identical Implementation : 0
[0004]                             Parent : 00000084
[0004]                  ACPI Processor ID : 00000000
[0004]            Private Resource Number : 00000002
[0004]                   Private Resource : 00000054
[0004]                   Private Resource : 0000006C

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 000000E0
[0004]                  ACPI Processor ID : 00000001
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 000000E0
[0004]                  ACPI Processor ID : 00000009
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 1C
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 00000000
                         Physical package : 0
                  ACPI Processor ID valid : 0
                    Processor is a thread : 0
                           Node is a leaf : 0
                 Identical Implementation : 0
[0004]                             Parent : 00000084
[0004]                  ACPI Processor ID : 00000000
[0004]            Private Resource Number : 00000002
[0004]                   Private Resource : 00000054
[0004]                   Private Resource : 0000006C

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 00000124
[0004]                  ACPI Processor ID : 00000002
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 00000124
[0004]                  ACPI Processor ID : 0000000A
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 1C
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 00000000
                         Physical package : 0
                  ACPI Processor ID valid : 0
                    Processor is a thread : 0
                           Node is a leaf : 0
                 Identical Implementation : 0
[0004]                             Parent : 00000084
[0004]                  ACPI Processor ID : 00000000
[0004]            Private Resource Number : 00000002
[0004]                   Private Resource : 00000054
[0004]                   Private Resource : 0000006C

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 00000168
[0004]                  ACPI Processor ID : 00000003
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 00000168
[0004]                  ACPI Processor ID : 0000000B
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 18
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 00000001
                         Physical package : 1
                  ACPI Processor ID valid : 0
                    Processor is a thread : 0
                           Node is a leaf : 0
                 Identical Implementation : 0
[0004]                             Parent : 00000000
[0004]                  ACPI Processor ID : 00000000
[0004]            Private Resource Number : 00000001
[0004]                   Private Resource : 00000024

[0001]                      Subtable Type : 00
[0001]                             Length : 1C
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 00000000
                         Physical package : 0
                  ACPI Processor ID valid : 0
                    Processor is a thread : 0
                           Node is a leaf : 0
                 Identical Implementation : 0
[0004]                             Parent : 000001AC
[0004]                  ACPI Processor ID : 00000000
[0004]            Private Resource Number : 00000002
[0004]                   Private Resource : 00000054
[0004]                   Private Resource : 0000006C

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 000001C4
[0004]                  ACPI Processor ID : 00000004
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 000001C4
[0004]                  ACPI Processor ID : 0000000C
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 1C
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 00000000
                         Physical package : 0
                  ACPI Processor ID valid : 0
                    Processor is a thread : 0
                           Node is a leaf : 0
                 Identical Implementation : 0
[0004]                             Parent : 000001AC
[0004]                  ACPI Processor ID : 00000000
[0004]            Private Resource Number : 00000002
[0004]                   Private Resource : 00000054
[0004]                   Private Resource : 0000006C

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 00000208
[0004]                  ACPI Processor ID : 00000005
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 00000208
[0004]                  ACPI Processor ID : 0000000D
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 1C
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 00000000
                         Physical package : 0
                  ACPI Processor ID valid : 0
                    Processor is a thread : 0
                           Node is a leaf : 0
                 Identical Implementation : 0
[0004]                             Parent : 000001AC
[0004]                  ACPI Processor ID : 00000000
[0004]            Private Resource Number : 00000002
[0004]                   Private Resource : 00000054
[0004]                   Private Resource : 0000006C

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 0000024C
[0004]                  ACPI Processor ID : 00000006
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 0000024C
[0004]                  ACPI Processor ID : 0000000E
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 1C
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 00000000
                         Physical package : 0
                  ACPI Processor ID valid : 0
                    Processor is a thread : 0
                           Node is a leaf : 0
                 Identical Implementation : 0
[0004]                             Parent : 000001AC
[0004]                  ACPI Processor ID : 00000000
[0004]            Private Resource Number : 00000002
[0004]                   Private Resource : 00000054
[0004]                   Private Resource : 0000006C

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 00000290
[0004]                  ACPI Processor ID : 00000007
[0004]            Private Resource Number : 00000000

[0001]                      Subtable Type : 00
[0001]                             Length : 14
[0002]                           Reserved : 0000
[0004]              Flags (decoded below) : 0000000E
                         Physical package : 0
                  ACPI Processor ID valid : 1
                    Processor is a thread : 1
                           Node is a leaf : 1
                 Identical Implementation : 0
[0004]                             Parent : 00000290
[0004]                  ACPI Processor ID : 0000000F
[0004]            Private Resource Number : 00000000

