"""Prometheus' answer is a number, nothing, or the reason why there is none; in bounded time and size."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from checks.prometheus import LIMIT_BYTES, WORKERS, NoValue, Prometheus, Series
from checks.reader import Unreachable
from tests.checks.fake_prometheus import alert, alerts, asking, deep, in_turn, success, vector

SHORT_SECONDS = 0.2


def test_the_value_of_a_query_is_returned_and_the_query_is_asked_as_it_is() -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return vector(({"pod": "a"}, "0.25"))

    query = 'sum(rate(x{pod=~"a.+"}[1m])) / 2'
    assert asking(answer, "http://prometheus.internal:9090/under/a/path").scalar(query) == 0.25
    assert asked[0].path == "/under/a/path/api/v1/query"
    assert dict(asked[0].params) == {"query": query, "timeout": "5000ms"}


def test_an_empty_result_is_none_and_not_zero() -> None:
    assert in_turn([vector()]).scalar("x") is None


def test_a_scalar_of_promql_is_a_value_too() -> None:
    assert in_turn([success({"resultType": "scalar", "result": [1715679000.1, "42"]})]).scalar("scalar(x)") == 42


def test_each_series_comes_with_its_labels() -> None:
    answer = vector(({"pod": "a"}, "1"), ({"pod": "b"}, "2e-3"))
    assert in_turn([answer]).vector("x") == (Series({"pod": "a"}, 1.0), Series({"pod": "b"}, 0.002))


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_a_value_that_is_no_number_has_its_own_reason(value: str) -> None:
    with pytest.raises(NoValue, match=rf"answers {value.replace('+', '.')} for pod=a"):
        in_turn([vector(({"pod": "a"}, value))]).scalar("0 / 0")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.ConnectError("connection refused"), "gives no answer: connection refused"),
        (httpx.ReadTimeout(""), "gives no answer: ReadTimeout"),
        (httpx.RemoteProtocolError("closed"), "gives no answer: closed"),
        (httpx.Response(503, text="starting"), "answered 503"),
        (httpx.Response(302, headers={"Location": "https://sso.internal/"}), "answered 302"),
        (httpx.Response(400, json={"status": "error", "error": "parse error at 3"}), "answered 400: parse error at 3"),
        (httpx.Response(200, json={"status": "error", "error": "query timed out"}), "with an error: query timed out"),
        (httpx.Response(200, json={}), "answers with an error: no status"),
        (httpx.Response(200, text="<html><body>Sign in</body></html>"), "nonsense: no JSON object"),
        (httpx.Response(200, text=""), "nonsense: no JSON object"),
        (httpx.Response(200, text=deep(100_000)), "nonsense: no JSON object"),
        (httpx.Response(200, json=[1]), "nonsense: no JSON object"),
        (success(None), "answers nonsense: data: "),
        (success({"resultType": "matrix", "result": []}), "answers nonsense: data"),
        (success({"resultType": "vector", "result": [{"value": 3}]}), "answers nonsense: data.vector.result.0"),
        (vector(({}, "many")), "nonsense: the value 'many'"),
        (vector(({"pod": "a"}, "1"), ({"pod": "b"}, "2")), "2 series where the query is to give one: up"),
        (httpx.Response(200, content=b" " * (LIMIT_BYTES + 1)), f"answers more than {LIMIT_BYTES} bytes"),
    ],
)
def test_whatever_is_no_answer_is_unreachable_with_its_reason(answer: httpx.Response | Exception, says: str) -> None:
    with pytest.raises(Unreachable) as caught:
        in_turn([answer]).scalar("up")
    assert says in str(caught.value)
    assert str(caught.value).startswith("Prometheus at http://prometheus.internal:9090 ")
    assert "\n" not in str(caught.value)


def test_a_compressed_answer_that_would_burst_is_not_unpacked() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Accept-Encoding"])
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"\x1f\x8b\x08packed"))

    with pytest.raises(Unreachable, match="compressed though it was asked not to"):
        asking(answer).scalar("up")
    assert asked == ["identity"]


def test_a_password_in_the_url_is_not_told() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(500)

    with pytest.raises(Unreachable) as caught:
        asking(answer, "http://reader:geheim@prometheus.internal:9090").scalar("up")
    assert str(caught.value) == "Prometheus at http://prometheus.internal:9090 answered 500"


def test_alerts_are_read() -> None:
    first, second = in_turn([alerts(alert("Slow", track="canary"), alert("Odd", state="pending"))]).alerts()
    assert (first.name, first.firing, first.labels["track"]) == ("Slow", True, "canary")
    assert first.active_at == "2024-05-14T09:29:00Z"
    assert not second.firing


@pytest.mark.parametrize("data", [{}, {"alerts": [{"labels": {}}]}, {"alerts": "none"}])
def test_alerts_of_another_shape_are_nonsense(data: object) -> None:
    with pytest.raises(Unreachable, match=r"answers nonsense: data\.alerts"):
        in_turn([success(data)]).alerts()


@contextmanager
def dripping(head: bytes, drop: bytes) -> Iterator[str]:
    """Serve `head`, then `drop` again and again, which lets no single read of a client time out."""
    stop = threading.Event()

    class Drip(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.recv(65536)
                self.request.sendall(head)
                while not stop.wait(SHORT_SECONDS / 10):
                    self.request.sendall(drop)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drip) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            stop.set()
            server.shutdown()


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
    ],
    ids=["nothing", "a header without an end", "a body without an end"],
)
def test_a_server_that_answers_byte_by_byte_is_given_up_in_time(head: bytes, drop: bytes) -> None:
    with (
        dripping(head, drop) as url,
        httpx.Client(trust_env=False) as client,
        Prometheus(url, client, SHORT_SECONDS) as prometheus,
    ):
        for _ in range(WORKERS + 2):
            began = time.monotonic()
            with pytest.raises(Unreachable, match=r"gave no whole answer within 0\.2 s|gives no answer"):
                prometheus.scalar("up")
            assert time.monotonic() - began < SHORT_SECONDS + 1


def test_an_answer_that_was_given_up_is_read_no_further() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with dripping(endless, b" ") as url, httpx.Client(trust_env=False) as client:
        before = set(threading.enumerate())
        with Prometheus(url, client, SHORT_SECONDS) as prometheus, pytest.raises(Unreachable):
            prometheus.scalar("up")
        for thread in set(threading.enumerate()) - before:
            if thread.name.startswith("prometheus-"):
                thread.join(5)
                assert not thread.is_alive()


def test_a_query_over_time_has_its_points_and_leaves_out_what_is_no_number() -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        values = [[1000.5, "1"], [1002.5, "NaN"], [1004.5, "3"]]
        return success({"resultType": "matrix", "result": [{"metric": {"pod": "a"}, "values": values}]})

    [series] = asking(answer).over_time("x", start=1000.5, end=1004.5, step_seconds=2)
    assert (dict(series.labels), series.points) == ({"pod": "a"}, ((1000.5, 1.0), (1004.5, 3.0)))
    assert asked[0].path == "/api/v1/query_range"
    wanted = {"query": "x", "start": "1000.500", "end": "1004.500", "step": "2", "timeout": "5000ms"}
    assert dict(asked[0].params) == wanted


@pytest.mark.parametrize("answer", [httpx.Response(503), vector(), httpx.ReadTimeout("timed out")])
def test_a_query_over_time_without_a_matrix_is_unreachable(answer: httpx.Response | Exception) -> None:
    with pytest.raises(Unreachable):
        in_turn([answer]).over_time("x", start=0, end=1, step_seconds=1)


def test_a_fraction_of_a_second_is_asked_for_in_words_that_prometheus_knows() -> None:
    """It answers 400 to `2.5s`."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["timeout"])
        return httpx.Response(503)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    with Prometheus("http://prometheus.internal", client, 2.5) as prometheus, pytest.raises(Unreachable):
        prometheus.scalar("up")
    assert asked == ["2500ms"]
