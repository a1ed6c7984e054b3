"""The errors of AWS, as sentences for the people who use the front."""

from front.errors import InstanceError

STATE = "The core's machine is just starting or stopping. Please try again in a minute."
CAPACITY = "AWS has no free machine of the core's type at the moment."
BUSY = "AWS is overloaded, or is getting too many requests from this account."
FORBIDDEN = "The front has no permission to do this. Ask an admin to correct the AWS policy of the front's role."
NO_MACHINE = "There is no such machine. Ask an admin to correct CORE_INSTANCE_ID or AWS_REGION."
PROTECTED = "The core's machine is protected against this. Ask an admin to remove the protection in AWS."
LIMIT = "The AWS account runs as many machines as it may. Ask an admin to stop one or to have the limit raised."
REGION = "The front does not know the region of the core's machine. Ask an admin to set AWS_REGION."
NO_KEYS = "The front has no credentials for AWS. Ask an admin to give its machine the right role."
BAD_KEYS = "AWS does not accept the front's credentials. Ask an admin to renew them."
HALF_KEYS = "The front's credentials for AWS are incomplete. Ask an admin to set both the key id and the secret."
NO_WAY = "AWS cannot be reached. Ask an admin to check the front's network, AWS_REGION and AWS_ENDPOINT_URL."
UNKNOWN = "AWS refused with an error that the front does not know ({code}). Ask an admin to look it up."
DISK = (
    "The core's machine could not open its disk. Ask an admin whether the front's role may use the disk's key in KMS."
)
FAILING = "AWS had an internal error ({code})."

# An error's code, or its class if it never reached AWS -> the sentence, and the seconds until a retry makes sense.
SENTENCES: dict[str, tuple[str, float | None]] = {
    "IncorrectInstanceState": (STATE, 3),
    "InsufficientInstanceCapacity": (CAPACITY, 30),
    "InsufficientHostCapacity": (CAPACITY, 30),
    "RequestLimitExceeded": (BUSY, 10),
    "Throttling": (BUSY, 10),
    "ServiceUnavailable": (BUSY, 10),
    "Unavailable": (BUSY, 10),
    "UnauthorizedOperation": (FORBIDDEN, None),
    "AccessDenied": (FORBIDDEN, None),
    "InvalidInstanceID.NotFound": (NO_MACHINE, None),
    "InvalidInstanceID.Malformed": (NO_MACHINE, None),
    "OperationNotPermitted": (PROTECTED, None),
    "InstanceLimitExceeded": (LIMIT, None),
    "VcpuLimitExceeded": (LIMIT, None),
    "AuthFailure": (BAD_KEYS, None),
    "SignatureDoesNotMatch": (BAD_KEYS, None),
    "RequestExpired": (BAD_KEYS, 30),
    "ExpiredToken": (BAD_KEYS, 30),
    "NoRegionError": (REGION, None),
    "InvalidRegionError": (REGION, None),
    "NoCredentialsError": (NO_KEYS, 10),
    "PartialCredentialsError": (HALF_KEYS, None),
    "CredentialRetrievalError": (NO_KEYS, 10),
    "ConnectionError": (NO_WAY, 5),  # and its subclasses: EndpointConnectionError, ConnectTimeoutError, ...
    "HTTPClientError": (NO_WAY, 5),  # and its subclasses: ReadTimeoutError, ConnectionClosedError, ...
    "ResponseParserError": (NO_WAY, 5),  # something else answers
    "Unknown": (NO_WAY, 5),  # the same
}

# Why a machine stopped by itself. A stop on purpose needs no explanation.
REASONS = {
    "": "",
    "Client.UserInitiatedShutdown": "",
    "Client.InstanceInitiatedShutdown": "",
    "Client.InternalError": DISK,
    "Server.InsufficientInstanceCapacity": CAPACITY,
}


def explain(names: list[str], detail: str, status: int = 0) -> InstanceError:
    """`names`: the code, or the error's class and its bases, the most specific first. `status`: of HTTP."""
    known = next((SENTENCES[name] for name in names if name in SENTENCES), None)
    if known is None:
        known = (FAILING, 10) if status >= 500 else (UNKNOWN, None)
    sentence, retry_after = known
    return InstanceError(sentence.format(code=names[0]), code=names[0], detail=detail, retry_after=retry_after)


def why_stopped(code: str, message: str) -> str:
    return REASONS.get(code, f"AWS stopped the core's machine: {message} ({code}).")
