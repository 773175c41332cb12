"""AWS Organizations in memory, with AWS's rules. Pure Python: no emulator, no SDK."""

from .call_log import SERVICE
from .clock import Clock
from .errors import ApiError, NotRehearsedError
from .faults import Fault, FaultError
from .service import OPERATIONS, OTHER_OPERATIONS, Organizations
from .settings import Settings

__all__ = [
    "OPERATIONS",
    "OTHER_OPERATIONS",
    "SERVICE",
    "ApiError",
    "Clock",
    "Fault",
    "FaultError",
    "NotRehearsedError",
    "Organizations",
    "Settings",
]
