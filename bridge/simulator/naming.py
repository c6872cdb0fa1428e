"""Misbehaviours by name, as the command line and the control port speak of them. Which there are, others say.

`NAME[:KEY=VALUE[,KEY=VALUE...]][@SITE or @PORT]`, for instance `throttle:every=10@2776`. The keys are the keyword
arguments of the class, their types those of the defaults.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import getdoc, signature
from typing import Any, ClassVar, Generic, Self, TypeVar

B = TypeVar("B")


class UnknownFault(ValueError):
    """A fault that cannot be understood. The message names the part and what would be right."""


@dataclass(frozen=True, slots=True)
class NamedFault(Generic[B]):
    """A fault as written: which one, how, and at which nodes (`where` a site or a port; None: all).

    A subclass for each kind of provider says which `KINDS` there are.
    """

    KINDS: ClassVar[Mapping[str, Callable[..., Any]]] = {}

    name: str
    parameters: Mapping[str, Any]
    where: str | None

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads one. Raises UnknownFault, also for parameters that the fault itself does not like."""
        rest, _, where = text.partition("@")
        name, _, pairs = rest.partition(":")
        if name not in cls.KINDS:
            raise UnknownFault(f"no fault {name!r}; there are: {', '.join(cls.KINDS)}")
        fault = cls(name, _read_parameters(name, _defaults(cls.KINDS[name]), pairs), where or None)
        fault.build()
        return fault

    def build(self) -> B:
        """A fresh behaviour: each node counts for itself. Raises UnknownFault."""
        try:
            behaviour: B = self.KINDS[self.name](**self.parameters)
        except ValueError as error:
            raise UnknownFault(f"{self.name}: {error}") from None
        return behaviour

    def applies_to(self, site: str, port: int) -> bool:
        """Is the node of this site that has this port meant?"""
        return self.where is None or self.where in (site, str(port))

    @classmethod
    def describe(cls) -> str:
        """One paragraph per fault for the help: name, parameters with their defaults, what it does."""
        lines = []
        for name, kind in cls.KINDS.items():
            defaults = ",".join(f"{key}={_written(key, default)}" for key, default in _defaults(kind).items())
            purpose = (getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")
            lines.append(f"  {name}{':' if defaults else ''}{defaults}\n      {purpose}")
        return "\n".join(lines)


def _defaults(kind: Callable[..., Any]) -> dict[str, Any]:
    return {key: parameter.default for key, parameter in signature(kind).parameters.items()}


def _read_parameters(name: str, defaults: Mapping[str, Any], pairs: str) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for pair in filter(None, pairs.split(",")):
        key, equals, value = pair.partition("=")
        if key not in defaults or not equals:
            known = ", ".join(f"{key}=" for key in defaults) or "no parameters"
            raise UnknownFault(f"{name}: {pair!r} is not a parameter; it has {known}")
        try:
            parameters[key] = _read_value(value, defaults[key])
        except ValueError:
            raise UnknownFault(
                f"{name}: {key} must be like {_written(key, defaults[key])}, not {value!r}"
            ) from None
    return parameters


def _read_value(value: str, default: Any) -> Any:
    if isinstance(default, bool):
        if value not in ("yes", "no"):
            raise ValueError(value)
        return value == "yes"
    if isinstance(default, int):
        return int(value, 0)
    return type(default)(value)


def _written(key: str, default: Any) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return f"0x{default:02X}" if key == "status" else str(default)
