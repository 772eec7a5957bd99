"""Generated references are committed as they would be made now."""

from shared import reference


def test_references_are_fresh() -> None:
    """`./vestibule docs` makes them."""
    assert reference.write(check=True) == []
