from collections.abc import Iterator

import pytest

from front import session, settings
from tests.front.pages import again, forget, open_page
from tests.live import LiveCore, until


@pytest.fixture
def _on_core(monkeypatch: pytest.MonkeyPatch, core: LiveCore) -> Iterator[None]:
    """The real pages with their real client and watch, and a core that others run."""
    for name, value in {"CORE_URL": core.url, "CORE_API_KEY": core.key, "CORE_INSTANCE_ID": ""}.items():
        monkeypatch.setenv(name, value)
    forget()
    session.client.clear()
    session.watch.clear()
    yield
    session.watch().end()
    session.watch.clear()
    session.client.clear()
    forget()
    settings.load.cache_clear()


@pytest.mark.usefixtures("_on_core")
def test_an_upload_becomes_a_task_and_its_result_on_a_real_core(core: LiveCore) -> None:
    app = open_page(user="佐藤")
    app.selectbox(key="job").select("measure").run()
    app.file_uploader(key="param-measure-file").upload("売上.csv", b"a,b\n1,2\n", "text/csv")
    app.checkbox(key="param-measure-copy").check().run()
    app.button(key="submit").click().run()
    task_id = app.query_params["task"]
    core.wait(str(task_id))
    app.switch_page("views/tasks.py")
    until(lambda: again(app).metric)
    assert {metric.label: metric.value for metric in app.metric} == {"size": "8", "name": "売上.csv"}
