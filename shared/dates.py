"""Dates as people read them in pages and mails."""

from datetime import date

from babel.dates import format_date

from shared.words import LOCALES


def day_in_words(day: date, language: str) -> str:
    """`1er février 2027`, `1 February 2027`: the month in words, and no line ends within."""
    text = format_date(day, "long", locale=LOCALES[language])
    if language == "fr" and day.day == 1:
        text = "1er" + text.removeprefix("1")
    return text.replace(" ", "\N{NO-BREAK SPACE}")
