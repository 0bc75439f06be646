"""The catalogue of devices: name in, what is known of it out; what sources leave open is None, never a guess.

Memory is the device's nominal size (a vendor's GB is GiB here), peak is dense bf16 with fp32 accumulation. Figures are the
vendors' data sheets; entries marked derived follow from clock and core counts.
"""

from __future__ import annotations

from .contract.record import dataclass

GIB = 2**30


@dataclass(frozen=True)
class Device:
    """Memory in bytes, peak in FLOP/s, bandwidth in bytes/s; `source` says where peak and bandwidth come from."""

    title: str
    kind: str
    memory: int | None
    peak_flops: float | None
    bandwidth: float | None
    source: str


def _gpu(title: str, gib: int, teraflops: float | None, gigabytes_per_second: int, source: str = "data sheet") -> Device:
    peak = None if teraflops is None else teraflops * 1e12
    return Device(title, "cuda", gib * GIB, peak, gigabytes_per_second * 1e9, source)


DEVICES: dict[str, Device] = {
    "cpu": Device("CPU", "cpu", None, None, None, "unknown"),
    "rtx_3060": _gpu("GeForce RTX 3060 12 GB", 12, 25.5, 360, "derived"),
    "rtx_3070": _gpu("GeForce RTX 3070 8 GB", 8, 40.6, 448, "derived"),
    "rtx_4060": _gpu("GeForce RTX 4060 8 GB", 8, 30.2, 272, "derived"),
    "rtx_4090": _gpu("GeForce RTX 4090 24 GB", 24, 165.2, 1008),
    "rtx_5090": _gpu("GeForce RTX 5090 32 GB", 32, 209.5, 1792, "derived"),
    "rtx_6000_ada": _gpu("RTX 6000 Ada 48 GB", 48, 364.0, 960, "derived"),
    "rtx_pro_6000": _gpu("RTX PRO 6000 Blackwell 96 GB", 96, None, 1792, "sources differ on the peak (252 to 504)"),
    "l40s": _gpu("L40S 48 GB", 48, 362.0, 864),
    "a100_40gb": _gpu("A100 40 GB", 40, 312.0, 1555),
    "a100_80gb": _gpu("A100 80 GB", 80, 312.0, 2039),
    "h100_pcie": _gpu("H100 PCIe 80 GB", 80, 756.0, 2000),
    "h100_sxm": _gpu("H100 SXM 80 GB", 80, 989.0, 3350),
    "h800_sxm": _gpu("H800 SXM 80 GB", 80, 989.0, 3350),
    "h200": _gpu("H200 141 GB", 141, 989.0, 4800),
}
