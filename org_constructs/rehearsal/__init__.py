"""The embedded AWS: the real CDK CLI deploys to it, on loopback, without an AWS account.

It is the emulator ministack with AWS Organizations and its CloudFormation resource types put into
it. Importing this package needs neither; starting it needs `pip install 'path/to/org-constructs[rehearsal]'`.
"""

from .backend import FaultError, Settings
from .embedded import EmbeddedAws
from .remote import RehearsalError, RemoteControl
from .server import serve

__all__ = ["EmbeddedAws", "FaultError", "RehearsalError", "RemoteControl", "Settings", "serve"]
