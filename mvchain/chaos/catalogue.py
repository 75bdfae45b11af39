"""The faults in the order of the catalogue, with how often and how long (faults, section 3)."""

from typing import Final

from mvchain.chaos import callers, clocks, crashes, disks, floods, joins, partitions, requests, twins, upgrade
from mvchain.chaos.fault import Extent, Fault

FAULTS: Final = (
    Fault("R1", "kill -9 one", crashes.kill_one, Extent(40, 0), Extent(2, 0)),
    Fault("R1", "kill -9 one", crashes.kill_one, Extent(20, 0), nodes=7),
    Fault("R2", "kill -9 all", crashes.kill_all, Extent(10, 0), Extent(1, 0)),
    Fault("R3", "stopped for 10 s", crashes.stand_still, Extent(10, 10), Extent(1, 4)),
    Fault("R3", "stopped for 120 s", crashes.stand_still, Extent(2, 120)),
    Fault("R4", "one cut off", partitions.isolate, Extent(10, 10), Extent(1, 5)),
    Fault("R4", "halves", partitions.halve, Extent(10, 10), Extent(1, 5)),
    Fault("R4", "one way only", partitions.one_way, Extent(10, 10), Extent(1, 5)),
    Fault("R4", "flapping", partitions.flap, Extent(10, 12)),
    Fault("R4", "one cut off", partitions.isolate, Extent(5, 10), nodes=7),
    Fault("R4", "halves", partitions.halve, Extent(5, 10), nodes=7),
    Fault("R4", "one cut off, packets lost", partitions.isolate, Extent(10, 10), namespaces=True),
    Fault("R4", "halves, packets lost", partitions.halve, Extent(10, 10), namespaces=True),
    Fault("R4", "one way only, packets lost", partitions.one_way, Extent(10, 10), namespaces=True),
    Fault("R4", "halves for 60 s, packets lost", partitions.halve, Extent(3, 60), namespaces=True),
    Fault("R5", "1 KB/s", partitions.thin, Extent(3, 30)),
    Fault("R5", "1 s round trip", partitions.late, Extent(3, 30)),
    Fault("R5", "5 % loss", partitions.lossy, Extent(3, 30)),
    Fault("R6", "disk full", disks.fill, Extent(3, 0)),
    Fault("R6", "file limit", disks.limit_files, Extent(3, 0)),
    Fault("R7", "cut and changed files", disks.damage, Extent(50, 0), Extent(3, 0)),
    Fault("R8", "same key twice", twins.second_copy, Extent(3, 30), nodes=7),
    Fault("R8", "same key twice, split", twins.dishonest_copy, Extent(3, 6), nodes=7),
    Fault("R9", "yesterday's data", disks.put_back, Extent(5, 0), Extent(1, 0)),
    Fault("R10", "clock an hour ahead", clocks.ahead, Extent(3, 0)),
    Fault("R10", "clock an hour behind", clocks.behind, Extent(3, 0)),
    Fault("R10", "light client's clock", clocks.light_client, Extent(3, 0)),
    Fault("R11", "hostile peers", callers.harass, Extent(1, 20)),
    Fault("R12", "hostile HTTP", requests.harass, Extent(1, 20)),
    Fault("R13", "flood of invalid ones", floods.flood, Extent(3, 60), per_s=200),
    Fault("R14", "rolling newer version", upgrade.roll, Extent(3, 0), Extent(1, 0)),
    Fault("R16", "empty disk, joins", joins.join_anew, Extent(2, 0)),
)
