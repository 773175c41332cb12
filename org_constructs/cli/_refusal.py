"""What a call that AWS did not answer is shown as."""

from __future__ import annotations

from botocore.exceptions import NoCredentialsError
from rich.markup import escape


def say(error: Exception) -> str:
    """Return the text of an error as markup, with what to do where its own text does not say."""
    if isinstance(error, NoCredentialsError):
        return (
            "no AWS credentials are found; sign in to the management account and name them with "
            "--profile, AWS_PROFILE or the variables of the AWS CLI"
        )
    return escape(str(error))
