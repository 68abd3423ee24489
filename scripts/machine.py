"""What a measurement was made on."""

import os
import platform
from pathlib import Path


def processor() -> str:
    """Name the processor and how many of its cores there are to use."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(os.sched_getaffinity(0))} cores of {names[0] if names else platform.processor()}"
