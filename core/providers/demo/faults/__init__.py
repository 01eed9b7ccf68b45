"""All ways in which an upstream can misbehave, by the name of the model that does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.providers.demo.faults.breaks import BREAKS
from core.providers.demo.faults.contents import CONTENTS
from core.providers.demo.faults.encodings import ENCODINGS
from core.providers.demo.faults.fault import Fault
from core.providers.demo.faults.reaching import REACHING
from core.providers.demo.faults.refusals import REFUSALS
from core.providers.demo.faults.successes import SUCCESSES

FAULTS: Final[Mapping[str, Fault]] = {
    fault.name: fault for fault in (*REACHING, *REFUSALS, *SUCCESSES, *BREAKS, *ENCODINGS, *CONTENTS)
}
