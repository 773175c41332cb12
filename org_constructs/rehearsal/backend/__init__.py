"""AWS Organizations in memory, with AWS's rules. Pure Python: no emulator, no SDK."""

from .call_log import SERVICE
from .clock import Clock
from .errors import ApiError, NotRehearsedError
from .faults import Fault, FaultError
from .service import ACCOUNT_OPERATIONS, OPERATIONS, Organizations
from .settings import Settings

__all__ = [
    "ACCOUNT_OPERATIONS",
    "OPERATIONS",
    "SERVICE",
    "ApiError",
    "Clock",
    "Fault",
    "FaultError",
    "NotRehearsedError",
    "Organizations",
    "Settings",
]
