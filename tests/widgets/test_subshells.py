"""What a page says reaches its panel in a real kernel, whichever pages were open before."""

from __future__ import annotations

import time

import pytest
from jupyter_client.manager import start_new_kernel

SETUP = """
from ipywidgets.widgets.widget import Widget
from widgets.panel import PanelWidget

heard = []
panel = PanelWidget()
panel.on_msg(lambda widget, content, buffers: heard.append(content["said"]))
print(panel.comm.comm_id)
"""


@pytest.fixture
def client():
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def printed(client, code):
    texts = []

    def keep(message):
        texts.append(message["content"].get("text", ""))
        assert message["msg_type"] != "error", message["content"]

    client.execute_interactive(code, timeout=300, output_hook=keep)
    return "".join(texts).strip()


def ask_control(client, kind, content):
    message = client.session.msg(kind, content)
    client.control_channel.send(message)
    reply = client.get_control_msg(timeout=60)
    assert reply["content"]["status"] == "ok", reply["content"]
    return reply["content"]


def say(client, comm, subshell, text):
    data = {"method": "custom", "content": {"said": text}}
    message = client.session.msg("comm_msg", {"comm_id": comm, "data": data})
    message["header"]["subshell_id"] = subshell
    client.shell_channel.send(message)


def test_a_page_opened_after_another_was_closed_is_heard(client):
    comm = printed(client, SETUP)
    old = ask_control(client, "create_subshell_request", {})["subshell_id"]
    say(client, comm, old, "from the first page")
    # The panel speaks last because of the page that goes: this is what its kernel remembers of it.
    printed(client, "panel.on_msg(lambda widget, content, buffers: panel.send('an answer'))")
    say(client, comm, old, "again from the first page")
    deadline = time.monotonic() + 60
    while printed(client, "print(len(heard))") != "2" and time.monotonic() < deadline:
        time.sleep(0.05)
    ask_control(client, "delete_subshell_request", {"subshell_id": old})

    new = ask_control(client, "create_subshell_request", {})["subshell_id"]
    say(client, comm, new, "from the second page")
    heard = ""
    deadline = time.monotonic() + 60
    while "second" not in heard and time.monotonic() < deadline:
        time.sleep(0.05)
        heard = printed(client, "print(heard)")
    assert heard == "['from the first page', 'again from the first page', 'from the second page']"
