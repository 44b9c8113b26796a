"""What is not installed is said by its extra."""

import importlib
import re
from importlib.metadata import metadata

import pytest

from pybridge.extras import MissingExtra, needs
from pybridge.paths import PACKAGE, ROOT


def test_a_package_that_is_not_installed_is_named_by_its_extra() -> None:
    with pytest.raises(MissingExtra) as refused, needs("xlsx"):
        import no_such_package  # type: ignore[import-not-found]  # noqa: F401
    assert str(refused.value) == "This needs the extra `xlsx`: pip install 'pybridge[xlsx]'"
    assert (refused.value.extra, refused.value.name) == ("xlsx", "no_such_package")


def test_of_two_extras_the_inner_one_is_to_be_installed() -> None:
    with pytest.raises(MissingExtra) as refused, needs("web"), needs("bank"):
        import no_such_package  # noqa: F401
    assert refused.value.extra == "bank"


def test_a_module_of_our_own_that_is_missing_is_no_extra() -> None:
    with pytest.raises(ModuleNotFoundError) as refused, needs("web"):
        importlib.import_module("pybridge.no_such_room")
    assert not isinstance(refused.value, MissingExtra)


def test_every_extra_stands_in_the_guide_and_each_that_is_asked_for_exists() -> None:
    offered = set(metadata("pybridge").get_all("Provides-Extra") or ())
    guide = (ROOT / "docs" / "howto" / "install.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", guide, re.M)) == offered - {"dev"}
    sources = "".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    asked = set(re.findall(r"(?:needs|MissingExtra)\(\W(\w+)\W", sources))
    assert len(asked) > 5
    assert asked <= offered
