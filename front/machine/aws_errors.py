"""The errors of AWS, as sentences for the people who use the front."""

from front.errors import InstanceError

STATE = "The core's machine is just starting or stopping. Please try again in a minute."
CAPACITY = "AWS has no free machine of the core's type at the moment."
SPOT = "AWS has taken the core's machine back: it is a Spot machine, and they are short or have become too expensive."
SPOT_STATE = "The core's machine is a Spot machine, and AWS does not let it start yet."
SPOT_PRICE = "The core's machine is a Spot machine, and at the moment its price is above the limit that was set for it."
BUSY = "AWS is overloaded, or is getting too many requests from this account."
FORBIDDEN = "The front has no permission to do this. Ask an admin to correct the AWS policy of the front's role."
NO_MACHINE = "There is no such machine. Ask an admin to correct CORE_INSTANCE_ID or AWS_REGION."
PROTECTED = "The core's machine is protected against this. Ask an admin to remove the protection in AWS."
LIMIT = "The AWS account runs as many machines as it may. Ask an admin to stop one or to have the limit raised."
REGION = "The front does not know the region of the core's machine. Ask an admin to set AWS_REGION."
NO_KEYS = "The front has no credentials for AWS. Ask an admin to give its machine the right role."
RENEW = "The front looks for new ones. If this lasts, ask an admin to renew them"
BAD_KEYS = f"AWS does not accept the front's credentials. {RENEW}."
EXPIRED = f"The front's credentials for AWS have expired. {RENEW}."
LATE = f"The front's credentials for AWS have expired, or its clock is wrong. {RENEW} and to check the clock."
CLOCK = "AWS refused because the clock of the front's machine is wrong. Ask an admin to correct it."
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
    "InsufficientReservedInstanceCapacity": (CAPACITY, 30),
    "InsufficientCapacity": (CAPACITY, 30),
    "InsufficientCapacityOnHost": (CAPACITY, 30),
    "UnfulfillableCapacity": (CAPACITY, 30),
    "IncorrectSpotRequestState": (SPOT_STATE, 30),
    "SpotMaxPriceTooLow": (SPOT_PRICE, 60),
    "MaxSpotInstanceCountExceeded": (LIMIT, None),
    "RequestLimitExceeded": (BUSY, 10),
    "RequestThrottled": (BUSY, 10),
    "Throttling": (BUSY, 10),
    "ThrottlingException": (BUSY, 10),
    "EC2ThrottledException": (BUSY, 10),
    "InternalFailure": (FAILING, 10),
    "InternalError": (FAILING, 10),
    "ServiceUnavailable": (BUSY, 10),
    "Unavailable": (BUSY, 10),
    "UnauthorizedOperation": (FORBIDDEN, None),
    "AccessDenied": (FORBIDDEN, None),
    "InvalidInstanceID.NotFound": (NO_MACHINE, None),
    "InvalidInstanceID.Malformed": (NO_MACHINE, None),
    "OperationNotPermitted": (PROTECTED, None),
    "InstanceLimitExceeded": (LIMIT, None),
    "VcpuLimitExceeded": (LIMIT, None),
    "AuthFailure": (BAD_KEYS, 30),
    "InvalidClientTokenId": (BAD_KEYS, 30),
    "UnrecognizedClientException": (BAD_KEYS, 30),
    "SignatureDoesNotMatch": (BAD_KEYS, 30),
    "ExpiredToken": (EXPIRED, 30),
    "ExpiredTokenException": (EXPIRED, 30),
    "RequestExpired": (LATE, 30),
    "RequestTimeTooSkewed": (CLOCK, 30),
    "NoRegionError": (REGION, None),
    "InvalidRegionError": (REGION, None),
    "NoCredentialsError": (NO_KEYS, 10),
    "PartialCredentialsError": (HALF_KEYS, 30),
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
    "Client.UserInitiatedHibernate": "",
    "Client.InternalError": DISK,
    "Server.InternalError": FAILING.format(code="Server.InternalError"),
    "Server.InsufficientInstanceCapacity": CAPACITY,
    "Server.SpotInstanceShutdown": SPOT,
}
# With these, it may well start a little later.
PASSING = {"Server.InternalError", "Server.InsufficientInstanceCapacity", "Server.SpotInstanceShutdown"}


def explain(names: list[str], detail: str, status: int = 0) -> InstanceError:
    """`names`: the code, or the error's class and its bases, the most specific first. `status`: of HTTP."""
    skewed = "Signature expired" in detail or "Signature not yet current" in detail  # of SignatureDoesNotMatch
    looked_up = ["RequestTimeTooSkewed"] if skewed else names
    known = next((SENTENCES[name] for name in looked_up if name in SENTENCES), None)
    if known is None:
        known = (FAILING, 10) if status >= 500 else (UNKNOWN, None)
    sentence, retry_after = known
    return InstanceError(sentence.format(code=names[0]), code=names[0], detail=detail, retry_after=retry_after)


def about_credentials(error: InstanceError) -> bool:
    """Whether other credentials could help."""
    return str(error) in (NO_KEYS, HALF_KEYS, BAD_KEYS, EXPIRED, LATE)


def why_stopped(code: str, message: str) -> str:
    return REASONS.get(code, f"AWS stopped the core's machine: {message} ({code}).")
