"""A film, always the same: the sun rises. It takes a while to be made, so that there is something to wait for.

film.mp4 has 320 by 180 pixels and lasts 4 seconds. ffmpeg drew and encoded it:

    ffmpeg -f lavfi -i "color=s=320x180:r=10:d=4,format=yuv420p,
            geq=lum='if(gt(Y,130),42,if(lt(hypot(X-160,Y-(165-27*T)),28),225,70+Y*0.4))':
                cb='if(gt(Y,65),150,if(lt(hypot(X-80,Y-(82-13.5*T)),14),70,138-Y*0.2))':
                cr='if(gt(Y,65),112,if(lt(hypot(X-80,Y-(82-13.5*T)),14),165,122+Y*0.4))'"
        -c:v libx264 -preset veryslow -crf 36 -tune animation -bsf:v filter_units=remove_types=6
        -movflags +faststart -bitexact film.mp4
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from core.chat.errors import Retry, UpstreamError
from core.chat.media import VideoJob

FILM: Final = Path(__file__).parent / "film.mp4"
MAKING: Final = 3.0
"""Seconds at pace 1."""


class Films:
    """Nothing is kept of a job: its reference is the time at which it began."""

    def __init__(self, pace: float = 1.0, clock: Callable[[], float] = time.time) -> None:
        self._seconds = MAKING * pace
        self._clock = clock

    def begin(self) -> VideoJob:
        return VideoJob(f"{self._clock():.3f}", "queued")

    def job(self, reference: str) -> VideoJob:
        progress = int(100 * (self._clock() - float(reference)) / self._seconds)
        if progress >= 100:
            return VideoJob(reference, "completed", 100)
        return VideoJob(reference, "in_progress", max(progress, 0))

    def content(self, reference: str) -> bytes:
        if self.job(reference).status != "completed":
            raise UpstreamError(
                "The film is not ready yet.",
                status=404,
                type="invalid_request_error",
                code="video_not_ready",
                retry=Retry.NEVER,
            )
        return FILM.read_bytes()
