"""How names are typed and found: cases for the server's filter and for the browser's."""

from __future__ import annotations

from typing import Final

#: Query, text, and whether the one finds the other.
FOUND: Final = [
    ("hoa", "Xã Hòa Minh", True),
    ("hòa", "Xã Hoà Minh", True),
    ("hoà", "Xã Hòa Minh", True),
    ("HÒA MINH", "xã hoà minh", True),
    ("minh hoa", "Xã Hòa Minh", True),
    ("hóa", "Xã Hòa Minh", False),
    ("hò", "Xã Hòa Minh", True),
    ("thuỷ", "Xã Tân Thủy", True),
    ("tan thuy", "Xã Tân Thủy", True),
    ("duong", "Trụ sở Đường Đức", True),
    ("đường", "Trụ sở Đường Đức", True),
    ("đuong", "Trụ sở Đường Đức", False),
    ("dương", "Trụ sở Đường Đức", False),
    ("cau ke", "Xã Cầu Kè", True),
    ("cau kế", "Xã Cầu Kè", False),
    ("28840-c1", "86-28840-c1 VNPT", True),
    ("vnpt tan phu", "X. Tân Phú 86-28840-c1 VNPT", True),
    ("viettel tan phu", "X. Tân Phú 86-28840-c1 VNPT", False),
    ("  ", "Xã Hòa Minh", True),
    ("<script>", "Xã Hòa Minh", False),
]
