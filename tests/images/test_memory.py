"""How much memory decoding takes: measured in processes of their own, by the most that the system gave them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from culturebench.engine.worker import fitting
from culturebench.images.decode import ROOM
from culturebench.images.room import Room
from import_graph import ROOT

MEASURED = """
import io, sys, threading
from pathlib import Path
from PIL import Image
from culturebench.images import decode as module
from culturebench.images.decode import Undecodable, decoded
from culturebench.images.room import Room

mode, kind, side, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
file = io.BytesIO()
options = {"progressive": True, "subsampling": 0} if kind == "JPEG" else {}
options |= {"compression": "tiff_lzw"} if kind == "TIFF" else {}
options |= {"method": 0, "quality": 20} if kind == "WEBP" else {}
colour = {"RGBA": (200, 80, 60, 100), "LA": (200, 100), "F": 2.5, "I;16": 30000}.get(mode, 1)
image = Image.new(mode, (side, side), colour)
exif = Image.Exif()
exif[0x0112] = 6
image.save(file, kind, **options, **({"exif": exif} if kind in ("PNG", "JPEG") else {}))
del image
data = file.getvalue()
file.close()
small = io.BytesIO()
Image.new("RGB", (9, 9)).save(small, "PNG")
with decoded(small.getvalue()):
    pass  # decoders are loaded
if threads > 1:
    module.ROOM = Room(8 * side * side * 2)

def work():
    try:
        with decoded(data) as picture:
            assert picture.size == (side, side)
            picture.resize((9, 9))
    except Undecodable as error:
        print(error.reason)

def high():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024

Path("/proc/self/clear_refs").write_text("5")  # the highest mark starts anew
before = high()
workers = [threading.Thread(target=work) for _ in range(threads)]
[worker.start() for worker in workers]
[worker.join() for worker in workers]
print((high() - before) / side / side)
"""


def bytes_per_pixel(mode: str, kind: str, side: int, threads: int = 1) -> tuple[float, list[str]]:
    """The most memory that decoding took, and what was said of pictures that were not decoded."""
    command = [sys.executable, "-c", MEASURED, mode, kind, str(side), str(threads)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    *said, most = done.stdout.split()
    return float(most), said


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("I;16", "PNG"), ("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("F", "TIFF"), ("CMYK", "TIFF"), ("RGB", "JPEG")],
)
def test_a_picture_takes_no_more_than_ten_bytes_of_memory_a_pixel_in_any_mode(mode: str, kind: str):
    most, said = bytes_per_pixel(mode, kind, 3000)
    assert 4 < most < 11.5 and not said  # 1.5 bytes of 9 million pixels: strips, buffers of the decoder, threads


def test_sixteen_bits_of_the_most_pixels_take_less_than_a_gigabyte():
    most, said = bytes_per_pixel("I;16", "PNG", 10_000)
    assert most < 10 and not said


def test_a_picture_whose_decoder_takes_more_than_a_gigabyte_is_not_decompressed():
    most, said = bytes_per_pixel("RGB", "WEBP", 8_000)
    assert said == ["decompression_bomb"] and most < 1


def test_all_threads_together_stay_within_one_bound():
    side = 2500
    most, said = bytes_per_pixel("RGBA", "PNG", side, threads=8)
    assert not said and most < 3 * 8, "the room is for two at a time"


def test_who_needs_more_than_is_left_waits_and_nobody_waits_for_ever():
    room, most, now, lock = Room(10), 0, 0, threading.Lock()

    def work(size: int) -> None:
        nonlocal most, now
        with room.taken(size):
            with lock:
                now += min(size, 10)
                most = max(most, now)
            time.sleep(0.002)
            with lock:
                now -= min(size, 10)

    workers = [threading.Thread(target=work, args=(1 + number % 12,)) for number in range(60)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    assert not any(worker.is_alive() for worker in workers) and 8 <= most <= 10


def test_the_room_is_one_gigabyte():
    assert ROOM.size == 10**9


def test_batches_end_by_count_and_by_size_and_none_is_lost():
    sizes = [1, 1, 1, 5, 9, 20, 1, 1, 1, 1]
    assert list(fitting(sizes, lambda size: size, 10, 3)) == [[1, 1, 1], [5], [9], [20], [1, 1, 1], [1]]
    assert list(fitting([], len, 10, 3)) == []
