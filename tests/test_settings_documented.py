"""`.env.example` is the one list of settings: nothing in it is unknown, nothing that is read is missing from it."""

import re

from core.settings import Settings as CoreSettings
from front.settings import Settings as FrontSettings
from tests.live import ROOT

SECRETS = {"CORE_API_KEY", "REDIS_PASSWORD", "FLOWER_BASIC_AUTH"}
EXAMPLE = (ROOT / ".env.example").read_text()
COMPOSE = "".join(file.read_text() for file in ROOT.glob("docker-compose.*.yml"))
EXAMPLES = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def names(settings: type[CoreSettings | FrontSettings]) -> set[str]:
    return {name.upper() for name in settings.model_fields}


def test_every_setting_is_in_the_example_and_nothing_else() -> None:
    of_containers = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE))

    assert set(EXAMPLES) == names(CoreSettings) | names(FrontSettings) | of_containers


def test_every_setting_stands_under_a_line_that_says_what_it_means() -> None:
    above = ""
    for line in EXAMPLE.splitlines():
        assert not re.match("[A-Z_]+=", line) or above.startswith("# "), line
        above = line if not re.match("[A-Z_]+=", line) else above


def test_the_example_shows_the_defaults() -> None:
    for settings in (CoreSettings, FrontSettings):
        for name, field in settings.model_fields.items():
            shown = EXAMPLES[name.upper()]
            if shown and not field.is_required():
                assert str(field.default) in (shown, shown.rstrip("/")), name


def test_no_secret_is_in_the_example() -> None:
    assert {name for name in SECRETS if EXAMPLES[name]} == set()
