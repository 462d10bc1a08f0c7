"""When production may be changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from concerns.concern import Concern

CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
LONGEST_MINUTES = 24 * 60
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEK: tuple[Day, ...] = get_args(Day)


class WindowSettings(Concern):
    """The maintenance window in which a release may begin. It may reach past midnight."""

    start: str = Field(pattern=CLOCK, description="Time of day at which it opens, as 22:00.")
    minutes: int = Field(description="How long it is open, in minutes: 1 to 1440.")
    timezone: str = Field(description="Zone of `start`, as Europe/Berlin.")
    days: tuple[Day, ...] = Field(default=WEEK, min_length=1, description="Days on which it opens.")

    @field_validator("minutes")
    @classmethod
    def _ends_after_it_starts(cls, value: int) -> int:
        if value < 1:
            message = "a window ends after it starts: 1 minute or more"
            raise ValueError(message)
        if value > LONGEST_MINUTES:
            message = f"a window is no longer than a day: at most {LONGEST_MINUTES} minutes"
            raise ValueError(message)
        return value

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = "must be the name of a time zone, such as Europe/Berlin or UTC"
            raise ValueError(message) from None
        return value

    def opening(self, now: datetime) -> tuple[datetime, datetime]:
        """Return start and end of the window that is open at `now`, else of the one that opens next.

        `now` carries a time zone; the answer is in the window's own.
        """
        zone = ZoneInfo(self.timezone)
        hour, minute = (int(part) for part in self.start.split(":"))
        today = now.astimezone(zone).replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)
        # From yesterday on, as a window may reach past midnight; to the same day a week later.
        for days in range(-1, 9):
            start = (today.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone)
            # In seconds that pass, not on a clock that may be put forward in between.
            end = datetime.fromtimestamp(start.timestamp() + self.minutes * 60, zone)
            if WEEK[start.weekday()] in self.days and now < end:
                return start, end
        raise AssertionError("a week has every day")
