"""Slack: one message for each attempt of a release, kept up to date, and everything that happened in its thread.

Web API methods chat.postMessage, chat.update and reactions.get.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from notify.channel import Memory
from notify.escalation import Acknowledgement, Action
from notify.message import What
from notify.sending import Answer, NotTold, Sender
from notify.story import Notice

MESSAGE, ALARM = "slack_message", "slack_alarm"
MEND = "see notify.slack: the token's scopes, and that the app is in the channel (/invite it)"
# Errors in an answer whose status is 200, and which pass by themselves.
TEMPORARY = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"})
# A message that somebody deleted, or that may not be edited any more, is posted anew.
_GONE = ("message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed")
_ID = re.compile(r"^@([UW][A-Z0-9]{5,})$")
_GROUP = re.compile(r"^@(S[A-Z0-9]{5,})$")
_CODE = re.compile(r"^[a-z0-9_]{1,60}$")


@dataclass(frozen=True)
class Slack:
    """A channel of Slack. `people` are the Slack handles of those whom an action calls.

    Somebody acknowledges a problem with any reaction to its alarm, the message in the thread that calls them.
    """

    sender: Sender
    address: str
    channel: str
    token: str
    people: Mapping[Action, tuple[str, ...]]
    name: str = "Slack"

    def tell(self, notice: Notice, memory: Memory) -> None:
        """Post or update the message, add to its thread, call whom the problem needs. Raises NotTold."""
        message = memory.recall(MESSAGE)
        if not _is_message(message):
            message = self._begin(notice, memory)
            if not notice.actions:
                return
        try:
            self._reply(notice, message, memory)
            if notice.message.what not in {What.CHECKED, What.WAIVED}:
                self._update(notice, message)
        except _GoneError:
            message = self._begin(notice, memory)
            if notice.actions:
                self._reply(notice, message, memory)

    def acknowledged(self, memory: Memory, now: datetime) -> Acknowledgement | None:
        """Return who has reacted to the alarm. Slack does not say when: it counts from now. Raises NotTold."""
        alarm = memory.recall(ALARM)
        if not _is_message(alarm):
            return None
        asked = {"channel": alarm["channel"], "timestamp": alarm["ts"], "full": "true"}
        request = httpx.Request("GET", f"{self.address}/reactions.get", params=asked, headers=self._headers)
        message = self.sender.send(request, _wrong).body.get("message")
        reactions = message.get("reactions") if isinstance(message, dict) else None
        for reaction in reactions if isinstance(reactions, list) else ():
            for user in reaction.get("users", ()):
                return Acknowledgement(now, str(user), f"{self.name} (:{reaction.get('name')}:)")
        return None

    def acknowledge(self, memory: Memory, by: str) -> None:
        """Say in the thread that somebody has taken the problem on. Raises NotTold."""
        message = memory.recall(MESSAGE)
        if _is_message(message):
            self._post(f"acknowledged by {_escaped(by)}", message)

    def announce(self, text: str) -> dict[str, str]:
        """Post a message of its own, and return which one: its `channel` and `ts`. Raises NotTold."""
        return self._post(_escaped(text))

    def close(self) -> None:
        """Let the connections go."""
        self.sender.client.close()

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _begin(self, notice: Notice, memory: Memory) -> dict[str, str]:
        message = self._post(_escaped(notice.message.text))
        memory.keep(MESSAGE, message)
        return message

    def _reply(self, notice: Notice, message: Mapping[str, str], memory: Memory) -> None:
        called = [handle for action in notice.actions for handle in self.people.get(action, ())]
        text = " ".join([*map(mention, dict.fromkeys(called)), _escaped(notice.message.text)])
        # In the channel too: a waiver is for everybody to know.
        everybody = bool(notice.actions) or notice.message.what is What.WAIVED
        reply = self._post(text, message, broadcast=everybody)
        if notice.actions:
            memory.keep(ALARM, reply)

    def _post(self, text: str, thread: Mapping[str, str] | None = None, *, broadcast: bool = False) -> dict[str, str]:
        body: dict[str, Any] = {"channel": self.channel, "text": text, "unfurl_links": False, "unfurl_media": False}
        if thread is not None:
            body |= {"channel": thread["channel"], "thread_ts": thread["ts"], "reply_broadcast": broadcast}
        found = self._call("chat.postMessage", body).body
        # The ID of the channel, which chat.update asks for where chat.postMessage also takes its name.
        message = {"channel": found.get("channel"), "ts": found.get("ts")}
        if not _is_message(message):
            raise NotTold(f"{self.name}: chat.postMessage does not say which message it has posted; {MEND}")
        return {name: str(value) for name, value in message.items()}

    def _update(self, notice: Notice, message: Mapping[str, str]) -> None:
        body = {"channel": message["channel"], "ts": message["ts"], "text": _escaped(notice.message.text)}
        self._call("chat.update", body)

    def _call(self, method: str, body: Mapping[str, Any]) -> Answer:
        headers = {**self._headers, "Content-Type": "application/json; charset=utf-8"}
        request = httpx.Request("POST", f"{self.address}/{method}", json=body, headers=headers)
        gone = list[str]()

        def wrong(answer: Answer) -> str:
            why = _wrong(answer)
            gone.extend(each for each in _GONE if each == why)
            return why

        try:
            return self.sender.send(request, wrong)
        except NotTold as error:
            if gone:
                raise _GoneError(str(error)) from error
            raise


class _GoneError(NotTold):
    """The message is not there any more, or may not be changed."""


def mention(handle: str) -> str:
    """Return a handle as Slack wants it in a text, so that whom it names is notified: only an ID can do that."""
    person, group = _ID.match(handle), _GROUP.match(handle)
    if person:
        return f"<@{person.group(1)}>"
    return f"<!subteam^{group.group(1)}>" if group else _escaped(handle)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _wrong(answer: Answer) -> str:
    if not answer.success:
        return f"it answers {answer.status}"
    if answer.body.get("ok") is True:
        return ""
    code = str(answer.body.get("error", ""))
    return code if _CODE.match(code) else "it answers something that Slack does not"


def _is_message(found: object) -> bool:
    return isinstance(found, Mapping) and all(
        isinstance(found.get(name), str) and found[name] for name in ("channel", "ts")
    )
