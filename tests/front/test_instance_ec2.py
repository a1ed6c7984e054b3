from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from front.core_client import CoreClient
from front.errors import InstanceError
from front.machine.instance import Ec2Instance, InstanceState, LocalInstance, Unmanaged, make
from front.machine.watch import Watch
from front.settings import Settings
from tests.front.answering import Answering, answer
from tests.front.ec2 import REGION, Ec2
from tests.front.machine import Core
from tests.live import free_port, until

ABSENT = "i-0123456789abcdef0"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def _aws_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def ec2(moto: str, connected: Any, monkeypatch: pytest.MonkeyPatch) -> Ec2:
    return Ec2(moto, connected(moto), monkeypatch)


@pytest.fixture
def instance(ec2: Ec2) -> Ec2Instance:
    instance = Ec2Instance(ec2.instance_id, REGION, ec2.url)
    instance._client = ec2.client
    return instance


@pytest.fixture(scope="module")
def connected() -> Any:
    """Clients by their address, for all tests of this module, because making one takes a fifth of a second."""
    return cache(lambda url: Ec2Instance(ABSENT, REGION, url)._connect())


@pytest.fixture
def lone(connected: Any) -> Any:
    """An instance whose AWS cannot be reached."""
    instance = Ec2Instance(ABSENT, REGION)
    instance._client = connected("http://aws.invalid")
    return instance


def refused(act: Callable[[], object]) -> InstanceError:
    with pytest.raises(InstanceError) as error:
        act()
    return error.value


class TestALife:
    def test_it_stops_and_starts_through_every_state(self, instance: Ec2Instance, ec2: Ec2) -> None:
        seen = [instance.state().name]
        for order in (instance.stop, instance.start):
            order()
            seen.append(instance.state().name)
            ec2.arrive()
            seen.append(instance.state().name)

        assert seen == ["running", "stopping", "stopped", "pending", "running"]

    def test_a_stop_on_purpose_needs_no_reason(self, instance: Ec2Instance, ec2: Ec2) -> None:
        instance.stop()
        ec2.arrive()

        assert instance.state() == InstanceState("stopped")

    def test_starting_a_running_one_and_stopping_a_stopped_one_is_fine(self, instance: Ec2Instance, ec2: Ec2) -> None:
        instance.start()
        instance.stop()
        ec2.arrive()
        instance.stop()

        assert instance.state().name == "stopped"

    def test_a_start_while_it_is_stopping_can_be_retried_soon(self, instance: Ec2Instance) -> None:
        instance.stop()

        error = refused(instance.start)

        assert error.code == "IncorrectInstanceState"
        assert error.retry_after is not None
        assert error.retry_after < 10

    def test_a_stop_while_it_is_starting_is_refused(self, instance: Ec2Instance, ec2: Ec2) -> None:
        instance.stop()
        ec2.arrive()
        instance.start()

        assert refused(instance.stop).code == "IncorrectInstanceState"

    def test_a_disk_key_that_it_may_not_use_is_given_as_the_reason_of_a_silent_stop(
        self, instance: Ec2Instance, ec2: Ec2
    ) -> None:
        ec2.fall_back("Client.InternalError", "Client.InternalError: Client error on launch")

        assert "KMS" in instance.state().reason

    @pytest.mark.parametrize(
        ("code", "words", "passes"),
        [
            ("Server.SpotInstanceShutdown", "Spot machine", True),
            ("Server.InsufficientInstanceCapacity", "no free machine", True),
            ("Server.InternalError", "internal error", True),
            ("Client.InternalError", "KMS", False),
            ("Client.UserInitiatedShutdown", "", False),
        ],
    )
    def test_the_reason_of_a_stop_says_whether_it_may_pass(
        self, instance: Ec2Instance, ec2: Ec2, code: str, words: str, passes: bool
    ) -> None:
        ec2.fall_back(code)

        state = instance.state()

        assert words in state.reason
        assert bool(state.reason) == bool(words)
        assert state.passes == passes

    def test_an_unknown_reason_is_shown_in_the_words_of_aws(self, instance: Ec2Instance, ec2: Ec2) -> None:
        ec2.fall_back("Server.ScheduledStop", "Stopped due to a scheduled retirement")

        reason = instance.state().reason
        assert "scheduled retirement" in reason
        assert "Server.ScheduledStop" in reason

    def test_a_terminated_one_is_reported_as_terminated(self, instance: Ec2Instance, ec2: Ec2) -> None:
        ec2.client.terminate_instances(InstanceIds=[ec2.instance_id])

        assert instance.state().name == "terminated"

    def test_stop_protection_is_reported(self, instance: Ec2Instance, ec2: Ec2) -> None:
        ec2.client.modify_instance_attribute(InstanceId=ec2.instance_id, DisableApiStop={"Value": True})

        error = refused(instance.stop)

        assert "protected" in str(error)
        assert error.retry_after is None

    def test_an_unknown_id_is_reported(self, ec2: Ec2) -> None:
        nobody = Ec2Instance(ABSENT, REGION, ec2.url)

        for act in (nobody.state, nobody.start, nobody.stop):
            assert "CORE_INSTANCE_ID" in str(refused(act))

    def test_an_answer_without_a_machine_is_reported(self, lone: Any) -> None:
        with Stubber(lone._client) as stub:
            stub.add_response("describe_instances", {"Reservations": []})

            assert refused(lone.state).code == "InvalidInstanceID.NotFound"


class TestUnderAWatch:
    def test_it_is_woken_after_a_refusal_and_put_to_sleep(self, instance: Ec2Instance, ec2: Ec2) -> None:
        instance.stop()
        core = Core()
        with Answering(core) as server:
            watch = Watch(instance, CoreClient(server.url, "the-key-of-the-tests"), quick=0.05).begin()

            def at(stage: str) -> None:
                until(lambda: watch.snapshot().stage == stage)

            watch.start("sato")
            at("stopping")
            ec2.refusals = ["InstanceLimitExceeded"]
            ec2.arrive()
            until(lambda: "limit" in watch.snapshot().problem)
            watch.start("sato")
            at("pending")
            ec2.arrive()
            at("running")
            core.status = 200
            at("ready")
            watch.stop("sato")
            until(lambda: ec2.state == "stopping")
            ec2.arrive()
            at("asleep")
            watch.end()

    def test_it_is_started_again_after_it_fell_back_for_a_reason_that_passes(
        self, instance: Ec2Instance, ec2: Ec2, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("front.machine.wake.FALLEN_PAUSE", 0.5)
        instance.stop()
        ec2.arrive()
        with Answering(Core()) as server:
            watch = Watch(instance, CoreClient(server.url, "the-key-of-the-tests"), quick=0.05).begin()
            watch.start("sato")
            until(lambda: watch.snapshot().stage == "pending")
            ec2.fall_back("Server.InsufficientInstanceCapacity")
            until(lambda: "no free machine" in watch.snapshot().problem)
            until(lambda: ec2.state == "pending")
            watch.end()


# An error of AWS: code, status -> words in the sentence, and whether a later retry makes sense.
CODES = {
    ("IncorrectInstanceState", 400): ("starting or stopping", True),
    ("InsufficientInstanceCapacity", 500): ("no free machine", True),
    ("InsufficientHostCapacity", 500): ("no free machine", True),
    ("RequestLimitExceeded", 503): ("too many requests", True),
    ("Throttling", 400): ("too many requests", True),
    ("ServiceUnavailable", 503): ("overloaded", True),
    ("Unavailable", 503): ("overloaded", True),
    ("ThrottlingException", 400): ("too many requests", True),
    ("EC2ThrottledException", 503): ("too many requests", True),
    ("InternalError", 500): ("internal error (InternalError)", True),
    ("InternalFailure", 400): ("internal error (InternalFailure)", True),
    ("InsufficientReservedInstanceCapacity", 400): ("no free machine", True),
    ("IncorrectSpotRequestState", 400): ("Spot machine", True),
    ("SpotMaxPriceTooLow", 400): ("above the limit", True),
    ("MaxSpotInstanceCountExceeded", 400): ("as many machines as it may", False),
    ("UnauthorizedOperation", 403): ("policy", False),
    ("AccessDenied", 403): ("policy", False),
    ("InvalidInstanceID.NotFound", 400): ("CORE_INSTANCE_ID", False),
    ("InvalidInstanceID.Malformed", 400): ("CORE_INSTANCE_ID", False),
    ("OperationNotPermitted", 400): ("protected", False),
    ("InstanceLimitExceeded", 400): ("limit", False),
    ("VcpuLimitExceeded", 400): ("limit", False),
    ("AuthFailure", 401): ("renew", True),
    ("InvalidClientTokenId", 403): ("renew", True),
    ("SignatureDoesNotMatch", 403): ("renew", True),
    ("RequestExpired", 400): ("clock", True),
    ("RequestTimeTooSkewed", 403): ("clock", True),
    ("ExpiredToken", 400): ("have expired", True),
    ("SomethingOf2027", 400): ("(SomethingOf2027)", False),
}
PLACE = {"endpoint_url": "https://ec2.invalid"}
# The same for errors before AWS is reached.
ERRORS: list[tuple[exceptions.BotoCoreError, str, bool]] = [
    (exceptions.NoRegionError(), "AWS_REGION", False),
    (exceptions.InvalidRegionError(region_name="to kyo"), "AWS_REGION", False),
    (exceptions.NoCredentialsError(), "role", True),
    (exceptions.CredentialRetrievalError(provider="iam-role", error_msg="timed out"), "role", True),
    (exceptions.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), "incomplete", True),
    (exceptions.EndpointConnectionError(**PLACE), "network", True),
    (exceptions.ConnectTimeoutError(**PLACE), "network", True),
    (exceptions.ReadTimeoutError(**PLACE), "network", True),
    (exceptions.ConnectionClosedError(**PLACE), "network", True),
    (exceptions.SSLError(**PLACE, error=OSError("certificate")), "network", True),
    (exceptions.ProxyConnectionError(proxy_url="http://proxy.invalid"), "network", True),
    (exceptions.ProfileNotFound(profile="nobody"), "(ProfileNotFound)", False),
]


class TestErrors:
    @pytest.mark.parametrize(("code", "status"), CODES)
    @pytest.mark.parametrize("order", ["start", "stop"])
    def test_a_refusal_of_aws_is_explained_in_a_sentence(self, lone: Any, order: str, code: str, status: int) -> None:
        words, again = CODES[code, status]

        with Stubber(lone._client) as stub:
            stub.add_client_error(f"{order}_instances", code, "As AWS puts it.", status)
            error = refused(getattr(lone, order))

        assert_explained(error, code, words, again)
        assert "As AWS puts it." in error.detail

    @pytest.mark.parametrize(("cause", "words", "again"), ERRORS, ids=lambda value: type(value).__name__)
    def test_an_error_before_aws_is_reached_is_explained_too(
        self, lone: Any, cause: exceptions.BotoCoreError, words: str, again: bool
    ) -> None:
        def fail(**_: Any) -> None:
            raise cause

        events = lone._client.meta.events
        events.register("before-call.ec2", fail)
        error = refused(lone.start)
        events.unregister("before-call.ec2", fail)

        assert_explained(error, type(cause).__name__, words, again)

    @pytest.mark.parametrize("why", ["Signature expired: 20261126T", "Signature not yet current: 20261126T"])
    def test_a_signature_that_does_not_match_because_of_the_clock_is_not_blamed_on_the_key(
        self, lone: Any, why: str
    ) -> None:
        with Stubber(lone._client) as stub:
            stub.add_client_error("start_instances", "SignatureDoesNotMatch", why, 403)
            error = refused(lone.start)

        assert_explained(error, "SignatureDoesNotMatch", "clock", again=True)

    def test_a_refusal_is_recognized_over_http_too(self, instance: Ec2Instance, ec2: Ec2) -> None:
        ec2.refusals = ["InsufficientInstanceCapacity"]

        assert refused(instance.start).code == "InsufficientInstanceCapacity"

    def test_a_missing_region_is_reported(self) -> None:
        assert refused(Ec2Instance(ABSENT).state).code == "NoRegionError"

    def test_half_a_credential_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

        assert refused(Ec2Instance(ABSENT, REGION).state).code == "PartialCredentialsError"

    def test_credentials_that_appear_later_are_found(self, ec2: Ec2, monkeypatch: pytest.MonkeyPatch) -> None:
        instance = Ec2Instance(ec2.instance_id, REGION, ec2.url)
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        assert refused(instance.state).code == "NoCredentialsError"

        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

        assert instance.state().name == "running"

    @pytest.mark.parametrize("code", ["ExpiredToken", "AuthFailure"])
    def test_credentials_that_are_renewed_in_the_file_are_used_without_a_restart(
        self, ec2: Ec2, code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        file = tmp_path / "credentials"
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        instance = Ec2Instance(ec2.instance_id, REGION, ec2.url)
        file.write_text("[default]\naws_access_key_id = OLD\naws_secret_access_key = old\n")
        assert instance.state().name == "running"
        old: Any = instance._client

        with Stubber(old) as stub:
            stub.add_client_error("describe_instances", code, "As AWS puts it.", 400)
            assert refused(instance.state).retry_after is not None
        file.write_text("[default]\naws_access_key_id = NEW\naws_secret_access_key = new\n")

        assert instance.state().name == "running"
        new: Any = instance._client
        assert new._request_signer._credentials.access_key == "NEW"

    def test_credentials_that_stay_wrong_are_looked_for_once_in_a_while_and_not_at_every_look(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        instance = Ec2Instance(ABSENT, REGION, "http://aws.invalid")
        clients = set()

        for _ in range(5):
            assert refused(instance.state).code == "NoCredentialsError"
            clients.add(instance._client)

        assert len(clients) == 2  # none after the first look, and then one

    def test_an_address_where_nothing_listens_is_reported(self) -> None:
        nowhere = Ec2Instance(ABSENT, REGION, f"http://127.0.0.1:{free_port()}")

        assert refused(nowhere.state).code == "EndpointConnectionError"

    def test_a_web_page_in_place_of_aws_is_reported(self) -> None:
        with Answering(answer(404, "<html>Not Found</html>", "text/html")) as page:
            nobody = Ec2Instance(ABSENT, REGION, page.url)
            assert "cannot be reached" in str(refused(nobody.state))
            page.behave = answer(200, "Welcome to the hotel's network!", "text/plain")
            assert "cannot be reached" in str(refused(nobody.state))

    def test_aws_is_asked_at_most_three_times_and_never_waited_for_long(self) -> None:
        config: Any = Ec2Instance(ABSENT, REGION)._connect().meta.config

        assert (config.connect_timeout, config.read_timeout) == (2, 5)
        assert config.retries["total_max_attempts"] == 3


def assert_explained(error: InstanceError, code: str, words: str, again: bool) -> None:
    assert words in str(error)
    assert error.code == code
    assert (error.retry_after is not None) == again
    assert again or "Ask an admin" in str(error)


class TestTheChoice:
    def settings(self, **values: str) -> Settings:
        return Settings.model_validate({"core_api_key": "0123456789abcdef,fedcba9876543210", **values})

    def test_an_ec2_id_selects_ec2(self) -> None:
        made = make(self.settings(core_instance_id=ABSENT, aws_region=REGION, aws_endpoint_url="http://aws.invalid"))

        assert made == Ec2Instance(ABSENT, REGION, "http://aws.invalid")

    def test_local_selects_the_stand_in_which_knows_every_key_and_shows_none(self) -> None:
        made = make(self.settings(core_instance_id="local"))

        assert isinstance(made, LocalInstance)
        assert made.key == "0123456789abcdef,fedcba9876543210"
        assert "0123456789abcdef" not in repr(made)

    def test_without_an_id_others_run_it_and_orders_are_refused(self) -> None:
        made = make(self.settings())

        assert isinstance(made, Unmanaged)
        assert made.state() == InstanceState("unmanaged")
        for order in (made.start, made.stop):
            assert "run by others" in str(refused(order))
